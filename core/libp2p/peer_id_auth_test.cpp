// The server against the client in the dialects of all clients there are, and against who tampers.
#include "core/libp2p/peer_id_auth.h"

#include <algorithm>
#include <string>
#include <tuple>
#include <utility>
#include <vector>

#include <fmt/format.h>

#include "core/crypto/base64.h"
#include "core/crypto/hash.h"
#include "core/crypto/testing.h"
#include "core/libp2p/key_vectors.h"
#include "core/libp2p/peer_id_auth_client.h"

#include <catch2/catch.hpp>

using namespace swage;
using namespace std::chrono_literals;
using crypto::testing::SeededRandom;
using libp2p::AuthTime;
using libp2p::PeerIdAuth;
using libp2p::PeerIdAuthClient;
using libp2p::PrivateKey;
using Dialect = PeerIdAuthClient::Dialect;
using Flow = PeerIdAuthClient::Flow;

namespace {

const std::string kDomain = "registration.example";
constexpr std::size_t kMaxWritten = 2048;  // bytes of a header, as the specification suggests
const AuthTime kNow{1'750'000'000'123ms};  // 2025-06-15T15:06:40.123Z

PeerIdAuth make_server(std::uint8_t secret = 7, std::vector<std::string> domains = {kDomain}) {
  return {crypto::Secret::copy_of(std::vector<std::uint8_t>(32, secret)), std::move(domains)};
}

const PeerIdAuth& server() {
  static const PeerIdAuth auth = make_server();
  return auth;
}

const PrivateKey& key_of(libp2p::KeyType type) {
  static const std::vector<PrivateKey> keys = [] {
    std::vector<PrivateKey> all;
    for (const auto& vector : libp2p::testing::kKeyVectors) {
      all.push_back(PrivateKey::from_protobuf(crypto::testing::unhex(vector.private_key)).value());
    }
    return all;
  }();
  return *std::ranges::find_if(keys, [type](const auto& key) { return key.public_key().type() == type; });
}

const PrivateKey& client_key() { return key_of(libp2p::KeyType::ed25519); }

PeerIdAuth::Answer ask(std::string_view authorization, std::string_view host = kDomain, AuthTime now = kNow,
                       const PeerIdAuth& auth = server()) {
  static SeededRandom random(1);
  return auth.answer({authorization, host}, now, random);
}

// "challenge", "authenticated", "malformed: …", "refused: …"; and what must hold of each.
std::string outcome(const PeerIdAuth::Answer& answer) {
  if (const auto* const challenge = std::get_if<PeerIdAuth::Challenge>(&answer)) {
    CHECK(challenge->www_authenticate.size() <= kMaxWritten);
    return "challenge";
  }
  if (const auto* const refused = std::get_if<PeerIdAuth::Refused>(&answer)) {
    CHECK(refused->www_authenticate.starts_with("libp2p-PeerID challenge-client=\""));
    CHECK(refused->www_authenticate.size() <= kMaxWritten);
    return "refused: " + refused->why;
  }
  if (const auto* const malformed = std::get_if<PeerIdAuth::Malformed>(&answer)) return "malformed: " + malformed->why;
  CHECK(std::get<PeerIdAuth::Authenticated>(answer).authentication_info.size() <= kMaxWritten);
  return "authenticated";
}

// Reads as the poorest client does: splits at commas, takes one space off, expects name="value".
std::vector<std::pair<std::string, std::string>> naive_params(std::string_view header) {
  std::vector<std::pair<std::string, std::string>> params;
  REQUIRE(header.starts_with("libp2p-PeerID "));
  header.remove_prefix(14);
  while (!header.empty()) {
    const std::string_view param = header.substr(0, header.find(','));
    const std::size_t equals = param.find("=\"");
    REQUIRE(equals != std::string_view::npos);
    REQUIRE(param.ends_with('"'));
    params.emplace_back(param.substr(0, equals), param.substr(equals + 2, param.size() - equals - 3));
    header.remove_prefix(std::min(param.size(), header.size()));
    if (header.empty()) break;
    REQUIRE(header.starts_with(", "));
    header.remove_prefix(2);
  }
  return params;
}

std::string names_of(std::string_view header) {
  std::string names;
  for (const auto& [name, value] : naive_params(header)) names += (names.empty() ? "" : " ") + name;
  return names;
}

std::string value_of(std::string_view header, std::string_view wanted) {
  for (const auto& [name, value] : naive_params(header)) {
    if (name == wanted) return value;
  }
  return "";
}

struct NamedDialect {
  std::string_view name;
  Dialect dialect;
  std::string host;  // the header
};

// What core/peer/dialect.cpp has in full. .NET does not look at the server's signature, which would verify.
std::vector<NamedDialect> dialects() {
  SeededRandom random(2);
  constexpr std::string_view kAlphanumeric = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789";
  const auto base64 = [&] { return PeerIdAuthClient::base64_challenge(random); };
  const auto text = [&](std::string_view alphabet, std::size_t size) {
    return PeerIdAuthClient::challenge_of(alphabet, size, random);
  };
  const std::string with_port = kDomain + ":8443";
  return {
      {"Go", {Flow::client_initiated, with_port, base64(), {"opaque", "sig"}}, with_port},
      {"Go, default port", {Flow::client_initiated, kDomain, base64(), {"opaque", "sig"}}, kDomain},
      {"JS", {Flow::client_initiated, with_port, base64(), {"opaque", "sig"}}, with_port},
      {"nim",
       {Flow::server_initiated, kDomain, text(kAlphanumeric, 48), {"public-key", "opaque", "challenge-server", "sig"}},
       kDomain},
      {"Python",
       {Flow::client_initiated, kDomain, text("0123456789abcdef", 64), {"opaque", "sig"}, true, false},
       "Registration.Example.:443"},
      {"Rust", {Flow::client_initiated, kDomain, base64(), {"opaque", "sig"}}, kDomain},
      {".NET",
       {Flow::server_initiated, kDomain, base64(), {"public-key", "challenge-server", "sig", "opaque"}},
       with_port},
      {"without padding", {Flow::client_initiated, kDomain, base64(), {"sig", "opaque"}, false}, kDomain},
      {"without padding, server-initiated",
       {Flow::server_initiated, kDomain, base64(), {"sig", "opaque", "challenge-server", "public-key"}, false},
       kDomain},
  };
}

Dialect dialect_of(Flow flow) {
  for (const auto& [name, dialect, host] : dialects()) {
    if (dialect.flow == flow && host == kDomain) return dialect;
  }
  return {};
}

// A client that has what it needs for the second request: its Authorization.
std::string second_of(PeerIdAuthClient& client, std::string_view host = kDomain) {
  return client.second(std::get<PeerIdAuth::Challenge>(ask(client.first(), host)).www_authenticate).value();
}

std::string second_of(Flow flow) {
  PeerIdAuthClient client(client_key(), dialect_of(flow));
  return second_of(client);
}

std::string bearer_of(const PeerIdAuth::Answer& answer) {
  return value_of(std::get<PeerIdAuth::Authenticated>(answer).authentication_info, "bearer");
}

// With a modulus that nobody can sign for. REQUIRES: 2048, 4096 or 8192.
libp2p::PublicKey rsa_key_of(std::size_t bits) {
  const std::string_view heads[] = {"30820122300d06092a864886f70d01010105000382010f003082010a0282010100",
                                    "30820222300d06092a864886f70d01010105000382020f003082020a0282020100",
                                    "30820422300d06092a864886f70d01010105000382040f003082040a0282040100"};
  std::vector<std::uint8_t> pkix = crypto::testing::unhex(heads[bits / 4096]);
  pkix.push_back(0x80);
  pkix.resize(pkix.size() + bits / 8 - 2);
  for (const int byte : {0x01, 0x02, 0x03, 0x01, 0x00, 0x01}) pkix.push_back(static_cast<std::uint8_t>(byte));
  return libp2p::PublicKey::from_data(libp2p::KeyType::rsa, pkix).value();
}

std::string with_bearer(std::string_view bearer) { return "libp2p-PeerID bearer=\"" + std::string(bearer) + '"'; }

}  // namespace

