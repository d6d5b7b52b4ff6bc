// Registrations by the AutoTLS clients that nodes in the field have, for nodes that are not our code: a real server
// dials them back, and answers the value. See README.md.
#include <algorithm>
#include <deque>
#include <filesystem>
#include <thread>

#include "core/async/testing.h"
#include "tests/support/broker/interop_peer.h"
#include "tests/support/broker/registrar.h"
#include "tests/support/server.h"

#include <catch2/catch.hpp>  // last: its CHECK is the one that counts here

namespace {

using namespace swage;
using namespace swage::tests;
using libp2p::KeyType;

// js-libp2p's client sends the Host of its URL.
constexpr std::string_view kCorefile = R"(libp2p.direct {
    bind 127.0.0.1
    errors
    acme-txt
    broker localhost {
        listen 127.0.0.1:@PORT2@
        tls off
        limit peer off
        limit client off
        dial {
            allow 127.0.0.0/8
        }
    }
    ipsubdomain
    file zones/libp2p.direct
}
)";

// The TXT strings of the peer's challenge.
std::vector<std::string> texts(const Server& server, const libp2p::PeerId& peer) {
  std::vector<std::string> all;
  const Decoded answer = server.ask({.name = "_acme-challenge." + peer.to_base36() + ".libp2p.direct.", .type = "TXT"});
  for (const std::string& record : answer.answer) {
    const std::size_t begin = record.find('"') + 1;
    all.push_back(record.substr(begin, record.rfind('"') - begin));
  }
  return all;
}

class Forge {
 public:
  explicit Forge(std::string_view corefile = kCorefile, const std::string& token = "")
      : server_(corefile, {.environment = {{"FORGE_ACCESS_TOKEN", token}}}) {}

  // The output of `peer`'s own client. `more`: addresses and options.
  std::string registers(std::string_view peer, const KeyFile& identity, const std::vector<std::string>& more) {
    value_ = challenge_value(++number_);
    const std::string broker = "http://localhost:" + std::to_string(server_.second_port());
    std::vector<std::string> arguments = {"register", broker, value_, "--key", identity.path()};
    arguments.insert(arguments.end(), more.begin(), more.end());
    auto process = Process::start(interop_command(peer, arguments));
    REQUIRE(process);
    REQUIRE(process->wait(Milliseconds(60000)));
    return process->output();
  }

  [[nodiscard]] const std::string& value() const { return value_; }  // of the last registration
  [[nodiscard]] Server& server() { return server_; }

 private:
  Server server_;
  std::string value_;
  std::uint64_t number_ = 0;
};

struct Case {
  std::string transport, security;
  KeyType key;
};

constexpr Milliseconds kLastWords{2000};  // for the last connections to end

const std::vector<Case> kCases = {
    {"tcp", "noise", KeyType::ed25519}, {"tcp", "tls", KeyType::rsa},     {"ws", "noise", KeyType::secp256k1},
    {"ws", "tls", KeyType::ed25519},    {"tcp", "noise", KeyType::ecdsa}, {"ws", "noise", KeyType::rsa},
    {"tcp", "tls", KeyType::secp256k1}, {"ws", "tls", KeyType::ecdsa},
};

}  // namespace

TEST_CASE("interop: other implementations register, and have nothing to complain about") {
  Forge forge;
  for (const std::string& peer : interop_peers()) {
    std::deque<ListeningPeer> nodes;
    for (const Case& each : kCases) {
      if (!has_identities(peer, each.key)) continue;
      const KeyFile identity(each.key);
      const ListeningPeer& listening = nodes.emplace_back(Listening{peer, each.transport, each.security}, identity);
      const std::string output = forge.registers(peer, identity, {listening.address()});
      INFO(listening.address() << " " << each.security << ": " << output << forge.server().log());
      CHECK(output == "registered " + identity.peer_id().to_base58() + "\n");
      CHECK(texts(forge.server(), identity.peer_id()) == std::vector{forge.value()});
      const std::string logged = listening.address() + ", " + each.transport + ", " + each.security;
      CHECK(forge.server().process().wait_for(logged, Milliseconds(5000)));  // by a thread
      CHECK(forge.server().process().wait_for(identity.peer_id().to_base58() + " is ", Milliseconds(5000)));
    }
    std::this_thread::sleep_for(kLastWords);
    for (const ListeningPeer& each : nodes) {
      INFO(each.address());
      CHECK(each.complaints() == "");
    }
  }
}

namespace {

// On a connection of its own.
async::Task<http::Response> register_once(Registrar& registrar, const libp2p::PrivateKey& key, std::string body) {
  http::Response answer = co_await registrar.registers(key, std::move(body));
  registrar.close();
  co_return answer;
}

}  // namespace

// By a client of ours: rust-libp2p has none.
TEST_CASE("interop: rust-libp2p has nothing to complain about when it is dialled") {
  if (!std::filesystem::exists("build/interop/rust-peer")) {
    WARN("SKIPPED: there is no build/interop/rust-peer; tests/interop/prepare rust makes it");
    return;
  }
  Forge forge;
  for (const std::string security : {"noise", "tls"}) {
    const KeyFile identity(KeyType::ed25519);
    const ListeningPeer node({"rust", "tcp", security}, identity);
    async::Loop loop;
    Registrar registrar(loop, loopback(forge.server().second_port()), "localhost");
    const std::string body = registration_body(challenge_value(1), {node.address()});
    const http::Response answer = async::testing::run(loop, register_once(registrar, identity.key(), body));
    INFO(node.address() << " " << security << ": " << forge.server().log());
    CHECK(answer.status == 200);
    const std::string identified = identity.peer_id().to_base58() + " is rust-libp2p/interop";
    CHECK(forge.server().process().wait_for(identified, Milliseconds(5000)));
    std::this_thread::sleep_for(kLastWords);
    CHECK(node.complaints() == "");
  }
}

TEST_CASE("interop: other implementations do not register where they are not") {
  Forge forge;
  for (const std::string& peer : interop_peers()) {
    const KeyFile identity(KeyType::ed25519), other(KeyType::ed25519);
    const ListeningPeer listening({peer}, other);
    const std::string address = listening.address().substr(0, listening.address().find("/p2p/"));
    const std::string output = forge.registers(peer, identity, {address, "/ip4/127.0.0.1/udp/4001/quic-v1"});
    INFO(output << forge.server().log());
    CHECK(output.starts_with("failed: "));
    CHECK(texts(forge.server(), identity.peer_id()) == std::vector<std::string>{"not set yet"});
  }
}

TEST_CASE("interop: Go's client names another Host, and sends the access token") {
  std::string corefile(kCorefile);
  corefile.replace(corefile.find("localhost"), 9, "registration.libp2p.direct");
  Forge forge(corefile, "sesame");
  if (std::ranges::count(interop_peers(), "go") == 0) return;
  const KeyFile identity(KeyType::ed25519);
  const ListeningPeer listening({"go"}, identity);
  std::vector<std::string> more = {listening.address(), "--host", "registration.libp2p.direct"};
  CHECK(forge.registers("go", identity, more).starts_with("failed: 403 "));
  more.insert(more.end(), {"--token", "sesame"});
  CHECK(forge.registers("go", identity, more).starts_with("registered "));
  CHECK(texts(forge.server(), identity.peer_id()) == std::vector{forge.value()});
  CHECK(forge.registers("go", identity, {listening.address(), "--token", "sesame"}).starts_with("failed: "));
}
