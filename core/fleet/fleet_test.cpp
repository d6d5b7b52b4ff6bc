// Fleets of two, on one loop, with a real etcd.
#include "core/fleet/fleet.h"

#include <ctime>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include <fmt/format.h>

#include "core/async/tasks.h"
#include "core/fleet/etcd_engine.h"
#include "core/fleet/layout.h"
#include "core/libp2p/key.h"
#include "core/shm/table_testing.h"
#include "tests/support/etcd.h"
#include "tests/support/log_capture.h"

#include <catch2/catch.hpp>  // last: its CHECK is the one that counts here

using namespace swage;
using namespace swage::fleet;
using namespace std::chrono_literals;
using forge::ChallengeError;

namespace {

std::int64_t wall_is_wrong_by = 0;  // milliseconds
std::int64_t wall() { return std::int64_t{std::time(nullptr)} * 1000 + wall_is_wrong_by; }
std::int64_t boot() {
  timespec now{};
  clock_gettime(CLOCK_BOOTTIME, &now);
  return std::int64_t{now.tv_sec} * 1000 + now.tv_nsec / 1'000'000;
}

libp2p::PeerId peer(std::uint32_t number) {
  std::vector<std::uint8_t> seed(32, 7);
  store_u32(seed.data(), number);
  return libp2p::PrivateKey::from_seed(seed).public_key().peer_id();
}

int processes = 0;

struct Server {
  Server(async::Loop& loop, const tests::Etcd& etcd, const std::string& name, std::uint64_t capacity)
      : table(capacity, nullptr, shm::Clock::boot),
        engine(loop, {.endpoints = etcd.endpoints()}, "/test/zone/"),
        fleet({loop, engine, table.writer, random, {&wall, &boot}},
              {.zone = "zone.",
               .server = {name, fmt::format("{:08x}", ++processes)},
               .capacity = capacity,
               .patience = 2s},
              Measures::of(registry, "zone."), [this]() -> Result<> {
                ++provided;
                return {};
              }) {}

  [[nodiscard]] std::string text(std::uint32_t number) const {
    return table.text(as_text(peer(number).multihash()), boot());
  }
  [[nodiscard]] std::size_t count(std::uint32_t peers) const {
    std::size_t count = 0;
    for (std::uint32_t i = 0; i < peers; ++i) count += text(i) == "none" ? 0 : 1;
    return count;
  }

  shm::testing::TestTable table;
  crypto::SystemRandom random;
  metrics::Registry registry;
  EtcdEngine engine;
  int provided = 0;
  Fleet fleet;
};

struct Two {
  explicit Two(std::uint64_t capacity) {
    for (const char* const name : {"ns1", "ns2"}) {
      servers.push_back(std::make_unique<Server>(loop, etcd, name, capacity));
      CHECK(servers.back()->table.reader().valid_until() == 1);
      running.start(servers.back()->fleet.run(stop));
    }
    REQUIRE(eventually([this] { return servers[0]->fleet.accepts() && servers[1]->fleet.accepts(); }));
  }
  ~Two() {
    stop.set();
    static_cast<void>(run(finish(*this)));
  }

  // The loop has always something to do.
  template <typename T>
  T run(async::Task<T> task) {
    std::optional<T> result;
    loop.spawn(keep(loop, std::move(task), result));
    loop.run();
    REQUIRE(result);
    return *std::move(result);
  }
  template <typename T>
  static async::Task<> keep(async::Loop& loop, async::Task<T> task, std::optional<T>& result) {
    result.emplace(co_await std::move(task));
    loop.stop();
  }

  bool eventually(const std::function<bool()>& is_so) { return run(comes(loop, is_so)); }
  std::string put(std::size_t at, std::uint32_t number, std::string value, std::uint64_t network = 1) {
    const auto put = run(puts(servers[at]->fleet, peer(number), std::move(value), network));
    return put ? "" : std::string(to_string(put.error()));
  }
  std::chrono::microseconds admit(std::size_t at, std::uint32_t count) {
    std::vector<forge::Allowance> allowances{{"peer/x", count, 1h}, {"client/y", 1000, 1min}};
    const auto wait = run(servers[at]->fleet.admit(std::move(allowances), wall()));
    REQUIRE(wait);
    return *wait;
  }