TEST_CASE("peer id auth: every dialect, with every type of key, at any instance") {
  const PeerIdAuth other_instance = make_server();
  for (const auto& [name, dialect, host] : dialects()) {
    for (const auto& vector : libp2p::testing::kKeyVectors) {
      CAPTURE(name, vector.public_key);
      const PrivateKey& key = key_of(vector.type);
      const bool client_begins = dialect.flow == Flow::client_initiated;
      PeerIdAuthClient client(key, dialect);
      const auto first = ask(client.first(), host);
      REQUIRE(outcome(first) == "challenge");
      const std::string& challenge = std::get<PeerIdAuth::Challenge>(first).www_authenticate;
      CHECK(names_of(challenge) ==
            (client_begins ? "challenge-client public-key sig opaque" : "challenge-client public-key opaque"));
      CHECK(value_of(challenge, "challenge-client").size() == 44);
      CHECK(value_of(challenge, "public-key").size() == 48);
      CHECK(value_of(challenge, "opaque").size() % 4 == 0);

      const auto second = client.second(challenge);
      REQUIRE(second);
      CHECK(client.server() == server().public_key());
      const auto answer = ask(*second, host, kNow + 1min, other_instance);
      REQUIRE(outcome(answer) == "authenticated");
      const auto& authenticated = std::get<PeerIdAuth::Authenticated>(answer);
      CHECK(authenticated.peer == key.public_key().peer_id());
      CHECK(names_of(authenticated.authentication_info) == (client_begins ? "bearer expires" : "sig bearer expires"));
      CHECK(value_of(authenticated.authentication_info, "expires") == "2025-06-15T16:07:40.123Z");
      CHECK(client.finish(authenticated.authentication_info));

      const auto later = ask(client.later(), host, kNow + 30min);
      REQUIRE(outcome(later) == "authenticated");
      CHECK(std::get<PeerIdAuth::Authenticated>(later).peer == key.public_key().peer_id());
      CHECK(std::get<PeerIdAuth::Authenticated>(later).authentication_info.empty());
    }
  }
}

