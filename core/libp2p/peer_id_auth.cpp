#include "core/libp2p/peer_id_auth.h"

#include <algorithm>
#include <utility>

#include <fmt/format.h>

#include "core/crypto/base64.h"
#include "core/crypto/hash.h"
#include "core/text.h"

namespace swage::libp2p {
namespace {

using Kind = AuthToken::Kind;
using ByteVector = std::vector<std::uint8_t>;

constexpr std::size_t kChallengeBytes = 32;
constexpr std::size_t kMinChallengeText = 32;  // characters of a client's challenge

// "example.com:8443" is "example.com", "[2001:db8::1]:80" is "[2001:db8::1]".
std::string_view without_port(std::string_view host) {
  constexpr std::size_t kMaxDigits = 5;
  const std::size_t colon = host.rfind(':');
  if (colon == std::string_view::npos) return host;
  const std::string_view port = host.substr(colon + 1);
  const bool is_port = port.size() <= kMaxDigits && (port.empty() || is_decimal(port));
  return is_port ? host.substr(0, colon) : host;
}

std::string_view without_dot(std::string_view name) {
  return name.substr(0, name.size() - (name.ends_with('.') ? 1 : 0));
}

std::string as_compared(std::string_view domain) { return lower_case(without_dot(without_port(domain))); }

// Two secrets from one: neither of them reveals the other, or the one.
crypto::Secret derive(const crypto::Secret& secret, std::string_view purpose) {
  crypto::Secret derived(crypto::kEd25519Size);
  crypto::hkdf_sha256({}, secret.bytes(), as_bytes(purpose), derived.bytes());
  return derived;
}

// RFC 3339 with milliseconds, in UTC: some clients read exactly this form.
std::string timestamp(AuthTime time) {
  const auto day = std::chrono::floor<std::chrono::days>(time);
  const std::chrono::year_month_day date(day);
  const std::chrono::hh_mm_ss clock(time - day);
  return fmt::format("{:04}-{:02}-{:02}T{:02}:{:02}:{:02}.{:03}Z", static_cast<int>(date.year()),
                     static_cast<unsigned>(date.month()), static_cast<unsigned>(date.day()), clock.hours().count(),
                     clock.minutes().count(), clock.seconds().count(), clock.subseconds().count());
}

// The key's protobuf. Only its form is looked at.
Result<ByteVector> parse_key(std::string_view text) {
  auto message = crypto::from_base64url(text);
  if (!message) return fail("public-key is not base64url");
  return canonical_public_key(*message);
}

class OpenGate final : public PeerIdAuth::Gate {
 public:
  Leave ask(std::string_view, std::chrono::microseconds) override { return Leave::granted; }
  void failed(std::string_view) override {}
};

}  // namespace

struct PeerIdAuth::Exchange {
  std::string_view host;    // as sent
  std::string_view domain;  // the one of ours that it is
  AuthTime now;
  crypto::Random* random;
  Gate* gate;
  AuthSealer sealer;
};

struct PeerIdAuth::Client {
  ByteVector key;                     // as protobuf, and in form
  Bytes challenge;                    // that we gave it
  std::string_view challenge_server;  // that it gave us; empty where we have signed it already
};

PeerIdAuth::PeerIdAuth(const crypto::Secret& secret, std::vector<std::string> domains)
    : domains_(std::move(domains)),
      token_key_(derive(secret, "swage peer-id-auth: tokens")),
      key_(PrivateKey::from_seed(derive(secret, "swage peer-id-auth: server key").bytes())),
      public_key_(key_.public_key().to_protobuf()),
      public_key_text_(crypto::to_base64url(public_key_)) {
  CHECK(secret.bytes().size() >= kMinSecret && !domains_.empty());
  for (std::string& domain : domains_) domain = as_compared(domain);
}

std::optional<PeerIdAuth::Exchange> PeerIdAuth::begin(const Request& request, AuthTime now, crypto::Random& random,
                                                      Gate& gate) const {
  const std::string_view name = without_dot(without_port(request.host));
  const auto domain =
      std::ranges::find_if(domains_, [name](const auto& ours) { return equal_without_case(name, ours); });
  if (domain == domains_.end()) return std::nullopt;
  return Exchange{request.host, *domain, now, &random, &gate, {token_key_.bytes(), *domain}};
}

PeerIdAuth::Answer PeerIdAuth::answer(const Request& request, AuthTime now, crypto::Random& random) const {
  OpenGate gate;
  return answer(request, now, random, gate);
}

PeerIdAuth::Answer PeerIdAuth::answer(const Request& request, AuthTime now, crypto::Random& random, Gate& gate) const {
  const auto exchange = begin(request, now, random, gate);
  if (!exchange) return Malformed{"the Host is not a name of this service", Fault::host};
  if (!has_auth_scheme(request.authorization)) return Challenge{fresh_challenge(*exchange)};
  const auto params = parse_auth_params(request.authorization);
  if (!params) return Malformed{params.error().text()};
  if (params->opaque && params->sig) {
    const auto token = exchange->sealer.open(*params->opaque, now);
    if (!token) return refuse(*exchange, token.error().text());
    if (token->kind == Kind::server_initiated) return finish_server_initiated(*exchange, *params, *token);
    if (token->kind == Kind::client_initiated) return finish_client_initiated(*exchange, *params, *token);
    return refuse(*exchange, "the token is not a challenge");
  }
  if (params->bearer) return check_bearer(*exchange, *params->bearer);
  if (params->challenge_server && params->public_key) return answer_challenge(*exchange, *params);
  return Malformed{"neither a challenge nor the answer to one nor a bearer"};
}

PeerIdAuth::Answer PeerIdAuth::check_bearer(const Exchange& exchange, std::string_view bearer) const {
  const auto token = exchange.sealer.open(bearer, exchange.now);
  if (!token) return refuse(exchange, token.error().text());
  if (token->kind != Kind::bearer) return refuse(exchange, "the token is not a bearer");
  const auto peer = PeerId::from_multihash(token->content);
  if (!peer) return refuse(exchange, peer.error().text());  // sealed by a version that knew more forms
  return Authenticated{*peer, ""};
}

PeerIdAuth::Answer PeerIdAuth::answer_challenge(const Exchange& exchange, const AuthParams& params) const {
  if (params.challenge_server->size() < kMinChallengeText) return Malformed{"challenge-server is too short"};
  const auto key = parse_key(*params.public_key);
  if (!key) return Malformed{key.error().text()};
  AuthToken token{Kind::client_initiated, exchange.now, {}};
  AuthHeader header = challenge(exchange, token);
  token.content.insert(token.content.end(), key->begin(), key->end());
  header.add("sig", sign(*params.challenge_server, *key, exchange.host));
  return Challenge{header.add("opaque", exchange.sealer.seal(token)).take()};
}

PeerIdAuth::Answer PeerIdAuth::finish_server_initiated(const Exchange& exchange, const AuthParams& params,
                                                       const AuthToken& token) const {
  if (!params.public_key || !params.challenge_server) return Malformed{"public-key or challenge-server is missing"};
  if (params.challenge_server->size() < kMinChallengeText) return Malformed{"challenge-server is too short"};
  auto key = parse_key(*params.public_key);
  if (!key) return Malformed{key.error().text()};
  return accept(exchange, params, {*std::move(key), token.content, *params.challenge_server});
}

PeerIdAuth::Answer PeerIdAuth::finish_client_initiated(const Exchange& exchange, const AuthParams& params,
                                                       const AuthToken& token) const {
  auto key = canonical_public_key(Bytes(token.content).subspan(kChallengeBytes));
  if (!key) return refuse(exchange, key.error().text());  // sealed by a version that knew more forms
  return accept(exchange, params, {*std::move(key), Bytes(token.content).first(kChallengeBytes), ""});
}

std::vector<std::string_view> PeerIdAuth::names_of(const Exchange& exchange) const {
  std::vector<std::string_view> names = {exchange.host};
  const auto add = [&names](std::string_view name) {
    if (std::ranges::find(names, name) == names.end()) names.push_back(name);
  };
  add(without_port(exchange.host));
  for (const std::string& domain : domains_) add(domain);
  return names;
}

PeerIdAuth::Answer PeerIdAuth::accept(const Exchange& exchange, const AuthParams& params, const Client& client) const {
  const auto sig = crypto::from_base64url(*params.sig);
  if (!sig) return Malformed{"sig is not base64url"};
  const std::string challenge_text = crypto::to_base64url(client.challenge);
  const std::chrono::microseconds cost = verification_cost(client.key);
  std::optional<PublicKey> key;  // read when it is needed: that is dear, too
  for (const std::string_view name : names_of(exchange)) {
    const auto leave = exchange.gate->ask(*params.opaque, cost);
    if (leave == Gate::Leave::postponed) return Postponed{};
    if (leave == Gate::Leave::spent) return refuse(exchange, "an answer to this challenge was wrong before");
    if (!key) {
      auto read = PublicKey::from_protobuf(client.key);
      if (!read) {
        exchange.gate->failed(*params.opaque);
        return Malformed{read.error().text()};
      }
      key = *std::move(read);
    }
    if (!key->verify(client_signed_bytes(challenge_text, name, public_key_), *sig)) continue;
    return admit(exchange, client, key->peer_id(), name);
  }
  exchange.gate->failed(*params.opaque);
  return refuse(exchange, "the signature does not verify", Fault::signature);
}

PeerIdAuth::Answer PeerIdAuth::admit(const Exchange& exchange, const Client& client, const PeerId& peer,
                                     std::string_view hostname) const {
  const Bytes multihash = peer.multihash();
  AuthHeader header;
  if (!client.challenge_server.empty()) header.add("sig", sign(client.challenge_server, client.key, hostname));
  header.add("bearer", exchange.sealer.seal({Kind::bearer, exchange.now, {multihash.begin(), multihash.end()}}));
  return Authenticated{peer, header.add("expires", timestamp(exchange.now + kBearerLife)).take()};
}

PeerIdAuth::Answer PeerIdAuth::refuse(const Exchange& exchange, std::string why, Fault fault) const {
  return Refused{std::move(why), fresh_challenge(exchange), fault};
}

std::string PeerIdAuth::fresh_challenge(const Exchange& exchange) const {
  AuthToken token{Kind::server_initiated, exchange.now, {}};
  AuthHeader header = challenge(exchange, token);
  return header.add("opaque", exchange.sealer.seal(token)).take();
}

AuthHeader PeerIdAuth::challenge(const Exchange& exchange, AuthToken& token) const {
  token.content.resize(kChallengeBytes);
  exchange.random->fill(token.content);
  AuthHeader header;
  header.add("challenge-client", crypto::to_base64url(token.content));
  return std::move(header.add("public-key", public_key_text_));
}

std::string PeerIdAuth::sign(std::string_view challenge_server, Bytes client_key, std::string_view hostname) const {
  return crypto::to_base64url(key_.sign(server_signed_bytes(challenge_server, client_key, hostname)).value());
}

}  // namespace swage::libp2p
