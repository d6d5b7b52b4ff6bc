// Who may register, how often and how many at the same time, and how much of it is logged.
#include <deque>
#include <optional>

#include <fmt/format.h>

#include "core/denylist/builder.h"
#include "plugins/broker/registration_testing.h"
#include "tests/support/log_capture.h"

#include <catch2/catch.hpp>

using namespace swage;
using namespace swage::plugins::broker;
using namespace swage::plugins::broker::testing;
using namespace std::chrono_literals;

namespace {

Rules with_limits(dial::Rate peer, dial::Rate client) {
  Rules rules;
  rules.peer_limit = peer;
  rules.client_limit = client;
  return rules;
}

}  // namespace

TEST_CASE("broker: who is denied, or registers an address that is, gets 403 with the list's name") {
  const std::vector<Prefix> bad = {*Prefix::parse("198.51.100.0/24"), *Prefix::parse("2001:db8:bad::/48")};
  const std::vector<Prefix> good = {*Prefix::parse("198.51.100.7")};
  const std::vector<denylist::Source> lists = {{"bad-ones", denylist::Type::deny, bad},
                                               {"good-ones", denylist::Type::allow, good}};
  const denylist::ImageBuilder builder(lists, 1);
  shm::Snapshot snapshot("denylist");
  auto image = *shm::Segment::create("test", builder.size());
  builder.write(image.writable_bytes());
  snapshot.replace(std::move(image));

  Rules rules = with_limits({1, 1h}, {});
  rules.trusted_proxies = {*Prefix::parse("10.0.0.0/8")};
  rules.denylist = denylist::Denylist(snapshot);
  TestedService service(std::move(rules));
  const struct {
    std::string_view client, forwarded;
    std::string addresses;
    std::string_view refusal;  // empty: 200
  } cases[] = {
      {"198.51.100.1", "", kAddress, "client IP 198.51.100.1"},
      {"10.0.0.1", "192.0.2.7, 198.51.100.2", kAddress, "client IP 198.51.100.2"},
      // Whoever vouches for it: p2p-forge denies the first one, whoever sends it.
      {"10.0.0.1", "198.51.100.2, 192.0.2.7", kAddress, "client IP 198.51.100.2"},
      {"192.0.2.7", "198.51.100.2", kAddress, "client IP 198.51.100.2"},
      // Nobody hides behind what he forwards, or a proxy that appends him to it.
      {"198.51.100.1", "192.0.2.7", kAddress, "client IP 198.51.100.1"},
      {"198.51.100.1", "198.51.100.2", kAddress, "client IP 198.51.100.2"},
      {"198.51.100.1", "198.51.100.7", kAddress, "client IP 198.51.100.1"},  // one that is allowed
      {"198.51.100.1", "10.0.0.1, 10.0.0.2", kAddress, "client IP 198.51.100.1"},
      {"10.0.0.1", "192.0.2.7, 198.51.100.2, 10.0.0.2", kAddress, "client IP 198.51.100.2"},
      {"192.0.2.7", "192.0.2.8, [::ffff:198.51.100.2]:1234", kAddress, "client IP 198.51.100.2"},
      {"192.0.2.7", "garbage, \"198.51.100.2\"", kAddress, "client IP 198.51.100.2"},
      {"192.0.2.7", "[2001:db8:bad::1]:443", kAddress, "client IP 2001:db8:bad::1"},
      {"10.0.0.1", "192.0.2.7, 198.51.100.7", kAddress, ""},
      {"198.51.100.7", "", "/ip4/198.51.100.7/tcp/1", ""},
      {"192.0.2.7", "", "/ip4/198.51.100.9/udp/4001/quic-v1", "multiaddr IP 198.51.100.9"},
      {"192.0.2.7", "", "/ip6/2001:db8:bad::1/tcp/1/ws", "multiaddr IP 2001:db8:bad::1"},
      {"192.0.2.7", "", "/ip6/::ffff:198.51.100.9/tcp/1", "multiaddr IP ::ffff:198.51.100.9"},
      {"192.0.2.7", "198.051.100.002", kAddress, "client IP 198.51.100.2"},
      {"192.0.2.7", "0306.51.0x64.2, unknown", kAddress, "client IP 198.51.100.2"},
      {"192.0.2.7", "unknown, 198.51.100.2.", kAddress, "client IP 198.51.100.2"},
      {"192.0.2.7", "2002:c633:6402::1", kAddress, "client IP 2002:c633:6402::1"},
      {"64:ff9b::198.51.100.2", "", kAddress, "client IP 64:ff9b::c633:6402"},
      {"192.0.2.7", "", "/ip6/64:ff9b:1::198.51.100.9/tcp/1", "multiaddr IP 64:ff9b:1::c633:6409"},
      {"192.0.2.7", "", "/ip6/2001::1:39cc:9bf6/tcp/1", "multiaddr IP 2001::1:39cc:9bf6"},  // Teredo of 198.51.100.9
      {"192.0.2.7", "", "/ip6/64:ff9b::198.51.100.7/tcp/1", ""},                            // of one that is allowed
      {"192.0.2.7", "", "nonsense\",\"" + kAddress + "\",\"/ip4/198.51.100.3/tcp/1", "multiaddr IP 198.51.100.3"},
      {"192.0.2.7", "", "/dns4/198.51.100.3.example/tcp/1", ""},
  };
  std::uint8_t peer = 1;
  for (const auto& each : cases) {
    CAPTURE(each.client, each.forwarded, each.addresses);
    service.caller.address = *IpAddress::parse(each.client);
    const std::string body = fmt::format(R"({{"value":"{}","addresses":["{}"]}})", kValue, each.addresses);
    http::Request request = registration(service.authorization(++peer), body);
    if (!each.forwarded.empty()) request.fields.add("X-Forwarded-For", std::string(each.forwarded));
    const std::size_t dialled = service.dialer.asked.size();
    const auto response = service.ask(request);
    const bool refused = !each.refusal.empty();
    CHECK(response.status == (refused ? 403 : 200));
    CHECK(response.body == (refused ? fmt::format("403 Forbidden: {} blocked by bad-ones\n", each.refusal) : ""));
    CHECK(service.dialer.asked.size() == dialled + (refused ? 0 : 1));
    if (!refused) continue;
    // Who was refused was not counted by the limit, which lets a peer register once.
    service.caller.address = *IpAddress::parse("192.0.2.7");
    CHECK(service.register_peer(peer).status == 200);
  }
  service.caller.address = *IpAddress::parse("198.51.100.1");
  CHECK(service.ask(registration(service.authorization(), "{}")).status == 400);  // the body comes first
}

