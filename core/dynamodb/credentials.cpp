#include "core/dynamodb/credentials.h"

#include <algorithm>
#include <utility>

#include "core/text.h"

namespace swage::dynamodb {
namespace {

std::string_view trimmed(std::string_view text) {
  constexpr std::string_view kBlanks = " \t\r";
  const std::size_t first = text.find_first_not_of(kBlanks);
  if (first == std::string_view::npos) return {};
  return text.substr(first, text.find_last_not_of(kBlanks) + 1 - first);
}

// It becomes a field of requests, and part of what is signed.
bool is_sound(std::string_view text) { return std::ranges::all_of(text, is_printable); }

Result<Credentials> checked(Credentials credentials, std::string_view key_id, std::string_view secret) {
  if (credentials.key_id.empty()) return fail("{} is not set", key_id);
  if (credentials.secret.empty()) return fail("{} is not set", secret);
  if (!is_sound(credentials.key_id) || !is_sound(credentials.secret) || !is_sound(credentials.token)) {
    return fail("the credentials have characters that cannot be printed");
  }
  return credentials;
}

}  // namespace

Result<Credentials> credentials_in(const Environment& environment) {
  return checked({environment(kKeyId), environment(kSecret), environment(kToken)}, kKeyId, kSecret);
}

Result<Credentials> parse_credentials(std::string_view text) {
  Credentials credentials;
  bool ours = true;
  while (!text.empty()) {
    const std::size_t end = std::min(text.find('\n'), text.size());
    const std::string_view line = trimmed(text.substr(0, end));
    text.remove_prefix(std::min(end + 1, text.size()));
    if (line.starts_with('[')) ours = line == "[default]";
    const std::size_t equals = line.find('=');
    if (!ours || equals == std::string_view::npos || line.starts_with('#') || line.starts_with(';')) continue;
    const std::string_view key = trimmed(line.substr(0, equals)), value = trimmed(line.substr(equals + 1));
    if (key == "aws_access_key_id") credentials.key_id = value;
    if (key == "aws_secret_access_key") credentials.secret = value;
    if (key == "aws_session_token") credentials.token = value;
  }
  return checked(std::move(credentials), "aws_access_key_id", "aws_secret_access_key");
}

}  // namespace swage::dynamodb