TEST_CASE("peer id auth: the specification's client-initiated example, as its client sees it") {
  const auto key = PrivateKey::from_seed(std::vector<std::uint8_t>(32, 2));
  PeerIdAuthClient client(key, {Flow::client_initiated, "example.com", "MzMzMzMzMzMzMzMzMzMzMzMzMzMzMzMz"});
  CHECK(client.first() == R"(libp2p-PeerID challenge-server="MzMzMzMzMzMzMzMzMzMzMzMzMzMzMzMz", )"
                          R"(public-key="CAESIIE5dw6ofRdfVqNUZsNMfszLjYqRtO43ol32D1uPybOU")");
  const auto second = client.second(
      R"(libp2p-PeerID challenge-client="ERERERERERERERERERERERERERERERERERERERERERE=", )"
      R"(public-key="CAESIIqI4910CfGV_VLbLTy6XXLKZwm_HZQSG_N0iAG0D29c", )"
      R"(sig="HQ7BJRaSpRhNCORNiALNJENdwXUyq0eM2cxNoxe-XnQw6oEAMaeYnjMYaHHjgq0XNxZmy4W2ngKUcI1CgprLCQ==", opaque="b3BhcXVl")");
  REQUIRE(second);
  CHECK(*second == R"(libp2p-PeerID opaque="b3BhcXVl", )"
                   R"(sig="OrwJPO4buHKJdKXP2av8PFwv3XF_-m5MqndskeVV5UzufYzBCTm7RBaFnBS1sEhuQHZSZPh9RJgN5NmLzrUrBQ==")");
  CHECK(client.server().peer_id().to_base58() == "12D3KooWK99VoVxNE7XzyBwXEzW7xhK7Gpv85r9F3V3fyKSUKPH5");
}

