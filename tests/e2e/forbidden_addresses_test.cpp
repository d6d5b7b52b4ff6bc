// No forbidden address is ever dialled, whatever a registration asks for: a real server in a network in which every
// address of the world is this machine, a listener that sees what is connected to, and the kernel's count of connects.
#include <map>
#include <set>

#include "core/async/event.h"
#include "core/async/testing.h"
#include "tests/support/broker/registrar.h"
#include "tests/support/broker/watcher.h"
#include "tests/support/dns_script.h"
#include "tests/support/own_network.h"
#include "tests/support/server.h"

#include <catch2/catch.hpp>  // last: its CHECK is the one that counts here

namespace {

using namespace swage;
using namespace swage::tests;

constexpr std::uint16_t kWatched = 4001;
constexpr const char* kHost = "registration.libp2p.direct";
constexpr const char* kCorefile = R"(libp2p.direct {
    bind 127.0.0.1
    errors
    acme-txt
    broker registration.libp2p.direct {
        listen 127.0.0.1:@PORT2@
        tls off
        limit peer 100000/1h
        limit client 100000/1m
        dial {
            timeout 1s
            allow 192.168.7.0/24
            deny 8.8.4.0/24
        }
    }
    file zones/libp2p.direct
}
)";

// Of each family; the port follows.
const std::vector<std::string> kForbidden = {
    // This host, loopback, and what some stacks take for them.
    "/ip4/0.0.0.0", "/ip4/0.1.2.3", "/ip4/127.0.0.1", "/ip4/127.1.2.3", "/ip4/127.255.255.254", "/ip6/::", "/ip6/::1",
    // Private, shared, link-local.
    "/ip4/10.0.0.1", "/ip4/10.255.255.255", "/ip4/172.16.0.1", "/ip4/172.31.255.254", "/ip4/192.168.0.1",
    "/ip4/192.168.8.1", "/ip4/100.64.0.1", "/ip4/100.127.255.254", "/ip4/169.254.169.254", "/ip4/169.254.0.1",
    "/ip6/fc00::1", "/ip6/fd12:3456:789a::1", "/ip6/fe80::1", "/ip6/febf::1", "/ip6/fec0::1",
    // Protocol assignments, documentation, benchmarks, relays.
    "/ip4/192.0.0.1", "/ip4/192.0.0.170", "/ip4/192.0.2.1", "/ip4/192.88.99.1", "/ip4/198.18.0.1", "/ip4/198.19.255.1",
    "/ip4/198.51.100.7", "/ip4/203.0.113.9", "/ip6/2001:db8::1", "/ip6/3fff::1", "/ip6/3fff:fff:ffff::1", "/ip6/100::1",
    "/ip6/2001::1", "/ip6/2001:2::1", "/ip6/2001:10::1", "/ip6/5f00::1",
    // Multicast, reserved, broadcast.
    "/ip4/224.0.0.1", "/ip4/239.255.255.250", "/ip4/240.0.0.1", "/ip4/255.255.255.254", "/ip4/255.255.255.255",
    "/ip6/ff02::1", "/ip6/ff05::2", "/ip6/ff0e::1",
    // IPv4 inside of IPv6: mapped, compatible, NAT64, 6to4, Teredo.
    "/ip6/::ffff:127.0.0.1", "/ip6/::ffff:10.0.0.1", "/ip6/::ffff:169.254.169.254", "/ip6/::ffff:192.168.1.1",
    "/ip6/::ffff:0:127.0.0.1", "/ip6/::127.0.0.1", "/ip6/::10.1.2.3", "/ip6/64:ff9b::127.0.0.1",
    "/ip6/64:ff9b::10.0.0.1", "/ip6/64:ff9b:1::8.8.8.8", "/ip6/2002:7f00:1::1", "/ip6/2002:a00:1::1",
    "/ip6/2002:c0a8:101::1", "/ip6/2001:0:4136:e378:8000:63bf:f5ff:fffe",
    // What the configuration denies.
    "/ip4/8.8.4.4", "/ip6/::ffff:8.8.4.4",
    // Names that are no names, but that some resolvers take for addresses.
    "/dns4/127.0.0.1", "/dns4/localhost", "/dns6/localhost", "/dns/localhost", "/dns4/localhost.localdomain",
    "/dns4/0x7f000001", "/dns4/2130706433", "/dns4/127.1", "/dns4/017700000001", "/dns6/::1", "/dns4/0.0.0.0",
    "/dns4/registration.localhost",
    // Names with forbidden addresses.
    "/dns4/loopback.example", "/dns6/loopback.example", "/dns/loopback.example", "/dns4/private.example",
    "/dns6/mapped.example", "/dns6/nat64.example", "/dns4/many.example", "/dns4/LOOPBACK.Example",
    "/dns4/absent.example", "/dns4/no-such-label-..example", "/dnsaddr/loopback.example"};

