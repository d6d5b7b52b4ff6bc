// The program swage-peer among libp2p nodes that are not our code: they dial it. See README.md.
#include <cstdlib>
#include <sstream>

#include "tests/support/broker/interop_peer.h"

#include <catch2/catch.hpp>  // last: its CHECK is the one that counts here

namespace {

using namespace swage;
using namespace swage::tests;

constexpr Milliseconds kLong{20000};

std::string swage_peer() {
  const char* build = std::getenv("SWAGE_BUILD");
  if (build == nullptr) FAIL("the environment variable SWAGE_BUILD names no folder: run this test with ctest");
  return std::string(build) + "/swage-peer";
}

// swage-peer that listens for TCP and for WebSocket, and the addresses that it says.
class OurPeer {
 public:
  explicit OurPeer(const std::string& key_type) {
    auto started = Process::start({.arguments = {swage_peer(), "--key-type", key_type, "--listen",
                                                 "/ip4/127.0.0.1/tcp/0", "--listen", "/ip4/127.0.0.1/tcp/0/ws"}});
    REQUIRE(started);
    process_ = *std::move(started);
    INFO(process_.log());
    REQUIRE(wait_until([this] { return read_addresses() == 2 || !process_.running(); }, kLong));
    REQUIRE(addresses_.size() == 2);
  }
  ~OurPeer() {
    process_.signal(SIGTERM);
    const auto status = process_.wait(kLong);
    CHECK((status && status->clean()));
  }
  OurPeer(const OurPeer&) = delete;
  OurPeer& operator=(const OurPeer&) = delete;

  [[nodiscard]] const std::vector<std::string>& addresses() const { return addresses_; }
  [[nodiscard]] std::string log() const { return process_.log(); }

 private:
  std::size_t read_addresses() {
    constexpr std::string_view kBefore = "listening on ";
    addresses_.clear();
    std::istringstream lines(process_.output());
    for (std::string line; std::getline(lines, line) && !lines.eof();) {
      if (line.starts_with(kBefore)) addresses_.push_back(line.substr(kBefore.size()));
    }
    return addresses_.size();
  }

  Process process_;
  std::vector<std::string> addresses_;
};

// What `peer` says of dialling the address.
std::string dial(std::string_view peer, const std::string& address, const std::string& security) {
  auto process = Process::start(interop_command(peer, {"dial", address, "--security", security}));
  REQUIRE(process);
  REQUIRE(process->wait(kLong));
  return process->output();
}

}  // namespace

TEST_CASE("interop: other implementations dial swage-peer") {
  const std::vector<std::string> peers = interop_peers();
  for (const std::string key_type : {"ed25519", "rsa", "secp256k1", "ecdsa"}) {
    const OurPeer ours(key_type);
    for (const std::string& peer : peers) {
      if (key_type == "ecdsa" && !has_identities(peer, libp2p::KeyType::ecdsa)) continue;
      for (const std::string& address : ours.addresses()) {
        for (const std::string security : {"noise", "tls"}) {
          const std::string output = dial(peer, address, security);
          INFO(peer << " " << key_type << " " << address << " " << security << ": " << output << ours.log());
          const std::string protocol = security == "tls" ? "/tls/1.0.0" : "/noise";
          CHECK(output.starts_with("connection " + protocol + " /yamux/1.0.0\npong "));
          CHECK(output.find("\nagent swage-peer/") != std::string::npos);
        }
      }
    }
  }
}

TEST_CASE("interop: swage-peer is who it is") {
  const OurPeer ours("ed25519");
  const KeyFile other(libp2p::KeyType::ed25519);
  for (const std::string& peer : interop_peers()) {
    for (const std::string& address : ours.addresses()) {
      const std::string wrong = address.substr(0, address.find("/p2p/")) + "/p2p/" + other.peer_id().to_base58();
      for (const std::string security : {"noise", "tls"}) CHECK(dial(peer, wrong, security).starts_with("failed: "));
    }
  }
}