TEST_CASE("peer id auth: keys and tokens of a secret, known answers") {
  // What instances and versions share: a change here ends every handshake and bearer that is under way.
  CHECK(server().public_key().peer_id().to_base58() == "12D3KooWF19enXapeW9s5aTFb4pHnRXtL4UNxzHWyaABFTCEbJgi");
  crypto::Secret key(32);
  crypto::hkdf_sha256({}, std::vector<std::uint8_t>(32, 7), as_bytes("swage peer-id-auth: tokens"), key.bytes());
  const libp2p::AuthSealer sealer(key.bytes(), kDomain);
  const auto id = client_key().public_key().peer_id();
  const std::string bearer =
      sealer.seal({libp2p::AuthToken::Kind::bearer, kNow, {id.multihash().begin(), id.multihash().end()}});
  CHECK(bearer ==
        "AwEcwcf3kYx0egGgH2oQitVRH8fC6zJ0Kxm4nNjGcOwDAAABl3Qg3HsAJAgBEiAe0ej64sShRLi"
        "-j9S0e_PTs0uHHDys9gEPDkLUdPzifg==");
  CHECK(outcome(ask(with_bearer(bearer))) == "authenticated");
}

// There is one signature, and Go's client expects it over the Host as sent: a client that expects another name has no
// luck, which is Rust's where the port is not the scheme's own.
TEST_CASE("peer id auth: where the client begins, the server signs the Host as sent") {
  const std::string with_port = kDomain + ":8443";
  const std::tuple<std::string, std::string, bool> cases[] = {
      {with_port, with_port, true},    {kDomain, kDomain, true},
      {kDomain, with_port, false},     {with_port, kDomain, false},
      {kDomain, kDomain + ".", false}, {"Registration.Example", "Registration.Example", true},
  };
  for (const auto& [hostname, host, good] : cases) {
    CAPTURE(hostname, host);
    Dialect dialect = dialect_of(Flow::client_initiated);
    dialect.hostname = hostname;
    PeerIdAuthClient client(client_key(), dialect);
    const auto second = client.second(std::get<PeerIdAuth::Challenge>(ask(client.first(), host)).www_authenticate);
    CHECK(second.has_value() == good);
    if (!good) CHECK(second.error().text() == "the server's signature does not verify");
  }
}

TEST_CASE("peer id auth: no credentials, or another scheme's, are challenged") {
  for (const std::string_view authorization : {"", "Basic eDp5", "Bearer x", "libp2p-PeerI"}) {
    CAPTURE(authorization);
    CHECK(outcome(ask(authorization)) == "challenge");
  }
}

TEST_CASE("peer id auth: malformed requests, and why") {
  const std::string challenge = R"(challenge-server=")" + std::string(32, 'c') + '"';
  const std::string key = R"(public-key=")" + crypto::to_base64url(client_key().public_key().to_protobuf()) + '"';
  const std::string opaque = "opaque=\"" + value_of(second_of(Flow::server_initiated), "opaque") + '"';
  const std::pair<std::string, std::string_view> cases[] = {
      {"", "neither a challenge nor the answer to one nor a bearer"},
      {challenge, "neither a challenge nor the answer to one nor a bearer"},
      {key, "neither a challenge nor the answer to one nor a bearer"},
      {opaque + ", " + key, "neither a challenge nor the answer to one nor a bearer"},
      {"sig=\"\"", "neither a challenge nor the answer to one nor a bearer"},
      {"sig", "a parameter is not of the form name=\"value\""},
      {challenge + ", " + challenge, "challenge-server comes twice"},
      {R"(challenge-server=")" + std::string(31, 'c') + "\", " + key, "challenge-server is too short"},
      {challenge + R"(, public-key="=")", "public-key is not base64url"},
      {challenge + R"(, public-key="")", "the key's protobuf has no Type"},
      {challenge + R"(, public-key="CAESAA")", "an Ed25519 key has 32 bytes, not 0"},
      {opaque + R"(, sig="")", "public-key or challenge-server is missing"},
      {opaque + R"(, sig="", )" + key, "public-key or challenge-server is missing"},
      {opaque + R"(, sig="", )" + challenge, "public-key or challenge-server is missing"},
      {opaque + R"(, sig="", challenge-server="c", )" + key, "challenge-server is too short"},
      {opaque + R"(, sig="", public-key="CAQSAA", )" + challenge, "no key type has the number 4"},
      {opaque + R"(, sig="?", )" + key + ", " + challenge, "sig is not base64url"},
  };
  for (const auto& [params, why] : cases) {
    CAPTURE(params);
    CHECK(outcome(ask("libp2p-PeerID " + params)) == "malformed: " + std::string(why));
  }
  CHECK(outcome(ask("libp2p-PeerID " + opaque + R"(, sig="", )" + key + ", " + challenge)) ==
        "refused: the signature does not verify");
}

