// What an answer costs whom nobody knows: how many signatures are verified, for which keys, and when none is.
#include "core/libp2p/peer_id_auth.h"

#include <ctime>
#include <string>
#include <vector>

#include <fmt/format.h>

#include "core/crypto/base64.h"
#include "core/crypto/testing.h"
#include "core/libp2p/auth_params.h"
#include "core/libp2p/key_vectors.h"
#include "core/libp2p/peer_id_auth_client.h"

#include <catch2/catch.hpp>

using namespace swage;
using namespace std::chrono_literals;
using crypto::testing::unhex;
using libp2p::PeerIdAuth;
using libp2p::PeerIdAuthClient;
using libp2p::PrivateKey;
using Flow = PeerIdAuthClient::Flow;
using Leave = PeerIdAuth::Gate::Leave;

namespace {

const std::string kDomain = "registration.example";
const libp2p::AuthTime kNow{1'750'000'000'123ms};

// A key on P-521, and one that would be but for its last byte.
const std::string kP521 =
    "080312 9e01 30819b301006072a8648ce3d020106052b81040023038186000400e42033892cf7d1551267b292905a5adccd87f3b89126d66a"
    "894526469319c6f62661c036ea2d37737fc8e0dc0d6c657672b5aef9c48b46e81cb0eb501b56f521cb01cb2b29f4930face50e9292a2b86c85"
    "fd5dab3a80c89c06b763935efec31fcd503c1327aa61eba6e1b7e2a1d842974befcf5da087899f7289873d6f5f96d8fee451";

std::vector<std::uint8_t> p521_key(std::string_view last = "51") {
  std::string hex;
  for (const char c : kP521) hex += c == ' ' ? "" : std::string(1, c);
  return unhex(hex.substr(0, hex.size() - 2) + std::string(last));
}

// Grants the first ones, and takes notes.
struct TestGate final : PeerIdAuth::Gate {
  std::size_t grants = 100;
  Leave then = Leave::postponed;
  std::vector<std::chrono::microseconds> asked;
  std::vector<std::string> failures;

  Leave ask(std::string_view, std::chrono::microseconds cost) override {
    asked.push_back(cost);
    return asked.size() <= grants ? Leave::granted : then;
  }
  void failed(std::string_view token) override { failures.emplace_back(token); }
};

const PeerIdAuth& server() {
  static const PeerIdAuth auth(crypto::Secret::copy_of(std::vector<std::uint8_t>(32, 7)), {kDomain});
  return auth;
}

std::string ask(TestGate& gate, std::string_view authorization, std::string_view host = kDomain,
                libp2p::AuthTime now = kNow) {
  static crypto::testing::SeededRandom random(1);
  const PeerIdAuth::Answer answer = server().answer({authorization, host}, now, random, gate);
  if (const auto* const challenge = std::get_if<PeerIdAuth::Challenge>(&answer)) return challenge->www_authenticate;
  if (const auto* const refused = std::get_if<PeerIdAuth::Refused>(&answer)) return "refused: " + refused->why;
  if (const auto* const malformed = std::get_if<PeerIdAuth::Malformed>(&answer)) return "malformed: " + malformed->why;
  return std::holds_alternative<PeerIdAuth::Postponed>(answer) ? "postponed" : "authenticated";
}

std::string value_of(const std::string& header, std::string_view name) {
  const std::size_t at = header.find(std::string(name) + "=\"") + name.size() + 2;
  return header.substr(at, header.find('"', at) - at);
}

// The second request of a client that signs `hostname`.
std::string second(std::string_view host, std::string_view hostname, Flow flow = Flow::client_initiated) {
  const auto key = PrivateKey::from_seed(std::vector<std::uint8_t>(32, 2));
  PeerIdAuthClient::Dialect dialect{flow, std::string(hostname), std::string(44, 'c')};
  if (flow == Flow::server_initiated) dialect.order = {"public-key", "opaque", "challenge-server", "sig"};
  dialect.checks_server = false;
  PeerIdAuthClient client(key, dialect);
  TestGate gate;
  const std::string challenge = ask(gate, client.first(), host);
  CHECK(gate.asked.empty());
  return client.second(challenge).value();
}

// The first request of a client, and what answers its challenge with nonsense.
std::string first_of(Bytes key) {
  return fmt::format(R"(libp2p-PeerID challenge-server="{}", public-key="{}")", std::string(44, 'c'),
                     crypto::to_base64url(key));
}
std::string nonsense(const std::string& challenge) {
  return fmt::format(R"(libp2p-PeerID opaque="{}", sig="{}")", value_of(challenge, "opaque"), std::string(96, 'A'));
}

}  // namespace

