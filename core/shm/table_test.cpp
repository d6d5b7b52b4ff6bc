#include "core/shm/table.h"

#include <fmt/format.h>

#include <chrono>
#include <map>
#include <random>

#include "core/shm/segment.h"
#include "core/shm/table_testing.h"

#include <catch2/catch.hpp>

using namespace swage;
using namespace swage::shm;
using namespace swage::shm::testing;

TEST_CASE("table: values are found, newest first, under their own key") {
  TestTable table(10);
  CHECK(table.text("a") == "none");
  REQUIRE(table.writer.put(key("a"), "one", kNow + kHour, kNow));
  REQUIRE(table.writer.put(key("a"), "two", kNow + kHour, kNow));
  REQUIRE(table.writer.put(key("b"), std::string(table::kMaxValue, 'x'), kNow + kHour, kNow));
  CHECK(table.text("a") == "two one");
  CHECK(table.text("b") == std::string(table::kMaxValue, 'x'));
  CHECK(table.text("c") == "none");
  CHECK(table.reader().count_live(kNow) == 2);
}

TEST_CASE("table: the same value again becomes the newest and lives longer") {
  TestTable table(10);
  REQUIRE(table.writer.put(key("a"), "one", kNow + 1000, kNow));
  REQUIRE(table.writer.put(key("a"), "two", kNow + 1000, kNow));
  REQUIRE(table.writer.put(key("a"), "one", kNow + 2000, kNow + 500));
  CHECK(table.text("a", kNow + 500) == "one two");
  CHECK(table.text("a", kNow + 1500) == "one");
}

TEST_CASE("table: eight values live, the ninth pushes out the oldest") {
  TestTable table(10);
  for (int i = 0; i < 10; ++i) REQUIRE(table.writer.put(key("a"), std::to_string(i), kNow + kHour, kNow));
  CHECK(table.text("a") == "9 8 7 6 5 4 3 2");
}

TEST_CASE("table: each value expires by itself, at its time") {
  TestTable table(10);
  REQUIRE(table.writer.put(key("a"), "long", kNow + 3000, kNow));
  REQUIRE(table.writer.put(key("a"), "short", kNow + 1000, kNow));
  CHECK(table.text("a", kNow + 999) == "short long");
  CHECK(table.text("a", kNow + 1000) == "long");
  CHECK(table.text("a", kNow + 3000) == "none");
  CHECK(table.reader().count_live(kNow + 2999) == 1);
  CHECK(table.reader().count_live(kNow + 3000) == 0);
}

TEST_CASE("table: keys and values of a wrong size, and values that have expired, are refused") {
  TestTable table(10);
  const std::string longest(table::kMaxKey, 'k');
  CHECK(table.writer.put(key(longest), "v", kNow + 1, kNow));
  CHECK(table.text(longest) == "v");
  CHECK(table.writer.put(key(longest + "k"), "v", kNow + 1, kNow).error() == PutError::invalid);
  CHECK(table.writer.put(key(""), "v", kNow + 1, kNow).error() == PutError::invalid);
  CHECK(table.writer.put(key("a"), "", kNow + 1, kNow).error() == PutError::invalid);
  CHECK(table.writer.put(key("a"), std::string(table::kMaxValue + 1, 'v'), kNow + 1, kNow).error() ==
        PutError::invalid);
  CHECK(table.writer.put(key("a"), "v", kNow, kNow).error() == PutError::invalid);
  CHECK(TableWriter().put(key("a"), "v", kNow + 1, kNow).error() == PutError::missing);
  TableValues values;
  CHECK(Table().find(key("a"), kNow, values) == Table::Found::no);
}

TEST_CASE("table: full of live entries it refuses new keys, updates old ones, and loses none") {
  constexpr std::size_t kCapacity = 100;
  TestTable table(kCapacity);
  for (std::size_t i = 0; i < kCapacity; ++i) {
    REQUIRE(table.writer.put(key(std::to_string(i)), "v", kNow + 1000 + static_cast<std::int64_t>(i), kNow));
  }
  CHECK(table.writer.put(key("new"), "v", kNow + kHour, kNow).error() == PutError::full);
  CHECK(table.writer.put(key("new"), "v", kNow + kHour, kNow + 999).error() == PutError::full);
  for (std::size_t i = 0; i < kCapacity; ++i) {
    REQUIRE(table.writer.put(key(std::to_string(i)), "w", kNow + 1000 + static_cast<std::int64_t>(i), kNow));
    CHECK(table.text(std::to_string(i)) == "w v");
  }
  CHECK(table.reader().count_live(kNow) == kCapacity);

  // One entry expires with each millisecond, and makes room for one.
  for (std::size_t i = 0; i < kCapacity; ++i) {
    const std::int64_t now = kNow + 1000 + static_cast<std::int64_t>(i);
    CHECK(table.writer.put(key("new" + std::to_string(i)), "v", kNow + kHour, now));
    CHECK(table.writer.put(key("newer" + std::to_string(i)), "v", kNow + kHour, now).error() == PutError::full);
    CHECK(table.text(std::to_string(i), now) == "none");
    CHECK(table.reader().count_live(now) == kCapacity);
  }
  for (std::size_t i = 0; i < kCapacity; ++i) CHECK(table.text("new" + std::to_string(i), kNow + 9000) == "v");
}