  static async::Task<bool> comes(async::Loop& loop, const std::function<bool()>& is_so) {
    for (int i = 0; i < 1000 && !is_so(); ++i) co_await async::sleep(loop, 10ms);
    co_return is_so();
  }
  static async::Task<forge::OrChallengeError<>> puts(Fleet& fleet, libp2p::PeerId whose, std::string value,
                                                     std::uint64_t network) {
    const forge::Challenge challenge{whose.multihash(), value, shm::NetworkId{network}};
    co_return co_await fleet.put(challenge, wall());
  }
  static async::Task<> counts(Fleet& fleet, int peer, std::size_t& admitted, std::size_t& done) {
    std::vector<forge::Allowance> allowances;
    allowances.push_back({fmt::format("peer/{}", peer), 1, 1h});
    allowances.push_back({"client/many", 40, 24h});
    const auto wait = co_await fleet.admit(std::move(allowances), wall());
    admitted += wait && *wait == 0us ? 1 : 0;
    ++done;
  }
  static async::Task<bool> finish(Two& two) {
    for (const auto& each : two.servers) co_await each->fleet.finish();
    for (int i = 0; i < 300 && two.running.size() != 0; ++i) co_await async::sleep(two.loop, 10ms);
    co_return true;
  }

  tests::Etcd etcd;
  async::Loop loop;
  async::Event stop{loop};
  std::vector<std::unique_ptr<Server>> servers;
  async::Tasks running;
};

}  // namespace

TEST_CASE("fleet: what one puts is in all tables when it is done") {
  if (!tests::Etcd::available()) return;
  Two two(100);
  for (std::uint32_t i = 0; i < 20; ++i) {
    REQUIRE(two.put(i % 2, i, "value") == "");
    for (const auto& each : two.servers) REQUIRE(each->text(i) == "value");
  }
  for (int i = 0; i < 9; ++i) REQUIRE(two.put(static_cast<std::size_t>(i % 2), 0, fmt::format("v{}", i)) == "");
  for (const auto& each : two.servers) CHECK(each->text(0) == "v8 v7 v6 v5 v4 v3 v2 v1");
  CHECK(two.put(0, 1, "not/storable") == to_string(ChallengeError::invalid));
  for (const auto& each : two.servers) {
    each->fleet.measure();
    CHECK(each->provided == 1);
    CHECK(each->fleet.is_valid());
  }
  CHECK(two.etcd.ctl({"get", "/test/zone/node/", "--prefix", "--keys-only"}).find("/test/zone/node/ns1.") !=
        std::string::npos);
  CHECK(two.etcd.ctl({"get", "/test/zone/" + value_key(peer(1), "value"), "--print-value-only"}).find(" 1") !=
        std::string::npos);
}

TEST_CASE("fleet: allowances are counted together") {
  if (!tests::Etcd::available()) return;
  Two two(100);
  CHECK(two.admit(0, 3) == 0us);
  CHECK(two.admit(1, 3) == 0us);
  CHECK(two.admit(0, 3) == 0us);
  CHECK(two.admit(1, 3) > 19min);
  CHECK(two.admit(0, 3) > 19min);
  CHECK(two.admit(0, 0) == 0us);  // no limit

  // Many at a time, of one client, at both.
  std::size_t admitted = 0, done = 0;
  {
    async::Tasks tasks;
    for (int i = 0; i < 60; ++i) tasks.start(Two::counts(two.servers[i % 2]->fleet, i, admitted, done));
    CHECK(two.eventually([&] { return done == 60; }));
  }
  CHECK(admitted == 40);
}

TEST_CASE("fleet: a full table makes room everywhere, for a network that has less") {
  if (!tests::Etcd::available()) return;
  Two two(64);  // of which 2 stay free
  for (std::uint32_t i = 0; i < 62; ++i) REQUIRE(two.put(0, i, "v", 7) == "");
  CHECK(two.put(0, 100, "v", 7) == to_string(ChallengeError::full));
  CHECK(two.put(1, 100, "v", 7) == to_string(ChallengeError::full));
  CHECK(two.put(1, 5, "w", 7) == "");  // has its place
  CHECK(two.put(1, 100, "v", 8) == "");
  for (const auto& each : two.servers) {
    CHECK(each->text(100) == "v");
    CHECK(each->text(0) == "none");
    CHECK(each->count(62) == 61);
  }
  CHECK(two.etcd.ctl({"get", "/test/zone/txt/", "--prefix", "--keys-only"}).find(peer(0).to_base58()) ==
        std::string::npos);
}