TEST_CASE("peer id auth: one verification where the Host says which name is signed, one more for each other name") {
  const std::string odd = "Registration.Example.:8443";
  const struct {
    std::string_view host, hostname, outcome;
    std::size_t verifications;
  } cases[] = {
      {kDomain, kDomain, "authenticated", 1},
      {kDomain, "evil.example", "refused: the signature does not verify", 1},
      {"registration.example:8443", "registration.example:8443", "authenticated", 1},
      {"registration.example:8443", kDomain, "authenticated", 2},
      {"registration.example:8443", "evil.example", "refused: the signature does not verify", 2},
      {"Registration.Example", kDomain, "authenticated", 2},
      {odd, odd, "authenticated", 1},
      {odd, "Registration.Example.", "authenticated", 2},
      {odd, kDomain, "authenticated", 3},
      {odd, "evil.example", "refused: the signature does not verify", 3},
  };
  for (const auto& [host, hostname, outcome, verifications] : cases) {
    for (const Flow flow : {Flow::client_initiated, Flow::server_initiated}) {
      CAPTURE(host, hostname);
      const std::string header = second(host, hostname, flow);
      TestGate gate;
      CHECK(ask(gate, header, host) == outcome);
      CHECK(gate.asked.size() == verifications);
      CHECK(gate.failures ==
            (outcome == "authenticated" ? std::vector<std::string>{} : std::vector{value_of(header, "opaque")}));
      // Each of them is asked for.
      for (std::size_t grants = 0; grants < verifications; ++grants) {
        TestGate closed;
        closed.grants = grants;
        CHECK(ask(closed, header, host) == "postponed");
        CHECK(closed.asked.size() == grants + 1);
        CHECK(closed.failures.empty());
        closed = {};
        closed.grants = grants;
        closed.then = Leave::spent;
        CHECK(ask(closed, header, host) == "refused: an answer to this challenge was wrong before");
        CHECK(closed.failures.empty());
      }
    }
  }
}

TEST_CASE("peer id auth: nothing is verified before everything else is right") {
  const std::string good = second(kDomain, kDomain), opaque = value_of(good, "opaque");
  const std::pair<std::string, std::string_view> cases[] = {
      {"", "libp2p-PeerID challenge-client"},
      {first_of(p521_key()), "libp2p-PeerID challenge-client"},
      {"libp2p-PeerID bearer=\"" + opaque + '"', "refused: the token is not a bearer"},
      {"libp2p-PeerID opaque=\"b3BhcXVl\", sig=\"AAAA\"", "refused: the token is not one of ours"},
      {"libp2p-PeerID opaque=\"" + opaque + "\", sig=\"?\"", "malformed: sig is not base64url"},
      {"libp2p-PeerID opaque=\"" + opaque + '"', "malformed: neither"},
  };
  TestGate gate;
  for (const auto& [header, outcome] : cases) CHECK_THAT(ask(gate, header), Catch::StartsWith(std::string(outcome)));
  CHECK(ask(gate, good, kDomain, kNow + 6min) == "refused: the token has expired");
  CHECK(ask(gate, good, "evil.example").starts_with("malformed: the Host"));
  CHECK(gate.asked.empty());
  CHECK(ask(gate, good) == "authenticated");
}

TEST_CASE("peer id auth: of a key only the form is looked at before its signature may be verified") {
  TestGate gate;
  const std::string challenge = ask(gate, first_of(p521_key("52")));  // not on the curve
  REQUIRE(challenge.starts_with("libp2p-PeerID challenge-client"));
  CHECK(gate.asked.empty());
  gate.grants = 0;
  CHECK(ask(gate, nonsense(challenge)) == "postponed");
  gate.grants = 100;
  CHECK(ask(gate, nonsense(challenge)).starts_with("malformed: "));
  CHECK(gate.failures == std::vector{value_of(challenge, "opaque")});

  for (const std::string_view key : {"080012020000",
                                     "08021202"
                                     "0303",
                                     "080312020000",
                                     "08011201"
                                     "00"}) {
    CAPTURE(key);
    CHECK(ask(gate, first_of(unhex(key))).starts_with("malformed: "));
  }
  std::vector<std::uint8_t> huge = unhex("0800128010");
  huge.resize(huge.size() + 2048);
  CHECK(ask(gate, first_of(huge)).starts_with("malformed: an RSA key of 2048 bytes"));
}