TEST_CASE("peer id auth: which Host is ours") {
  const PeerIdAuth two = make_server(7, {"First.Example:443", "second.example."});
  for (const std::string_view host : {"first.example", "FIRST.example", "first.example.", "first.example:80",
                                      "first.example:", "first.example.:8443", "second.example:65535"}) {
    CAPTURE(host);
    CHECK(outcome(ask("", host, kNow, two)) == "challenge");
  }
  for (const std::string_view host : {"", ":", ".", ":443", "example", "first.example..", "first.example:http",
                                      "first.example:123456", "first.example:1:2", "a.first.example", "first.examplex",
                                      "first.example@evil.example", "evil.example", "127.0.0.1", "[::1]:443"}) {
    CAPTURE(host);
    CHECK(outcome(ask("", host, kNow, two)) == "malformed: the Host is not a name of this service");
  }
  CHECK(outcome(ask("", "[2001:db8::1]:443", kNow, make_server(7, {"[2001:DB8::1]"}))) == "challenge");
}

TEST_CASE("peer id auth: which hostname the client may have signed") {
  const PeerIdAuth two = make_server(7, {"first.example", "second.example"});
  const std::pair<std::string_view, bool> cases[] = {
      {"First.Example.:8443", true}, {"First.Example.", true}, {"first.example", true},       {"second.example", true},
      {"first.example:8443", false}, {"evil.example", false},  {"First.Example:8443", false}, {"", false},
      {"FIRST.EXAMPLE", false},      {"third.example", false},
  };
  for (const auto& [hostname, good] : cases) {
    for (const Flow flow : {Flow::client_initiated, Flow::server_initiated}) {
      CAPTURE(hostname);
      Dialect dialect = dialect_of(flow);
      dialect.hostname = hostname;
      dialect.checks_server = flow == Flow::server_initiated;  // that must have signed what it verified
      PeerIdAuthClient client(client_key(), dialect);
      const std::string_view host = "First.Example.:8443";
      const auto second =
          client.second(std::get<PeerIdAuth::Challenge>(ask(client.first(), host, kNow, two)).www_authenticate);
      REQUIRE(second);
      const auto answer = ask(*second, host, kNow, two);
      CHECK(outcome(answer) == (good ? "authenticated" : "refused: the signature does not verify"));
      if (good) CHECK(client.finish(std::get<PeerIdAuth::Authenticated>(answer).authentication_info));
    }
  }
}

TEST_CASE("peer id auth: a challenge lives 5 minutes, a bearer an hour") {
  for (const Flow flow : {Flow::client_initiated, Flow::server_initiated}) {
    const std::string second = second_of(flow);
    CHECK(outcome(ask(second, kDomain, kNow + 5min)) == "authenticated");
    CHECK(outcome(ask(second, kDomain, kNow + 5min + 1ms)) == "refused: the token has expired");
    CHECK(outcome(ask(second, kDomain, kNow - 1min)) == "authenticated");  // an instance whose clock is behind
    CHECK(outcome(ask(second, kDomain, kNow - 1min - 1ms)) == "refused: the token has expired");
    const std::string bearer = with_bearer(bearer_of(ask(second)));
    CHECK(outcome(ask(bearer, kDomain, kNow + 1h)) == "authenticated");
    CHECK(outcome(ask(bearer, kDomain, kNow + 1h + 1ms)) == "refused: the token has expired");
  }
}

TEST_CASE("peer id auth: a client that was refused succeeds with the fresh challenge") {
  PeerIdAuthClient client(client_key(), dialect_of(Flow::server_initiated));
  const auto refused = ask(with_bearer("b2xk"));
  REQUIRE(outcome(refused) == "refused: the token is not one of ours");
  const auto second = client.second(std::get<PeerIdAuth::Refused>(refused).www_authenticate);
  REQUIRE(second);
  CHECK(outcome(ask(*second)) == "authenticated");
}