const DnsScript::Answers kNames = {
    {"loopback.example", {{"127.0.0.1", "::1"}}},
    {"private.example", {{"10.0.0.1", "192.168.1.1", "169.254.169.254"}}},
    {"mapped.example", {{"::ffff:127.0.0.1"}}},
    {"nat64.example", {{"64:ff9b::7f00:1"}}},
    {"many.example", {{"127.0.0.1", "127.0.0.2", "127.0.0.3", "127.0.0.4", "10.0.0.4", "172.16.0.9", "0.0.0.0"}}},
    {"localhost.localdomain", {{"127.0.0.1"}}},
    {"public.example", {{"8.8.8.8", "2606:4700::1"}}},
    {"mixed.example", {{"127.0.0.1", "8.8.8.8", "10.0.0.1"}}},
    // Public when it is judged, loopback a moment later.
    {"rebinding.example", {{"8.8.8.8"}, {"127.0.0.1"}}},
    {"rebinding6.example", {{"2606:4700::1"}, {"::1"}}},
};

// Forms in which one address can be written; each must be judged.
const std::vector<std::string> kForms = {"/tcp/4001", "/tcp/4001/ws", "/tcp/4001/tls/sni/public.example/ws"};

struct Forge {
  Forge() : server(kCorefile), watcher(loop, kWatched), registrar(loop, loopback(server.second_port()), kHost) {}

  http::Response registers(const std::vector<std::string>& addresses) {
    std::optional<http::Response> response;
    loop.spawn(one(*this, addresses, response));
    loop.run();
    REQUIRE(response);
    return *response;
  }
  static async::Task<> one(Forge& forge, std::vector<std::string> addresses, std::optional<http::Response>& response) {
    std::string body = registration_body(challenge_value(++forge.number), addresses);
    response = co_await forge.registrar.registers(forge.key, std::move(body));
    forge.loop.stop();
  }
  // Lets what may still be connected arrive.
  std::set<std::string> connected_to() {
    loop.spawn(stop_after(*this));
    loop.run();
    const std::vector<std::string> list = watcher.take();
    return {list.begin(), list.end()};
  }
  static async::Task<> stop_after(Forge& forge) {
    co_await async::sleep(forge.loop, std::chrono::milliseconds(50));
    forge.loop.stop();
  }

  Server server;
  async::Loop loop;
  Watcher watcher;
  Registrar registrar;
  libp2p::PrivateKey key = libp2p::PrivateKey::generate(libp2p::KeyType::ed25519);
  std::uint64_t number = 0;
};

using Addresses = std::set<std::string>;

}  // namespace

TEST_CASE("forbidden addresses: none is ever dialled") {
  const auto network = OwnNetwork::enter();
  if (!network) return;
  REQUIRE(kForbidden.size() >= 60);
  DnsScript names(53, kNames);
  Forge forge;
  REQUIRE(forge.registers({}).status == 400);  // connects to the broker

  const std::uint64_t before = OwnNetwork::tcp_connects();
  for (const std::string& address : kForbidden) {
    std::vector<std::string> forms;
    for (const std::string& form : kForms) forms.push_back(address + form);
    const http::Response response = forge.registers(forms);
    INFO(address << ": " << response.body);
    CHECK(response.status == 400);
    CHECK(forge.connected_to() == Addresses{});
  }
  CHECK(OwnNetwork::tcp_connects() == before);  // the connection to the broker is kept
  CHECK(names.asked("loopback.example") > 0);

  // It is not that nothing is ever dialled.
  const std::map<std::string, Addresses> allowed = {
      {"/ip4/8.8.8.8/tcp/4001", {"8.8.8.8"}},
      {"/ip6/2606:4700::1/tcp/4001", {"2606:4700::1"}},
      {"/ip4/192.168.7.1/tcp/4001", {"192.168.7.1"}},
      {"/dns/public.example/tcp/4001", {"8.8.8.8", "2606:4700::1"}},
      {"/dns4/public.example/tcp/4001/ws", {"8.8.8.8"}},
      {"/dns4/mixed.example/tcp/4001", {"8.8.8.8"}},
      {"/dns4/rebinding.example/tcp/4001", {"8.8.8.8"}},
      {"/dns6/rebinding6.example/tcp/4001", {"2606:4700::1"}},
  };
  for (const auto& [address, expected] : allowed) {
    INFO(address);
    CHECK(forge.registers({address}).status == 400);  // the listener hangs up
    CHECK(forge.connected_to() == expected);
  }
  // The name has become loopback's meanwhile.
  CHECK(names.asked("rebinding.example") >= 1);
  CHECK(forge.registers({"/dns4/rebinding.example/tcp/4001"}).status == 400);
  CHECK(forge.connected_to() == Addresses{});
}
