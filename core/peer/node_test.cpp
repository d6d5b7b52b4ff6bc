#include "core/peer/node.h"

#include <memory>
#include <string>
#include <vector>

#include "core/dial/dialer.h"

#include "core/dial/testing.h"  // last, with Catch: its CHECK is the one that counts here

namespace swage::peer {
namespace {

using namespace dial::testing;
using libp2p::Multiaddr;

Node::Settings listening(const std::vector<std::string>& addresses) {
  Node::Settings settings;
  settings.agent = "swage-peer/test";
  for (const std::string& each : addresses) settings.listen.push_back(*Multiaddr::parse(each));
  return settings;
}

Task<std::string> reach(async::Loop& loop, dial::Dialer& dialer, const Multiaddr& address, std::string& agent) {
  async::Event never(loop);
  std::vector<std::string> addresses;
  addresses.push_back(address.to_string());
  const IpAddress client;
  const auto reached = co_await dialer.reach(peer_of(2), std::move(addresses), client, never);
  if (!reached) co_return reached.error().text();
  for (int i = 0; i < 2000 && agent.empty(); ++i) co_await async::sleep(loop, std::chrono::milliseconds(5));
  co_return reached->transport + " " + reached->security + " " + agent;
}

}  // namespace

TEST_CASE("node: is reached by a dialler, over TCP and WebSocket, with Noise and TLS") {
  for (const bool noise : {true, false}) {
    async::Loop loop;
    Node::Settings settings = listening({"/ip4/127.0.0.1/tcp/0", "/ip4/127.0.0.1/tcp/0/ws", "/ip6/::1/tcp/0"});
    settings.noise = noise;
    const auto key = key_of(2);
    auto node = Node::start(loop, key, settings);
    REQUIRE(node.has_value());
    const auto addresses = (*node)->addresses();
    REQUIRE(addresses.size() == 3);
    CHECK(addresses[1].to_string().ends_with("/ws"));
    for (const Multiaddr& address : addresses) {
      std::string agent;
      dial::Settings of_dialer;
      of_dialer.policy = dial::AddressPolicy({*Prefix::parse("127.0.0.0/8"), *Prefix::parse("::1")}, {});
      of_dialer.on_identified = [&](const libp2p::PeerId&, const std::string& name) { agent = name; };
      dial::Dialer dialer(loop, key_of(1), of_dialer);
      const std::string transport = address.to_string().ends_with("/ws") ? "ws" : "tcp";
      CHECK(run(loop, reach(loop, dialer, address, agent)) ==
            transport + (noise ? " noise" : " tls") + " swage-peer/test");
    }
    (*node)->close();
  }
}

TEST_CASE("node: where it cannot listen") {
  async::Loop loop;
  const auto key = key_of(2);
  for (const char* const address : {"/ip4/127.0.0.1/udp/0", "/ip4/127.0.0.1", "/dns4/localhost/tcp/0",
                                    "/ip4/127.0.0.1/tcp/0/wss", "/ip4/127.0.0.1/tcp/0/ws/ws", "/ip4/192.0.2.1/tcp/0"}) {
    INFO(address);
    const auto node = Node::start(loop, key, listening({address}));
    REQUIRE_FALSE(node.has_value());
    CHECK(node.error().text().starts_with(address));
  }
  const auto first = Node::start(loop, key, listening({"/ip4/127.0.0.1/tcp/0"}));
  REQUIRE(first.has_value());
  CHECK_FALSE(Node::start(loop, key, listening({(*first)->addresses()[0].to_string()})).has_value());
}

}  // namespace swage::peer