TEST_CASE("peer id auth: tokens of another secret, another name, another kind") {
  const PeerIdAuth foreign = make_server(8);
  const PeerIdAuth two = make_server(7, {kDomain, "other.example"});
  for (const Flow flow : {Flow::client_initiated, Flow::server_initiated}) {
    const std::string second = second_of(flow), bearer = bearer_of(ask(second));
    const std::string opaque = value_of(second, "opaque");
    const std::string_view not_ours = "refused: the token is not one of ours";
    CHECK(outcome(ask(second, kDomain, kNow, foreign)) == not_ours);
    CHECK(outcome(ask(with_bearer(bearer), kDomain, kNow, foreign)) == not_ours);
    CHECK(outcome(ask(with_bearer(bearer), kDomain, kNow, two)) == "authenticated");
    CHECK(outcome(ask(with_bearer(bearer), "other.example", kNow, two)) == not_ours);
    CHECK(outcome(ask(second, "other.example", kNow, two)) == not_ours);
    CHECK(outcome(ask(with_bearer(opaque))) == "refused: the token is not a bearer");
    std::string swapped = second;
    swapped.replace(swapped.find(opaque), opaque.size(), bearer);
    CHECK(outcome(ask(swapped)) == "refused: the token is not a challenge");
  }
  CHECK_FALSE(foreign.public_key() == server().public_key());
}

TEST_CASE("peer id auth: the answer to one challenge is none to another, nor another client's") {
  for (const Flow flow : {Flow::client_initiated, Flow::server_initiated}) {
    const std::string one = second_of(flow), two = second_of(flow);
    std::string mixed = one;
    mixed.replace(mixed.find(value_of(one, "sig")), value_of(one, "sig").size(), value_of(two, "sig"));
    CHECK(outcome(ask(mixed)) == "refused: the signature does not verify");
  }
  const auto other = crypto::to_base64url(key_of(libp2p::KeyType::secp256k1).public_key().to_protobuf());
  std::string second = second_of(Flow::server_initiated);
  const std::string ours = value_of(second, "public-key");
  second.replace(second.find(ours), ours.size(), other);
  CHECK(outcome(ask(second)) == "refused: the signature does not verify");
}

TEST_CASE("peer id auth: any other character in a token or a signature") {
  for (const Flow flow : {Flow::client_initiated, Flow::server_initiated}) {
    const std::string second = second_of(flow);
    const std::string bearer = bearer_of(ask(second));
    const auto tampered = [](std::string text, std::size_t at, char with) {
      text[at] = text[at] == with ? 'B' : with;
      return text;
    };
    for (const char with : {'A', '?'}) {
      for (std::size_t i = 0; i < bearer.size(); ++i) {
        CHECK(outcome(ask(with_bearer(tampered(bearer, i, with)))) == "refused: the token is not one of ours");
      }
      for (const std::string_view name : {"opaque", "sig"}) {
        const std::size_t start = second.find(std::string(name) + "=\"") + name.size() + 2;
        for (std::size_t i = start; second[i] != '"'; ++i) {
          const std::string result = outcome(ask(tampered(second, i, with)));
          CAPTURE(name, i, result);
          CHECK((result.starts_with("refused: ") || (name == "sig" && result == "malformed: sig is not base64url")));
        }
      }
    }
  }
}

TEST_CASE("peer id auth: headers cut at every length authenticate nobody") {
  for (const Flow flow : {Flow::client_initiated, Flow::server_initiated}) {
    PeerIdAuthClient client(client_key(), dialect_of(flow));
    const std::string first = client.first(), second = second_of(client);
    const auto answer = ask(second);
    REQUIRE(outcome(answer) == "authenticated");
    const std::string bearer = with_bearer(bearer_of(answer));
    for (const std::string& whole : {first, second, bearer}) {
      for (std::size_t size = 0; size < whole.size(); ++size) {
        CAPTURE(whole, size);
        const std::string result = outcome(ask(std::string_view(whole).substr(0, size)));
        CHECK((result.starts_with("malformed: ") || result == "challenge"));
      }
    }
  }
}