TEST_CASE("broker: where every proxy is trusted (external-tls=true) no address hides behind another") {
  const std::vector<Prefix> bad = {*Prefix::parse("198.51.100.0/24")};
  const std::vector<denylist::Source> lists = {{"bad-ones", denylist::Type::deny, bad}};
  const denylist::ImageBuilder builder(lists, 1);
  shm::Snapshot snapshot("denylist");
  auto image = *shm::Segment::create("test", builder.size());
  builder.write(image.writable_bytes());
  snapshot.replace(std::move(image));
  Rules rules = with_limits({}, {});
  rules.trusted_proxies = {*Prefix::parse("0.0.0.0/0"), *Prefix::parse("::/0")};
  rules.denylist = denylist::Denylist(snapshot);
  TestedService service(std::move(rules));
  const struct {
    std::string_view connection;
    std::vector<std::string> forwarded;
    bool denied;
  } cases[] = {
      {"198.51.100.1", {"1.2.3.4"}, true},
      {"198.51.100.1", {}, true},
      {"198.51.100.1", {"garbage"}, true},
      {"10.0.0.1", {"198.51.100.1"}, true},
      {"10.0.0.1", {"1.2.3.4, 198.51.100.1"}, true},
      {"10.0.0.1", {"1.2.3.4", "198.51.100.1"}, true},
      {"10.0.0.1", {"198.51.100.1", "1.2.3.4"}, true},
      {"10.0.0.1", {"1.2.3.4, 198.51.100.1, 5.6.7.8"}, true},
      {"10.0.0.1", {"\t::ffff:198.51.100.1 "}, true},
      {"10.0.0.1", {"198.51.100.1:4711, 1.2.3.4"}, true},
      {"10.0.0.1", {"[::ffff:198.51.100.1]:4711"}, true},
      {"10.0.0.1", {"unknown, 198.51.100.1"}, true},
      {"10.0.0.1", {"1.2.3.4, 5.6.7.8", "garbage, [2001:db8::1]:1"}, false},
      {"10.0.0.1", {}, false},
  };
  for (const auto& [connection, forwarded, denied] : cases) {
    CAPTURE(connection, forwarded);
    service.caller.address = *IpAddress::parse(connection);
    http::Request request = registration(service.authorization());
    for (const std::string& each : forwarded) request.fields.add("X-Forwarded-For", each);
    const auto response = service.ask(request);
    CHECK(response.status == (denied ? 403 : 200));
    CHECK((response.body.find("blocked by bad-ones") != std::string::npos) == denied);
  }
}

TEST_CASE("broker: limit of a peer") {
  TestedService service(with_limits({2, 1h}, {}));
  CHECK(service.register_peer(1, "{").status == 400);  // not counted
  CHECK(service.register_peer().status == 200);
  service.dialer.error.emplace(dial::DialError::Kind::unreachable, "");
  CHECK(service.register_peer().status == 400);  // counted
  service.dialer.error.reset();
  const auto refused = service.register_peer();
  CHECK(refused.status == 429);
  CHECK(refused.body == "too many registrations\n");
  CHECK(field(refused, "Retry-After") == "1800");
  CHECK(field(refused, "Authentication-Info") != "-");
  CHECK(service.dialer.asked.size() == 2);
  CHECK(service.register_peer(2).status == 200);
  steady += 1'799'001;
  CHECK(field(service.register_peer(), "Retry-After") == "1");
  steady += 999;
  CHECK(service.register_peer().status == 200);
}