TEST_CASE("fleet: a table that is too small for what the others have is never valid, or no more") {
  if (!tests::Etcd::available()) return;
  Two two(100);
  for (std::uint32_t i = 0; i < 10; ++i) REQUIRE(two.put(0, i, "v") == "");
  async::Event stop(two.loop);
  Server small(two.loop, two.etcd, "small", 9), fits(two.loop, two.etcd, "fits", 10);
  async::Tasks running;
  running.start(small.fleet.run(stop));
  running.start(fits.fleet.run(stop));
  REQUIRE(two.eventually([&] { return fits.fleet.accepts(); }));
  CHECK(two.eventually([&] { return small.count(10) == 9; }));
  CHECK(two.put(0, 10, "v") == "");  // too much for the other one, too: nobody waits for it
  CHECK(two.eventually([&] { return !fits.fleet.is_valid(); }));
  CHECK(small.provided == 0);
  CHECK(small.table.reader().valid_until() == 1);
  stop.set();
  CHECK(two.eventually([&] { return running.size() == 0; }));
}

TEST_CASE("fleet: without etcd nothing is accepted, and past its fence nothing is valid; then it goes on") {
  if (!tests::Etcd::available()) return;
  Two two(100);
  REQUIRE(two.put(0, 1, "v") == "");
  two.etcd.pause(0);
  CHECK(two.put(1, 2, "v") == to_string(ChallengeError::unreachable));
  CHECK(two.eventually([&] { return !two.servers[0]->fleet.is_valid() && !two.servers[1]->fleet.is_valid(); }));
  CHECK(two.put(0, 2, "v") == to_string(ChallengeError::unreachable));
  two.etcd.resume(0);
  CHECK(two.eventually([&] { return two.servers[0]->fleet.accepts() && two.servers[1]->fleet.accepts(); }));
  CHECK(two.put(1, 2, "v") == "");
  for (const auto& each : two.servers) CHECK(each->text(1) + each->text(2) == "vv");
}

TEST_CASE("fleet: whoever leaves in order is not waited for") {
  if (!tests::Etcd::available()) return;
  Two two(100);
  async::Event stop(two.loop);
  Server third(two.loop, two.etcd, "ns3", 100);
  async::Tasks running;
  running.start(third.fleet.run(stop));
  REQUIRE(two.eventually([&] { return third.fleet.accepts(); }));
  REQUIRE(two.put(0, 1, "v") == "");
  CHECK(third.text(1) == "v");
  stop.set();
  REQUIRE(two.eventually([&] { return running.size() == 0; }));
  CHECK(third.table.reader().valid_until() == 1);
  CHECK(two.put(0, 2, "v") == "");
  CHECK(third.text(2) == "none");
}

TEST_CASE("fleet: a wall clock that is set takes no value away, and keeps none; nor does it refuse new ones") {
  if (!tests::Etcd::available()) return;
  Two two(100);
  REQUIRE(two.put(0, 1, "before") == "");
  std::string value = "v";
  for (const std::int64_t jump : {7'200'000, -7'200'000}) {
    wall_is_wrong_by = jump;
    REQUIRE(two.put(1, 2, value) == "");
    for (const auto& each : two.servers) {
      CHECK(each->text(1) == "before");
      CHECK(each->text(2).starts_with(value));
      // An hour is an hour.
      shm::TableValues values;
      const std::int64_t end = boot() + 3'600'000;
      CHECK(each->table.reader().find(peer(2).multihash(), end - 60'000, values) == shm::Table::Found::yes);
      CHECK(each->table.reader().find(peer(2).multihash(), end, values) == shm::Table::Found::no);
    }
    value += "w";
  }
  wall_is_wrong_by = 0;
}

TEST_CASE("fleet: two servers with one name are both members, and it is said") {
  if (!tests::Etcd::available()) return;
  Two two(100);
  async::Event stop(two.loop);
  Server namesake(two.loop, two.etcd, "ns1", 100);
  async::Tasks running;
  tests::LogCapture capture;
  std::string log;
  running.start(namesake.fleet.run(stop));
  REQUIRE(two.eventually([&] { return namesake.fleet.accepts(); }));
  REQUIRE(two.put(0, 1, "v") == "");
  CHECK(namesake.text(1) == "v");
  CHECK(two.eventually([&] {
    log += capture.take();
    return log.find("another server is called ns1, too: ns1.") != std::string::npos;
  }));
  CHECK_FALSE(two.servers[0]->fleet.has_successor());
  CHECK_FALSE(namesake.fleet.has_successor());
  stop.set();
  REQUIRE(two.eventually([&] { return running.size() == 0; }));
}
