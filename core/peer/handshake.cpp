#include "core/peer/handshake.h"

#include <utility>

#include <fmt/format.h>

#include "core/crypto/base64.h"
#include "core/libp2p/auth_params.h"

namespace swage::peer {
namespace {

using libp2p::AuthParams;
using libp2p::PeerIdAuthClient;

std::string challenge_server(const Dialect& dialect, crypto::Random& random) {
  if (dialect.alphabet.empty()) return PeerIdAuthClient::base64_challenge(random);
  return PeerIdAuthClient::challenge_of(dialect.alphabet, dialect.challenge_size, random);
}

PeerIdAuthClient::Dialect auth_dialect(const Dialect& dialect, const Url& url, crypto::Random& random) {
  PeerIdAuthClient::Dialect auth;
  auth.flow = dialect.flow;
  auth.hostname = signed_hostname(dialect, url);
  auth.challenge_server = challenge_server(dialect, random);
  auth.order.assign(dialect.order.begin(), dialect.order.end());
  auth.checks_server = dialect.checks_server;
  return auth;
}

// What clients find that split a header at commas: after the first '=' of the first part that contains the name
// anywhere, without quotes and spaces around it.
std::string_view part_with(std::string_view header, std::string_view name) {
  while (!header.empty()) {
    const std::string_view part = header.substr(0, header.find(','));
    if (part.find(name) != std::string_view::npos) {
      std::string_view value = part.substr(std::min(part.find('='), part.size() - 1) + 1);
      while (!value.empty() && (value.front() == ' ' || value.front() == '"')) value.remove_prefix(1);
      while (!value.empty() && (value.back() == ' ' || value.back() == '"')) value.remove_suffix(1);
      return value;
    }
    header.remove_prefix(std::min(part.size() + 1, header.size()));
  }
  return "";
}

std::string printable(std::string_view text) {
  constexpr std::size_t kMaxShown = 500;  // bytes
  std::string line;
  for (const char c : text.substr(0, kMaxShown)) line += c >= ' ' && c != 0x7f ? c : ' ';
  line.erase(line.find_last_not_of(' ') + 1);
  return text.size() > kMaxShown ? line + "…" : line;
}

}  // namespace

std::string summary(const http::Response& response) {
  std::string text = fmt::format("{}", response.status);
  // Some bodies begin with the status, as p2p-forge's do.
  const std::string body = printable(response.body);
  text = body.starts_with(text + ' ') ? body : body.empty() ? text : text + ' ' + body;
  if (const auto after = response.fields.find("Retry-After")) text += "; Retry-After: " + printable(*after);
  return text;
}

Handshake::Handshake(const Dialect& dialect, const libp2p::PrivateKey& key, Submission submission,
                     crypto::Random& random)
    : dialect_(dialect),
      auth_(key, auth_dialect(dialect, submission.url, random)),
      submission_(std::move(submission)) {}

std::string Handshake::first() const { return first_request(dialect_, submission_, auth_.first()); }

Result<std::string> Handshake::second(const http::Response& response) {
  if (dialect_.first_must_be_401 && response.status != 401) {
    return fail("expected 401 and a challenge, got {}", summary(response));
  }
  const auto header = response.fields.find("WWW-Authenticate");
  if (!header) return fail("no challenge (WWW-Authenticate) in the response: {}", summary(response));
  TRY(const std::string challenge, reading(*header));
  if (dialect_.fixed_lengths) TRY(check_lengths(challenge));
  auto authorization = auth_.second(challenge);
  if (!authorization) return fail("the broker's challenge: {}", authorization.error().text());
  return second_request(dialect_, submission_, *authorization);
}

Result<> Handshake::finish(const http::Response& response) {
  if (dialect_.bearer != Dialect::Bearer::ignored) TRY(check_bearer(response));
  const bool done = dialect_.any_2xx ? response.status / 100 == 2 : response.status == 200;
  if (!done) return fail("{}", summary(response));
  return {};
}

bool Handshake::stays(const http::Response& first) const {
  return dialect_.reuse == Dialect::Reuse::always ||
         (dialect_.reuse == Dialect::Reuse::after_empty && first.body.empty());
}

Result<std::string> Handshake::reading(std::string_view header) const {
  if (!dialect_.splits_at_commas) return std::string(header);
  libp2p::AuthHeader read;
  for (const std::string_view name : {"challenge-client", "public-key", "opaque", "sig", "bearer"}) {
    const std::string_view value = part_with(header, name);
    if (value.find_first_of("\"\\") != std::string_view::npos) return fail("{} is not one word in quotes", name);
    if (!value.empty()) read.add(name, value);
  }
  return read.take();
}

Result<> Handshake::check_lengths(std::string_view header) const {
  if (!libp2p::has_auth_scheme(header)) return {};  // PeerIdAuthClient says it
  TRY(const AuthParams params, libp2p::parse_auth_params(header));
  if (params.challenge_client.value_or("").size() != 44) {
    return fail("challenge-client has not the 44 characters that this client can sign");
  }
  const auto key = crypto::from_base64url(params.public_key.value_or(""));
  if (!key || key->size() != 36) return fail("the broker's key is not Ed25519, which alone this client can sign");
  return {};
}

Result<> Handshake::check_bearer(const http::Response& response) {
  const auto header = response.fields.find("Authentication-Info");
  if (!header && dialect_.bearer == Dialect::Bearer::if_present) return {};
  if (!header) return fail("no bearer (Authentication-Info) in the response: {}", summary(response));
  TRY(const std::string info, reading(*header));
  if (const auto finished = auth_.finish(info); !finished) {
    return fail("the broker's proof: {}; {}", finished.error().text(), summary(response));
  }
  return {};
}

}  // namespace swage::peer
