#include "core/dial/plan.h"

#include <string>
#include <vector>

#include <fmt/format.h>

#include "core/libp2p/key.h"

#include <catch2/catch.hpp>  // last: its CHECK is the one that counts here

namespace swage::dial {
namespace {

libp2p::PeerId peer_of(std::uint8_t seed) {
  return libp2p::PrivateKey::from_seed(std::vector<std::uint8_t>(32, seed)).public_key().peer_id();
}

// "wss 192.0.2.1 443 example.com", "tcp any:example.com 1 -"
std::string text_of(const Candidate& candidate) {
  std::string host;
  if (const auto* address = std::get_if<IpAddress>(&candidate.host)) {
    host = address->to_string();
  } else {
    const auto& name = std::get<HostName>(candidate.host);
    host = std::vector<std::string>{"any:", "v4:", "v6:"}[static_cast<std::size_t>(name.family)] + name.name;
  }
  return fmt::format("{} {} {} {}", to_string(candidate.transport), host, candidate.port,
                     candidate.server_name.empty() ? "-" : candidate.server_name);
}

std::vector<std::string> planned(const std::vector<std::string>& submitted, std::size_t most = 32) {
  std::vector<std::string> texts;
  for (const Candidate& each : plan(submitted, peer_of(1), most).candidates) texts.push_back(text_of(each));
  return texts;
}

}  // namespace

TEST_CASE("plan: what can be dialled") {
  const std::string id = "/p2p/" + peer_of(1).to_base58();
  const std::vector<std::pair<std::string, std::string>> cases = {
      {"/ip4/192.0.2.1/tcp/4001", "tcp 192.0.2.1 4001 -"},
      {"/ip4/192.0.2.1/tcp/4001" + id, "tcp 192.0.2.1 4001 -"},
      {"/ip4/192.0.2.1/tcp/4001/ipfs/" + peer_of(1).to_base58(), "tcp 192.0.2.1 4001 -"},
      {"/ip4/192.0.2.1/tcp/65535/", "tcp 192.0.2.1 65535 -"},
      {"/ip6/2001:db8::1/tcp/1", "tcp 2001:db8::1 1 -"},
      {"/ip4/192.0.2.1/tcp/80/ws", "ws 192.0.2.1 80 -"},
      {"/ip4/192.0.2.1/tcp/4002/ws" + id, "ws 192.0.2.1 4002 -"},
      {"/ip4/192.0.2.1/tcp/443/wss", "wss 192.0.2.1 443 -"},
      {"/ip4/192.0.2.1/tcp/443/tls/ws", "wss 192.0.2.1 443 -"},
      {"/ip6/2001:db8::1/tcp/443/tls/ws" + id, "wss 2001:db8::1 443 -"},
      {"/ip4/192.0.2.1/tcp/4001/tls/sni/a.Example.org/ws", "wss 192.0.2.1 4001 a.example.org"},
      {"/ip4/192.0.2.1/tcp/4001/tls/sni/a.example.org/ws" + id, "wss 192.0.2.1 4001 a.example.org"},
      {"/dns/example.com/tcp/1", "tcp any:example.com 1 -"},
      {"/dns4/Example.COM./tcp/1", "tcp v4:example.com 1 -"},
      {"/dns6/example.com/tcp/1", "tcp v6:example.com 1 -"},
      {"/dns/example.com/tcp/80/ws", "ws any:example.com 80 example.com"},
      {"/dns4/example.com/tcp/443/wss", "wss v4:example.com 443 example.com"},
      {"/dns4/example.com/tcp/443/tls/ws" + id, "wss v4:example.com 443 example.com"},
      {"/dns4/example.com/tcp/443/tls/sni/other.org/ws", "wss v4:example.com 443 other.org"},
      {"/dns4/_a.b-c.example/tcp/443", "tcp v4:_a.b-c.example 443 -"},
  };
  for (const auto& [submitted, expected] : cases) {
    INFO(submitted);
    CHECK(planned({submitted}) == std::vector<std::string>{expected});
  }
}

TEST_CASE("plan: what is skipped") {
  const std::string other = "/p2p/" + peer_of(2).to_base58(), id = "/p2p/" + peer_of(1).to_base58();
  const std::vector<std::string> cases = {
      "",
      "/",
      "ip4/192.0.2.1/tcp/1",
      "192.0.2.1:4001",
      "https://example.com",
      "/ip4/192.0.2.1",
      "/ip4/192.0.2.256/tcp/1",
      "/ip4/192.0.2.1/tcp",
      "/ip4/192.0.2.1/tcp/0",
      "/ip4/192.0.2.1/tcp/65536",
      "/ip4/192.0.2.1/tcp/-1",
      "/ip4/192.0.2.1/udp/4001",
      "/ip4/192.0.2.1/udp/4001/quic-v1",
      "/ip4/192.0.2.1/udp/4001/quic-v1/webtransport",
      "/ip4/192.0.2.1/udp/4001/webrtc-direct",
      "/ip4/192.0.2.1/tcp/1" + other,
      "/ip4/192.0.2.1/tcp/1/ws" + other,
      "/ip4/192.0.2.1/tcp/1" + id + id,
      "/ip4/192.0.2.1/tcp/1" + other + "/p2p-circuit",
      "/ip4/192.0.2.1/tcp/1" + other + "/p2p-circuit" + id,
      "/ip4/192.0.2.1/tcp/1" + id + "/p2p-circuit",
      "/p2p-circuit" + id,
      id,
      "/ip4/192.0.2.1/tcp/1" + id + "/ws",
      "/ip4/192.0.2.1/tcp/1/ws/ws",
      "/ip4/192.0.2.1/tcp/1/tls",
      "/ip4/192.0.2.1/tcp/1/tls/wss",
      "/ip4/192.0.2.1/tcp/1/tls/sni/a.example",
      "/ip4/192.0.2.1/tcp/1/sni/a.example/ws",
      "/ip4/192.0.2.1/tcp/1/tls/sni/a b/ws",
      "/ip4/192.0.2.1/tcp/1/tls/sni/a%0d%0ab/ws",
      "/ip4/192.0.2.1/tcp/1/tls/sni/a\r\nHost: b/ws",
      "/ip4/192.0.2.1/tcp/1/tls/sni/127.0.0.1/ws",
      "/ip4/192.0.2.1/tcp/1/wss/sni/a.example",
      "/ip4/192.0.2.1/tcp/1/http",
      "/ip4/192.0.2.1/tcp/1/tls/http",
      "/ip4/192.0.2.1/tcp/1/ws/http-path/x",
      "/ip4/192.0.2.1/tcp/1/noise",
      "/ip4/192.0.2.1/ip4/192.0.2.1/tcp/1",
      "/ip4/192.0.2.1/tcp/1/ip4/127.0.0.1/tcp/2",
      "/ip6zone/eth0/ip6/fe80::1/tcp/1",
      "/ip6/2001:db8::1/ipcidr/64/tcp/1",
      "/dnsaddr/example.com",
      "/dnsaddr/example.com/tcp/1",
      "/dns4/127.0.0.1/tcp/1",
      "/dns4/2130706433/tcp/1",
      "/dns4/a..b/tcp/1",
      "/dns4/./tcp/1",
      "/dns4/a b/tcp/1",
      "/dns4/ex\xC3\xA4mple.com/tcp/1",
      "/dns4/" + std::string(64, 'a') + "/tcp/1",
      "/unix/tmp/socket",
      "/memory/1/tcp/1",
      "/onion3/vww6ybal4bd7szmgncyruucpgfkqahzddi37ktceo3ah7ngmcopnpyyd:1234",
      std::string("/ip4/192.0.2.1/tcp/1\0", 21),
      "/ip4/192.0.2.1/tcp/1" + std::string(2000, '/'),
      "/dns4/" + std::string(1100, 'a') + "/tcp/1",
  };
  for (const std::string& submitted : cases) {
    INFO(submitted);
    CHECK(planned({submitted}) == std::vector<std::string>{});
  }
  std::vector<std::string> all = cases;
  all.insert(all.begin() + 20, "/ip4/192.0.2.1/tcp/1");
  CHECK(planned(all) == std::vector<std::string>{"tcp 192.0.2.1 1 -"});
}

TEST_CASE("plan: order, duplicates, the bound") {
  const std::string id = "/p2p/" + peer_of(1).to_base58();
  CHECK(planned({"/ip4/192.0.2.2/tcp/1", "/ip4/192.0.2.1/tcp/1", "/ip4/192.0.2.2/tcp/1" + id, "/ip4/192.0.2.2/tcp/1/ws",
                 "/ip4/192.0.2.2/tcp/1/wss", "/ip4/192.0.2.2/tcp/1/tls/ws", "/ip4/192.0.2.2/tcp/1/tls/sni/a.b/ws",
                 "/dns4/A.b/tcp/1", "/dns4/a.b/tcp/1", "/dns/a.b/tcp/1"}) ==
        std::vector<std::string>{"tcp 192.0.2.2 1 -", "tcp 192.0.2.1 1 -", "ws 192.0.2.2 1 -", "wss 192.0.2.2 1 -",
                                 "wss 192.0.2.2 1 a.b", "tcp v4:a.b 1 -", "tcp any:a.b 1 -"});

  std::vector<std::string> many;
  for (int i = 1; i < 100; ++i) {
    many.push_back(fmt::format("/ip4/192.0.2.{}/udp/1/quic-v1", i));  // what is skipped does not count
    many.push_back(fmt::format("/ip4/192.0.2.{}/tcp/1", i));
  }
  CHECK(planned(many).size() == 32);
  CHECK(planned(many, 5).back() == "tcp 192.0.2.5 1 -");
  CHECK(planned(many, 0).empty());
  CHECK(planned({}).empty());
}

TEST_CASE("plan: why addresses are skipped, and whether all are of other transports") {
  const std::string id = "/p2p/" + peer_of(1).to_base58(), other = "/p2p/" + peer_of(2).to_base58();
  const std::string quic = "/ip4/192.0.2.1/udp/4001/quic-v1", tcp = "/ip4/192.0.2.1/tcp/4001";
  const struct {
    std::vector<std::string> submitted;
    std::vector<std::string_view> why;
    bool others_only;
  } cases[] = {
      {{}, {}, false},
      {{"nonsense", ""}, {"not a multiaddr", "not a multiaddr"}, false},
      {{tcp}, {}, false},
      {{quic}, {"not TCP or WebSocket"}, true},
      {{quic, "nonsense"}, {"not TCP or WebSocket", "not a multiaddr"}, true},
      {{quic, tcp}, {"not TCP or WebSocket"}, false},
      {{quic + "/webtransport", "/ip4/192.0.2.1/udp/4001/webrtc-direct", tcp + other + "/p2p-circuit" + id,
        "/dns4/relay.example/tcp/443/wss" + other + "/p2p-circuit"},
       {"not TCP or WebSocket", "not TCP or WebSocket", "a relay", "a relay"},
       true},
      {{"/ip4/192.0.2.1/tcp/0", quic}, {"port 0", "not TCP or WebSocket"}, false},
      {{tcp + other, quic}, {"another peer's", "not TCP or WebSocket"}, false},
      {{tcp, tcp + id}, {"the same as one before"}, false},
      {{tcp + "/tls"}, {"TLS, but not WebSocket"}, false},
      {{tcp + "/http"}, {"something that is not dialled after TCP"}, false},
      {{"/dns4/127.0.0.1/tcp/1"}, {"not an IP address or a host name, and TCP"}, false},
      {{std::string(1100, '/')}, {"too long"}, false},
  };
  for (const auto& each : cases) {
    INFO((each.submitted.empty() ? "" : each.submitted.front()));
    const Plan planned = plan(each.submitted, peer_of(1), 32);
    std::vector<std::string_view> why;
    for (const Skipped& skipped : planned.skipped) why.push_back(skipped.why);
    CHECK(why == each.why);
    CHECK(planned.other_transports_only == each.others_only);
  }
  const Plan full = plan(std::vector<std::string>{tcp, quic, tcp + "/ws"}, peer_of(1), 1);
  REQUIRE(full.skipped.size() == 2);
  CHECK(full.skipped[1].index == 2);
  CHECK(full.skipped[1].why == "one too many");
}

}  // namespace swage::dial