// Where the client begins, its key is in the opaque; and what comes back is that and a signature as long as the
// modulus.
TEST_CASE("peer id auth: RSA keys of up to 8192 bits fit the headers, in both kinds of handshake") {
  for (const std::size_t bits : {2048U, 4096U, 8192U}) {
    const std::string key = crypto::to_base64url(rsa_key_of(bits).to_protobuf());
    const std::string sig = crypto::to_base64url(std::vector<std::uint8_t>(bits / 8, 1));
    const std::string challenge_server(64, 'c');
    CAPTURE(bits);
    for (const bool client_begins : {true, false}) {
      const auto first = ask(
          client_begins ? fmt::format(R"(libp2p-PeerID challenge-server="{}", public-key="{}")", challenge_server, key)
                        : "");
      REQUIRE(outcome(first) == "challenge");
      const std::string opaque = value_of(std::get<PeerIdAuth::Challenge>(first).www_authenticate, "opaque");
      std::string second = fmt::format(R"(libp2p-PeerID opaque="{}", sig="{}")", opaque, sig);
      if (!client_begins) second += fmt::format(R"(, public-key="{}", challenge-server="{}")", key, challenge_server);
      CHECK(second.size() <= libp2p::kMaxAuthHeader);
      CHECK(outcome(ask(second)) == "refused: the signature does not verify");
    }
  }
}

TEST_CASE("peer id auth client: refuses servers that do not prove who they are") {
  const auto challenge = [](PeerIdAuthClient& client) {
    return std::get<PeerIdAuth::Challenge>(ask(client.first())).www_authenticate;
  };
  PeerIdAuthClient client(client_key(), dialect_of(Flow::client_initiated));
  const std::string good = challenge(client);
  CHECK(client.second(good));
  std::string bad = good;
  bad.replace(bad.find(value_of(good, "sig")), 1, value_of(good, "sig")[0] == 'A' ? "B" : "A");
  CHECK(client.second(bad).error().text() == "the server's signature does not verify");
  CHECK(client.second(R"(libp2p-PeerID challenge-client="c", public-key="CAES")").error().text() ==
        "challenge-client, public-key or opaque is missing");
  CHECK(client.second("Basic realm=\"x\"").error().text() == "the header is not of the scheme libp2p-PeerID");
  const std::string without_sig = std::get<PeerIdAuth::Challenge>(ask("")).www_authenticate;
  CHECK(client.second(without_sig).error().text() == "the server's signature is missing");
  CHECK(client.finish("libp2p-PeerID expires=\"x\"").error().text() == "bearer is missing");

  PeerIdAuthClient other(client_key(), dialect_of(Flow::server_initiated));
  REQUIRE(other.second(challenge(other)));
  CHECK(other.finish("libp2p-PeerID bearer=\"x\"").error().text() == "the server's signature is missing");
  CHECK(other.finish("libp2p-PeerID sig=\"eA\", bearer=\"x\"").error().text() ==
        "the server's signature does not verify");
}

// The best of 20 rounds, in microseconds: core_libp2p_test "[bench]".
TEST_CASE("peer id auth: microseconds an answer", "[.bench]") {
  for (const auto& vector : libp2p::testing::kKeyVectors) {
    PeerIdAuthClient client(key_of(vector.type), dialect_of(Flow::client_initiated));
    const std::string second = second_of(client), bearer = with_bearer(bearer_of(ask(second)));
    for (const std::string& request : {client.first(), second, bearer}) {
      constexpr int kCalls = 100;
      double best = 1e9;
      for (int round = 0; round < 20; ++round) {
        const auto start = std::chrono::steady_clock::now();
        for (int i = 0; i < kCalls; ++i) static_cast<void>(ask(request));
        const std::chrono::duration<double, std::micro> taken = std::chrono::steady_clock::now() - start;
        best = std::min(best, taken.count() / kCalls);
      }
      WARN(fmt::format("{:6.1f} µs key type {}: {}…", best, static_cast<int>(vector.type), request.substr(0, 32)));
    }
  }
}
