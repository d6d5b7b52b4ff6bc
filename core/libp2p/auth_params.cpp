#include "core/libp2p/auth_params.h"

#include <algorithm>
#include <initializer_list>

#include "core/libp2p/varint.h"
#include "core/text.h"

namespace swage::libp2p {
namespace {

bool is_separator(char c) { return c == ' ' || c == '\t' || c == ','; }

bool is_name(char c) { return is_letter_or_digit(c) || c == '-'; }

bool is_value(char c) { return is_printable(c) && c != '"' && c != '\\'; }

// Takes the characters off the front that are of a kind.
template <typename Kind>
std::string_view take_while(std::string_view& rest, Kind is_kind) {
  const auto end = std::ranges::find_if_not(rest, is_kind);
  const std::string_view taken(rest.begin(), end);
  rest.remove_prefix(taken.size());
  return taken;
}

std::optional<std::string_view>* member(AuthParams& params, std::string_view name) {
  constexpr std::pair<std::string_view, std::optional<std::string_view> AuthParams::*> kMembers[] = {
      {"bearer", &AuthParams::bearer},
      {"challenge-client", &AuthParams::challenge_client},
      {"challenge-server", &AuthParams::challenge_server},
      {"expires", &AuthParams::expires},
      {"opaque", &AuthParams::opaque},
      {"public-key", &AuthParams::public_key},
      {"sig", &AuthParams::sig},
  };
  for (const auto& [known, at] : kMembers) {
    if (equal_without_case(known, name)) return &(params.*at);
  }
  return nullptr;
}

// Takes name="value" off the front.
Result<> take_param(std::string_view& rest, AuthParams& params) {
  const std::string_view name = take_while(rest, is_name);
  if (name.empty() || !rest.starts_with("=\"")) return fail("a parameter is not of the form name=\"value\"");
  rest.remove_prefix(2);
  const std::string_view value = take_while(rest, is_value);
  if (!rest.starts_with('"')) return fail("the value of {} does not end with a quote", name);
  rest.remove_prefix(1);
  if (!rest.empty() && !is_separator(rest.front())) return fail("no comma after the value of {}", name);
  auto* const param = member(params, name);
  if (param == nullptr) return {};
  if (*param) return fail("{} comes twice", name);
  *param = value;
  return {};
}

// REQUIRES: sorted by name.
std::vector<std::uint8_t> signed_bytes(std::initializer_list<std::pair<std::string_view, std::string_view>> params) {
  std::vector<std::uint8_t> bytes;
  bytes.reserve(256);  // a host's name, a challenge, an Ed25519 key
  bytes.assign(kAuthScheme.begin(), kAuthScheme.end());
  for (const auto& [name, value] : params) {
    varint::append(bytes, name.size() + 1 + value.size());
    bytes.insert(bytes.end(), name.begin(), name.end());
    bytes.push_back('=');
    bytes.insert(bytes.end(), value.begin(), value.end());
  }
  return bytes;
}

}  // namespace

bool has_auth_scheme(std::string_view header) {
  const std::string_view rest = header.substr(std::min(header.size(), kAuthScheme.size()));
  return equal_without_case(header.substr(0, kAuthScheme.size()), kAuthScheme) &&
         (rest.empty() || is_separator(rest.front()));
}

Result<AuthParams> parse_auth_params(std::string_view header) {
  if (header.size() > kMaxAuthHeader) return fail("the header has more than {} bytes", kMaxAuthHeader);
  AuthParams params;
  std::string_view rest = header.substr(kAuthScheme.size());
  for (take_while(rest, is_separator); !rest.empty(); take_while(rest, is_separator)) TRY(take_param(rest, params));
  return params;
}

AuthHeader& AuthHeader::add(std::string_view name, std::string_view value) {
  text_.append(text_.size() == kAuthScheme.size() ? " " : ", ").append(name).append("=\"").append(value).append("\"");
  return *this;
}

std::vector<std::uint8_t> client_signed_bytes(std::string_view challenge_client, std::string_view hostname,
                                              Bytes server_key) {
  return signed_bytes(
      {{"challenge-client", challenge_client}, {"hostname", hostname}, {"server-public-key", as_text(server_key)}});
}

std::vector<std::uint8_t> server_signed_bytes(std::string_view challenge_server, Bytes client_key,
                                              std::string_view hostname) {
  return signed_bytes(
      {{"challenge-server", challenge_server}, {"client-public-key", as_text(client_key)}, {"hostname", hostname}});
}

}  // namespace swage::libp2p