TEST_CASE("table: an update that shortens a life makes room when it ends") {
  TestTable table(1);
  REQUIRE(table.writer.put(key("a"), "v", kNow + kHour, kNow));
  CHECK(table.writer.put(key("b"), "v", kNow + kHour, kNow).error() == PutError::full);
  REQUIRE(table.writer.put(key("a"), "v", kNow + 10, kNow));
  CHECK(table.writer.put(key("b"), "v", kNow + kHour, kNow + 9).error() == PutError::full);
  CHECK(table.writer.put(key("b"), "v", kNow + kHour, kNow + 10));
}

TEST_CASE("table: what it says is what a model says, for random puts of random lives") {
  struct Live {
    std::string value;
    std::int64_t expires;
  };
  TestTable table(64);
  std::map<std::string, std::vector<Live>> model;
  std::mt19937 random(1);
  std::int64_t now = kNow;
  std::size_t refused = 0;
  for (int round = 0; round < 20'000; ++round) {
    now += random() % 20;
    const std::string who = "peer" + std::to_string(random() % 100);
    const std::string value = std::to_string(random() % 12);
    const std::int64_t expires = now + 1 + static_cast<std::int64_t>(random() % 1500);
    for (auto& [name, values] : model) std::erase_if(values, [&](const Live& each) { return each.expires <= now; });
    std::erase_if(model, [](const auto& each) { return each.second.empty(); });
    const auto put = table.writer.put(key(who), value, expires, now);
    const bool room = model.contains(who) || model.size() < 64;
    REQUIRE(put.has_value() == room);
    refused += room ? 0 : 1;
    if (room) {
      auto& values = model[who];
      std::erase_if(values, [&](const Live& each) { return each.value == value; });
      values.insert(values.begin(), {value, expires});
      if (values.size() > table::kMaxValues) values.pop_back();
    }
    std::string expected;
    for (const Live& each : model[who]) expected += (expected.empty() ? "" : " ") + each.value;
    REQUIRE(table.text(who, now) == (expected.empty() ? "none" : expected));
    if (model[who].empty()) model.erase(who);
  }
  CHECK(table.reader().count_live(now) == model.size());
  CHECK(refused > 0);
}

TEST_CASE("table: live entries go into another table, with what is live of them") {
  TestTable from(10), to(100), tiny(1);
  REQUIRE(from.writer.put(key("a"), "one", kNow + 1000, kNow));
  REQUIRE(from.writer.put(key("a"), "two", kNow + 3000, kNow));
  REQUIRE(from.writer.put(key("b"), "three", kNow + 3000, kNow));
  REQUIRE(from.writer.put(key("gone"), "four", kNow + 10, kNow));
  CHECK(to.writer.take_over(from.reader(), {.wall = kNow + 20}, TableWriter::Room::free) == 0);
  CHECK(to.text("a", kNow + 20) == "two one");
  CHECK(to.text("b", kNow + 20) == "three");
  CHECK(to.reader().count_live(kNow) == 2);
  REQUIRE(from.writer.put(key("a"), "five", kNow + 3000, kNow));
  REQUIRE(to.writer.put(key("c"), "six", kNow + 3000, kNow));
  CHECK(to.writer.take_over(from.reader(), {.wall = kNow + 1000}, TableWriter::Room::free) == 0);
  CHECK(to.text("a", kNow + 20) == "five two");
  CHECK(to.text("c", kNow + 20) == "six");
  CHECK(tiny.writer.take_over(from.reader(), {.wall = kNow + 20}, TableWriter::Room::free) == 1);
  CHECK(tiny.reader().count_live(kNow) == 1);
  CHECK(to.writer.take_over(Table(), {.wall = kNow}, TableWriter::Room::free) == 0);
}

TEST_CASE("table: a mirror is told all, and every change") {
  TestTable table(100);
  for (int i = 0; i < 70; ++i) REQUIRE(table.writer.put(key(std::to_string(i)), "v", kNow + 10 + i, kNow));
  std::vector<std::uint64_t> words(table.memory.bytes().size() / 8);
  const Bytes copy(reinterpret_cast<const std::uint8_t*>(words.data()), words.size() * 8);
  table.writer.mirror_to([&](std::uint64_t offset, Bytes bytes) {
    REQUIRE(offset + bytes.size() <= copy.size());
    std::memcpy(reinterpret_cast<std::uint8_t*>(words.data()) + offset, bytes.data(), bytes.size());
  });
  CHECK(std::ranges::equal(copy, table.memory.bytes()));
  for (int i = 0; i < 200; ++i) {
    static_cast<void>(table.writer.put(key(std::to_string(i % 120)), "w", kNow + 50 + i, kNow + i / 2));
  }
  table.writer.set_lifetime(17);
  CHECK(std::ranges::equal(copy, table.memory.bytes()));
}