TEST_CASE("broker: limit of a client's network") {
  Rules rules = with_limits({}, {1, 1min});
  rules.trusted_proxies = {*Prefix::parse("10.0.0.0/8")};
  TestedService service(std::move(rules));
  const struct {
    std::string_view address, forwarded;
    unsigned status;
  } steps[] = {
      {"192.0.2.7", "", 200},
      {"192.0.2.255", "", 429},         // the same network
      {"192.0.3.7", "192.0.2.7", 200},  // not a trusted proxy: the field does not count
      {"192.0.3.8", "198.51.100.1", 429},
      {"10.0.0.1", "192.0.2.9", 429},  // a trusted proxy: it does
      {"10.0.0.1", "198.51.100.1", 200},
      {"10.0.0.2", "192.0.2.9, 198.51.100.2", 429},
      {"2001:db8:1:2::1", "", 200},
      {"2001:db8:1:3::2", "", 429},
      {"2001:db8:2:2::1", "", 200},
  };
  std::uint8_t peer = 1;
  for (const auto& step : steps) {
    CAPTURE(step.address, step.forwarded);
    service.caller.address = *IpAddress::parse(step.address);
    http::Request request = registration(service.authorization(peer++));
    if (!step.forwarded.empty()) request.fields.add("X-Forwarded-For", std::string(step.forwarded));
    CHECK(service.ask(request).status == step.status);
  }
}

TEST_CASE("broker: who is refused by one limit is not counted by the other") {
  TestedService service(with_limits({1, 1h}, {2, 1h}));
  CHECK(service.register_peer(1).status == 200);
  for (int i = 0; i < 5; ++i) CHECK(service.register_peer(1).status == 429);
  CHECK(service.register_peer(2).status == 200);
  CHECK(service.register_peer(3).status == 429);
}

TEST_CASE("broker: registrations of a peer at the same time, and how many of all") {
  TestedService service;
  async::Event release(service.loop);
  service.dialer.release = &release;
  std::deque<std::optional<http::Response>> responses(3);
  const std::string bodies[] = {kBody, fmt::format(R"({{"value":"{}"}})", kOther), kBody};
  for (std::size_t i = 0; i < 3; ++i) {
    const std::string authorization = [&] {
      service.dialer.release = nullptr;
      return service.authorization(i == 2 ? 2 : 1);
    }();
    service.dialer.release = &release;
    service.dialer.has_room = i < 2;
    service.loop.spawn(async::testing::keep(service.api->answer(registration(authorization, bodies[i]), service.caller),
                                            responses[i]));
  }
  CHECK(service.dialer.under_way == 2);
  REQUIRE(responses[2]);
  CHECK(responses[2]->status == 503);
  CHECK(field(*responses[2], "Retry-After") == "5");
  CHECK_FALSE(responses[0]);
  release.set();
  service.loop.run();
  REQUIRE((responses[0] && responses[1]));
  CHECK(responses[0]->status == 200);
  CHECK(responses[1]->status == 200);
  CHECK(service.values() == std::vector{kOther, kValue});
  CHECK(service.dialer.under_way == 0);
}

TEST_CASE("broker: a registration that is destroyed while it is dialled makes room") {
  TestedService service;
  async::Event release(service.loop);
  const std::string authorization = service.authorization();
  service.dialer.release = &release;
  {
    async::Loop other;
    async::Event gone(other);
    http::Caller caller{*IpAddress::parse("192.0.2.7"), gone};
    std::optional<http::Response> response;
    other.spawn(async::testing::keep(service.api->answer(registration(authorization), caller), response));
    CHECK(service.dialer.under_way == 1);
  }
  CHECK(service.dialer.under_way == 0);
}

TEST_CASE("broker: the log says who a peer is, on one line, and not more often than other things") {
  TestedService service;
  const auto peer = key_of(1).public_key().peer_id();
  steady += 1000;
  tests::LogCapture log;
  service.journal.identified(peer, "kubo/0.33.0");
  service.journal.identified(peer, "a\nb\x1B[31m\xFF");
  const std::string id = peer.to_base58();
  CHECK(log.take() ==
        fmt::format("[INFO] plugin/broker: {} is kubo/0.33.0\n[INFO] plugin/broker: {} is a?b?[31m?\n", id, id));
  CHECK(service.register_peer(1, "{").status == 400);
  for (int i = 0; i < 150; ++i) service.journal.identified(peer, "x");
  const std::string lines = log.take();
  CHECK(std::ranges::count(lines, '\n') == 98);
  steady += 1000;
  service.journal.identified(peer, "x");
  CHECK(log.take().starts_with("[WARNING] plugin/broker: 53 more lines were not logged\n[INFO] "));
}

TEST_CASE("broker: a flood of registrations does not flood the log") {
  TestedService service;
  const std::string authorization = service.authorization();
  steady += 1000;
  tests::LogCapture log;
  for (int i = 0; i < 150; ++i) CHECK(service.ask(registration(authorization, "{")).status == 400);
  const std::string lines = log.take();
  CHECK(std::ranges::count(lines, '\n') == 100);
  steady += 1000;
  CHECK(service.ask(registration(authorization)).status == 200);
  CHECK(log.take().starts_with("[WARNING] plugin/broker: 50 more lines were not logged\n[INFO] "));
}
