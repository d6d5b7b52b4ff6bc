// Both ends of a line on one loop: from a query that waits to its answer. With "[bench]": what that costs.
#include "core/server/fetch_client.h"

#include <cstdio>
#include <set>

#include <fmt/format.h>

#include "core/server/fetch_server.h"
#include "tests/support/dns_message.h"
#include "tests/support/plugin_harness.h"

#include <catch2/catch.hpp>  // last: its CHECK is the one that counts here

namespace {

using namespace swage;
using namespace swage::tests;
using namespace swage::server;
using namespace std::chrono_literals;

struct Counter : Origin {
  Counter() : Origin(1 << 20) {}
  ~Counter() override { forget_parked(); }
  void answer_later(const Arrival&, Bytes response) override {
    ++answers;
    if (!response.empty() && (response[3] & 0xF) == 2) ++failures;
  }
  void flush_later() override {}

  std::size_t answers = 0, failures = 0;
};

std::vector<std::unique_ptr<Fetch>> one_fetch() {
  std::vector<std::unique_ptr<Fetch>> fetches;
  fetches.push_back(std::make_unique<Fetch>("store", 1));
  return fetches;
}

// `known` is the memory that both processes share: what is wanted is there as soon as it is asked for.
struct Bench {
  Bench() {
    server_fetches[0]->on_wanted([this](const std::string& key) {
      ++wanted;
      if (!answers) return;
      known.insert(key);
      server_fetches[0]->settled(key);
    });
    connect();
  }
  void connect() {
    auto ends = FetchLine::pair();
    REQUIRE(ends);
    client->connect(Fetch::By::service, std::move(ends->first));
    if (server) server->add({.worker = 0, .socket = std::move(ends->second)});
  }
  void ask(std::uint32_t number) {
    const Packet request = tests::encode({.name = fmt::format("n{}.example.org.", number), .type = "TXT"});
    Arrival arrival = harness.arrival;
    arrival.received = loop.now();
    arrival.origin = &origin;
    std::array<std::uint8_t, 4> address{};  // of a network of its own, or nearly
    store_u32(address.data(), number << 8);
    arrival.client.address = IpAddress::v4(address);
    std::array<std::uint8_t, 1232> out;
    REQUIRE(responder.respond(harness.configuration().listeners.begin()->second, request, arrival, out) == 0);
  }
  // Lets both do what they have to do, until `enough`; false where that takes more than 10 s.
  bool turn(const std::function<bool()>& enough) {
    const std::int64_t until = loop.now() + std::int64_t{10'000'000'000};
    async::Timer look(loop, [&] {
      if (enough() || loop.now() > until) return loop.stop();
      look.start(1ms);
    });
    look.start(0ms);
    loop.run();
    return enough();
  }

  std::set<std::string> known;
  std::size_t wanted = 0, caught_up = 0;
  bool answers = true;
  std::vector<std::unique_ptr<Fetch>> client_fetches = one_fetch(), server_fetches = one_fetch();
  PluginHarness harness{{}, "example.org {\n}", [this](const Query& query, Response& response) -> Result<Outcome> {
                          const std::string_view key = as_text(query.key.view().first_label());
                          if (known.contains(std::string(key))) return answer_text(query, response, 1, key);
                          return client_fetches[0]->later(response, as_bytes(key));
                        }};
  async::Loop loop;
  metrics::Registry registry;
  Responder responder;
  std::optional<FetchServer> server{std::in_place, loop, Fetch::By::service, server_fetches, registry};
  std::optional<FetchClient> client{std::in_place, loop, responder, client_fetches, registry, [this] { ++caught_up; }};
  Counter origin;
};

}  // namespace

TEST_CASE("fetch client: what is wanted is fetched, and answered") {
  Bench bench;
  for (std::uint32_t i = 0; i < 1000; ++i) bench.ask(i % 500);
  CHECK(bench.turn([&] { return bench.origin.answers == 1000; }));
  CHECK(bench.wanted == 500);
  CHECK(bench.caught_up > 0);
  CHECK(bench.origin.failures == 0);
}

TEST_CASE("fetch client: another line takes the place of the one there was, however that ended") {
  Bench bench;
  bench.answers = false;
  for (std::uint32_t i = 0; i < 100; ++i) bench.ask(i);
  CHECK(bench.turn([&] { return bench.wanted == 100; }));
  bench.server.reset();  // the process is gone; some want more meanwhile
  CHECK(bench.turn([] { return true; }));
  for (std::uint32_t i = 100; i < 150; ++i) bench.ask(i);
  bench.answers = true;
  bench.server.emplace(bench.loop, Fetch::By::service, bench.server_fetches, bench.registry);
  bench.connect();
  bench.ask(150);
  CHECK(bench.turn([&] { return bench.origin.answers == 151; }));
  CHECK(bench.wanted == 251);
  CHECK(bench.origin.failures == 0);
  bench.answers = false;
  bench.ask(1000);
  CHECK(bench.turn([&] { return bench.wanted == 252; }));
  bench.connect();  // while the other one is there still
  CHECK(bench.turn([&] { return bench.wanted == 252; }));
  bench.server_fetches[0]->failed("n1000");
  CHECK(bench.turn([&] { return bench.origin.failures == 1; }));
}

TEST_CASE("fetch client: when it drains, it waits no longer than somebody fetches") {
  Bench bench;
  bench.answers = false;
  for (std::uint32_t i = 0; i < 10; ++i) bench.ask(i);
  CHECK(bench.turn([&] { return bench.wanted == 10; }));
  bench.client->drain();
  CHECK(bench.origin.answers == 0);
  bench.server.reset();
  CHECK(bench.turn([&] { return bench.origin.failures == 10; }));
  Bench without;
  without.server.reset();
  CHECK(without.turn([] { return true; }));
  without.ask(1);
  without.client->drain();
  CHECK(without.origin.failures == 1);
}

TEST_CASE("fetch client: where nobody reads the line, time passes all the same") {
  Bench bench;
  bench.client_fetches[0]->wait_at_most(100ms);
  auto ends = FetchLine::pair();
  REQUIRE(ends);
  bench.client->connect(Fetch::By::service, std::move(ends->first));
  for (std::uint32_t i = 0; i < 4000; ++i) bench.ask(i);
  CHECK(bench.turn([&] { return bench.origin.failures == 4000; }));
  for (std::uint32_t i = 0; i < 4000; ++i) bench.ask(4000 + i);
  CHECK(bench.turn([&] { return bench.origin.failures == 8000; }));
  bench.connect();
  bench.ask(1);
  CHECK(bench.turn([&] { return bench.origin.answers == 8001; }));
  CHECK(bench.wanted == 1);
}

TEST_CASE("fetch client: what a query costs whose answer is fetched", "[.bench]") {
  Bench bench;
  constexpr std::uint32_t kRounds = 200, kAtATime = 1000;
  const std::int64_t begun = bench.loop.now();
  for (std::uint32_t round = 0; round < kRounds; ++round) {
    for (std::uint32_t i = 0; i < kAtATime; ++i) bench.ask(round * kAtATime + i);
    CHECK(bench.turn([&] { return bench.origin.answers == std::size_t{round + 1} * kAtATime; }));
    bench.known.clear();
  }
  const double each = static_cast<double>(bench.loop.now() - begun) / (kRounds * kAtATime);
  std::printf("%.2f µs for each query, in the dns process and the service process together\n", each / 1000);
}
