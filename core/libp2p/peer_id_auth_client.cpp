#include "core/libp2p/peer_id_auth_client.h"

#include <utility>

#include "core/crypto/base64.h"
#include "core/libp2p/auth_params.h"

namespace swage::libp2p {
namespace {

Result<AuthParams> parse(std::string_view header) {
  if (!has_auth_scheme(header)) return fail("the header is not of the scheme {}", kAuthScheme);
  return parse_auth_params(header);
}

}  // namespace

std::string PeerIdAuthClient::to_text(Bytes bytes) const {
  std::string text = crypto::to_base64url(bytes);
  if (!dialect_.padding) text.erase(text.find_last_not_of('=') + 1);
  return text;
}

std::string PeerIdAuthClient::first() const {
  if (dialect_.flow == Flow::server_initiated) return "";
  AuthHeader header;
  header.add("challenge-server", dialect_.challenge_server);
  return header.add("public-key", to_text(key_->public_key().to_protobuf())).take();
}

Result<std::string> PeerIdAuthClient::second(std::string_view www_authenticate) {
  TRY(const AuthParams params, parse(www_authenticate));
  if (!params.challenge_client || !params.public_key || !params.opaque) {
    return fail("challenge-client, public-key or opaque is missing");
  }
  const auto server_key = crypto::from_base64url(*params.public_key);
  if (!server_key) return fail("public-key is not base64url");
  TRY(server_, PublicKey::from_protobuf(*server_key));
  if (dialect_.flow == Flow::client_initiated) TRY(verify(params.sig));

  TRY(const auto sig, key_->sign(client_signed_bytes(*params.challenge_client, dialect_.hostname, *server_key)));
  AuthHeader header;
  for (const std::string_view name : dialect_.order) {
    if (name == "public-key") header.add(name, to_text(key_->public_key().to_protobuf()));
    if (name == "opaque") header.add(name, *params.opaque);
    if (name == "challenge-server") header.add(name, dialect_.challenge_server);
    if (name == "sig") header.add(name, to_text(sig));
  }
  return header.take();
}

Result<> PeerIdAuthClient::finish(std::string_view authentication_info) {
  TRY(const AuthParams params, parse(authentication_info));
  if (!params.bearer) return fail("bearer is missing");
  if (dialect_.flow == Flow::server_initiated) TRY(verify(params.sig));
  bearer_ = *params.bearer;
  return {};
}

Result<> PeerIdAuthClient::verify(std::optional<std::string_view> sig) const {
  if (!dialect_.checks_server) return {};
  if (!sig) return fail("the server's signature is missing");
  const auto bytes = crypto::from_base64url(*sig);
  const auto message =
      server_signed_bytes(dialect_.challenge_server, key_->public_key().to_protobuf(), dialect_.hostname);
  if (!bytes || !server_->verify(message, *bytes)) return fail("the server's signature does not verify");
  return {};
}

std::string PeerIdAuthClient::later() const { return AuthHeader().add("bearer", bearer_).take(); }

std::string PeerIdAuthClient::base64_challenge(crypto::Random& random) {
  std::uint8_t bytes[32];
  random.fill(bytes);
  return crypto::to_base64url(bytes);
}

std::string PeerIdAuthClient::challenge_of(std::string_view alphabet, std::size_t size, crypto::Random& random) {
  std::vector<std::uint8_t> bytes(size);
  random.fill(bytes);
  std::string text;
  for (const std::uint8_t byte : bytes) text += alphabet[byte % alphabet.size()];
  return text;
}

}  // namespace swage::libp2p