TEST_CASE("peer id auth: what a verification costs goes by the key") {
  std::vector<std::chrono::microseconds> costs;
  for (const auto& vector : libp2p::testing::kKeyVectors) {
    TestGate gate;
    ask(gate, nonsense(ask(gate, first_of(unhex(vector.public_key)))));
    REQUIRE(gate.asked.size() == 1);
    costs.push_back(gate.asked[0]);
    CHECK(gate.asked[0] <= 600us);
  }
  TestGate gate;
  ask(gate, nonsense(ask(gate, first_of(p521_key()))));
  REQUIRE(gate.asked.size() == 1);
  for (const auto& cost : costs) CHECK(cost < gate.asked[0]);
}

// Of processor time: core_libp2p_test "[bench]".
TEST_CASE("peer id auth: microseconds until a signature is refused", "[.bench]") {
  std::vector<std::vector<std::uint8_t>> keys = {p521_key()};
  for (const std::string_view pkix : {"304e301006072a8648ce3d020106052b81040021033a0004593eb67932a790461f628369d1127526"
                                      "8f4945c0ac712bb4d8231452aae2457d"
                                      "a43f3bd0cea5f50453f3d7422b768aaec6777da39ac6e54f",
                                      "3076301006072a8648ce3d020106052b8104002203620004f0a4847c2add4660041e88cde5db2536"
                                      "d7b5488a334afb17d99a0553c62780f8"
                                      "9cb981d25d0e0fa66d1225ac9c1d048a3a4e3564a29e8c3dcfc5e39715ad4e4589f7a581c8fc9ff6"
                                      "93424f64c2897af934d556c1ed16d274"
                                      "3bbf99c00247217a"}) {
    keys.push_back(libp2p::PublicKey::from_data(libp2p::KeyType::ecdsa, unhex(pkix)).value().to_protobuf());
  }
  for (const auto& vector : libp2p::testing::kKeyVectors) keys.push_back(unhex(vector.public_key));
  const std::pair<std::string_view, std::size_t> moduli[] = {
      {"30820122300d06092a864886f70d01010105000382010f003082010a0282010100", 256},
      {"30820222300d06092a864886f70d01010105000382020f003082020a0282020100", 512},
      {"30820422300d06092a864886f70d01010105000382040f003082040a0282040100", 1024}};
  for (const auto& [head, size] : moduli) {
    std::vector<std::uint8_t> pkix = unhex(head);
    pkix.push_back(0x80);
    pkix.resize(pkix.size() + size - 2, 0x5A);
    for (const int byte : {0x01, 0x02, 0x03, 0x01, 0x00, 0x01}) pkix.push_back(static_cast<std::uint8_t>(byte));
    keys.push_back(libp2p::PublicKey::from_data(libp2p::KeyType::rsa, pkix).value().to_protobuf());
  }
  for (const auto& key : keys) {
    // A signature that has the form of one: of two numbers, or as long as the modulus.
    const std::size_t number = key.size() > 150 ? 65 : key.size() > 110 ? 47 : key.size() > 90 ? 31 : 27;
    std::vector<std::uint8_t> sig = {0x30, static_cast<std::uint8_t>(2 * number + 4)};
    if (sig[1] >= 0x80) sig = {0x30, 0x81, static_cast<std::uint8_t>(2 * number + 4)};
    for (int i = 0; i < 2; ++i) {
      sig.insert(sig.end(), {0x02, static_cast<std::uint8_t>(number)});
      sig.resize(sig.size() + number, 0x5B);
    }
    if (key[1] == 0) sig.assign(key.size() / 128 * 128, 0x01);
    if (key[1] == 1) sig.assign(64, 0x01);
    TestGate gate;
    gate.grants = 100'000;
    const std::string header = fmt::format(R"(libp2p-PeerID opaque="{}", sig="{}")",
                                           value_of(ask(gate, first_of(key)), "opaque"), crypto::to_base64url(sig));
    double best = 1e9;
    for (int round = 0; round < 10; ++round) {
      const std::clock_t start = std::clock();
      for (int i = 0; i < 20; ++i) static_cast<void>(ask(gate, header));
      const std::clock_t taken = std::clock() - start;
      best = std::min(best, 1e6 * static_cast<double>(taken) / CLOCKS_PER_SEC / 20);
    }
    WARN(fmt::format("{:7.1f} µs, taken for {} µs: key type {} of {} bytes", best, gate.asked.front().count(), key[1],
                     key.size()));
  }
}