TEST_CASE("table: the lifetime that the operator set is there for all writers") {
  TestTable table(10);
  CHECK(table.writer.lifetime() == 0);
  table.writer.set_lifetime(kHour);
  CHECK(TableWriter(table.memory.writable_bytes()).lifetime() == kHour);
}

// core_shm_test "[bench]": what a million peers cost. Keys as Ed25519 peer IDs have them, values as ACME has them.
TEST_CASE("table: a million peers", "[.][bench]") {
  constexpr std::uint32_t kPeers = 1'000'000;
  const auto peer = [](std::uint32_t number) {
    std::array<std::uint8_t, 38> bytes = {0x00, 0x24, 0x08, 0x01, 0x12, 0x20};
    std::memcpy(&bytes[6], &number, sizeof number);
    return bytes;
  };
  TestTable table(kPeers);
  const std::string value(43, 'v');
  using Clock = std::chrono::steady_clock;
  const auto each = [](Clock::time_point since, std::uint32_t times) {
    return std::chrono::duration<double, std::nano>(Clock::now() - since).count() / times;
  };

  auto begin = Clock::now();
  for (std::uint32_t i = 0; i < kPeers; ++i) REQUIRE(table.writer.put(peer(i), value, kNow + kHour, kNow));
  const double put = each(begin, kPeers);
  begin = Clock::now();
  CHECK(table.writer.put(peer(kPeers), value, kNow + kHour, kNow).error() == PutError::full);
  const double refuse = each(begin, 1);
  begin = Clock::now();
  CHECK(table.writer.put(peer(kPeers), value, kNow + kHour, kNow).error() == PutError::full);
  const double refuse_again = each(begin, 1);

  std::mt19937 random(1);
  const auto find = [&](std::uint32_t range, std::uint32_t first, Table::Found expected) {
    constexpr std::uint32_t kTimes = 1'000'000;
    std::vector<std::uint32_t> order(kTimes);
    for (std::uint32_t& number : order) number = first + static_cast<std::uint32_t>(random() % range);
    std::uint64_t right = 0;
    const auto start = Clock::now();
    for (const std::uint32_t number : order) {
      TableValues values;  // opened anew, as for every query
      right += Table(table.memory.bytes()).find(peer(number), kNow, values) == expected ? 1 : 0;
    }
    const double nanoseconds = each(start, kTimes);
    CHECK(right == kTimes);
    return nanoseconds;
  };
  const double hot = find(100, 0, Table::Found::yes);
  const double cold = find(kPeers, 0, Table::Found::yes);
  const double missing = find(kPeers, kPeers, Table::Found::no);
  WARN(
      fmt::format("{} peers, {} MB: put {:.0f} ns, found {:.0f} ns (one of 100: {:.0f} ns), not found {:.0f} ns, "
                  "refused for the first time {:.0f} ms, then {:.0f} ns; 100,000: {} MB",
                  kPeers, table.memory.bytes().size() / 1'000'000, put, cold, hot, missing, refuse / 1e6, refuse_again,
                  TableWriter::bytes_needed(100'000) / 1'000'000));
}

TEST_CASE("table: its header says which clock its times are by; what another one takes over lives as long as before") {
  constexpr Moment kMoment{.wall = kNow, .boot = 70'000};
  TestTable wall(5), boot(5, nullptr, Clock::boot);
  CHECK(wall.reader().clock() == Clock::wall);
  CHECK(wall.writer.clock() == Clock::wall);
  CHECK(boot.reader().clock() == Clock::boot);
  CHECK(boot.writer.clock() == Clock::boot);
  CHECK(Table().clock() == Clock::wall);
  REQUIRE(wall.writer.put(key("a"), "short", kNow + 10, kNow));
  REQUIRE(wall.writer.put(key("a"), "long", kNow + 1000, kNow));
  REQUIRE(wall.writer.put(key("ended"), "v", kNow + 5, kNow));

  constexpr Moment kLater{.wall = kNow + 5, .boot = 70'005};
  REQUIRE(boot.writer.take_over(wall.reader(), kLater, TableWriter::Room::free) == 0);
  CHECK(boot.text("a", 70'009) == "long short");
  CHECK(boot.text("a", 70'010) == "long");
  CHECK(boot.text("a", 70'999) == "long");
  CHECK(boot.text("a", 71'000) == "none");
  CHECK(boot.text("ended", 70'005) == "none");

  // And back, after the wall clock was set to two hours ago.
  TestTable back(5);
  REQUIRE(back.writer.take_over(boot.reader(), {.wall = kNow - 2 * kHour, .boot = 70'500}, TableWriter::Room::free) ==
          0);
  CHECK(back.text("a", kNow - 2 * kHour + 499) == "long");
  CHECK(back.text("a", kNow - 2 * kHour + 500) == "none");

  // An end that cannot be is the latest that is believed.
  REQUIRE(boot.writer.put(key("b"), "v", INT64_MAX, kMoment.boot));
  TestTable other(5);
  REQUIRE(other.writer.take_over(boot.reader(), kMoment, TableWriter::Room::free) == 0);
  CHECK(other.text("b", kNow + 24 * 366 * kHour - 1) == "v");
  CHECK(other.text("b", kNow + 24 * 366 * kHour) == "none");
}
