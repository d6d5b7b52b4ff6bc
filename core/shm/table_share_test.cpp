// A full table is shared out among networks.
#include <fmt/format.h>

#include <algorithm>
#include <map>
#include <random>
#include <set>
#include <vector>

#include "core/shm/table_testing.h"

#include <catch2/catch.hpp>

using namespace swage;
using namespace swage::shm;
using namespace swage::shm::testing;

namespace {

struct Store : TestTable {
  using TestTable::TestTable;
  std::string put(const std::string& who, std::uint64_t network, std::int64_t now = kNow,
                  std::int64_t lifetime = kHour) {
    const auto put = writer.put(key(who), "v", now + lifetime, now, NetworkId{network});
    return put ? "" : std::string(to_string(put.error()));
  }
  // How many of its own names, from `first` on, the network has in the table.
  [[nodiscard]] std::size_t count(std::uint64_t network, std::size_t most) const {
    std::size_t count = 0;
    for (std::size_t i = 0; i < most; ++i) count += text(name(network, i)) == "v" ? 1 : 0;
    return count;
  }
  static std::string name(std::uint64_t network, std::size_t number) { return fmt::format("{} {}", network, number); }
};

const std::string kShare = "the network has its share of a full table";
const std::string kFull = "the table is full";

}  // namespace

// What it costs to fill the store: see docs/decisions/shared-memory.md.
TEST_CASE("table: however many networks want all of it, a new one gets capacity / (networks + 1)") {
  for (const std::size_t capacity : {500, 1000}) {
    for (const std::uint64_t networks : {1, 2, 9, 36, 100, 400}) {
      INFO(networks << " networks of " << capacity);
      Store store(capacity);
      std::size_t accepted = 0, refused = 0;
      // One after the other, so that the first finds all of it free; then again, in turns.
      for (std::uint64_t network = 1; network <= networks; ++network) {
        for (std::size_t i = 0; i < capacity; ++i)
          ++(store.put(Store::name(network, i), network).empty() ? accepted : refused);
      }
      for (std::size_t i = 0; i < capacity; ++i) {
        for (std::uint64_t network = 1; network <= networks; ++network) {
          ++(store.put(Store::name(network, capacity + i), network).empty() ? accepted : refused);
        }
      }
      CHECK(store.reader().count_live(kNow) == capacity);
      CHECK(refused > 0);
      const std::size_t fair = capacity / (networks + 1);
      REQUIRE(fair > 0);
      for (std::size_t i = 0; i < fair; ++i) REQUIRE(store.put(Store::name(777'777, i), 777'777).empty());
      CHECK(store.count(777'777, fair) == fair);
      // And they stay, whatever the others do.
      for (std::size_t i = 0; i < capacity; ++i) {
        for (std::uint64_t network = 1; network <= networks; ++network) {
          static_cast<void>(store.put(Store::name(network, 2 * capacity + i), network));
        }
      }
      CHECK(store.count(777'777, fair) == fair);
      CHECK(store.reader().count_live(kNow) == capacity);
    }
  }
}

TEST_CASE("table: to keep a new network out takes as many networks as there are entries") {
  constexpr std::size_t kCapacity = 200;
  Store store(kCapacity);
  for (std::uint64_t network = 1; network < kCapacity; ++network)
    REQUIRE(store.put(Store::name(network, 0), network).empty());
  REQUIRE(store.put(Store::name(1, 1), 1).empty());
  CHECK(store.put("new", 1000).empty());  // 199 networks are not enough: one had two
  CHECK(store.put("newer", 1001) == kFull);
  CHECK(store.put("newest", 1000) == kShare);
}

TEST_CASE("table: one network may have all of it, and is refused when it is full") {
  Store store(50);
  for (std::size_t i = 0; i < 50; ++i) REQUIRE(store.put(Store::name(1, i), 1).empty());
  CHECK(store.put("more", 1) == kFull);
  CHECK(store.count(1, 50) == 50);
  for (std::size_t i = 0; i < 50; ++i) CHECK(store.put(Store::name(1, i), 1).empty());  // but not its updates
}

TEST_CASE("table: what goes is the oldest of a network that has most, and not what was renewed") {
  Store store(6);
  for (const char* const who : {"a", "b", "c"}) REQUIRE(store.put(who, 1).empty());
  for (const char* const who : {"x", "y", "z"}) REQUIRE(store.put(who, 2, kNow + 1).empty());
  REQUIRE(store.put("a", 1, kNow + 2).empty());
  REQUIRE(store.put("d", 3, kNow + 3).empty());
  REQUIRE(store.put("e", 4, kNow + 4).empty());
  CHECK(store.text("a") == "v");
  CHECK(store.text("b") == "none");
  CHECK(store.text("c") == "v");
  CHECK(store.text("x") == "none");
  CHECK(store.text("y") == "v");
  CHECK(store.text("z") == "v");
  CHECK(store.put("more", 1, kNow + 5) == kShare);
  CHECK(store.put("more", 3, kNow + 5) == kShare);
  CHECK(store.put("more", 5, kNow + 5).empty());
}

TEST_CASE("table: expired entries are nobody's share") {
  Store store(4);
  for (std::size_t i = 0; i < 4; ++i) REQUIRE(store.put(Store::name(1, i), 1).empty());
  for (std::size_t i = 0; i < 4; ++i) REQUIRE(store.put(Store::name(2, i), 2, kNow + kHour).empty());
  CHECK(store.put("more", 1, kNow + kHour).empty());
  CHECK(store.put("more too", 2, kNow + kHour) == kShare);
}

TEST_CASE("table: an entry is that of the network which renewed it last; a share cannot be dodged by renewing") {
  Store store(10);
  for (std::size_t i = 0; i < 10; ++i) REQUIRE(store.put(Store::name(1, i), 1).empty());
  for (std::size_t i = 0; i < 6; ++i) REQUIRE(store.put(Store::name(1, i), 2).empty());
  CHECK(store.put("of 1", 1).empty());  // 2 has 6, 1 has 4: the next of 1 is taken from 2
  CHECK(store.put("of 1 too", 1) == kShare);
  CHECK(store.text(Store::name(1, 0)) == "none");
  for (std::size_t i = 0; i < 3; ++i) CHECK(store.put(fmt::format("new {}", i), 3).empty());
}

TEST_CASE("table: shares are what a model says, for random puts, and after a successor has taken over") {
  constexpr std::size_t kCapacity = 40;
  struct Entry {
    std::uint64_t network;
    std::int64_t end;
    std::uint64_t order;
  };
  std::mt19937 random(4);
  std::map<std::string, Entry> model;
  std::int64_t now = kNow;
  std::uint64_t order = 0, refused = 0;
  auto store = std::make_unique<Store>(kCapacity);
  for (int round = 0; round < 30'000; ++round) {
    now += 1 + static_cast<std::int64_t>(random() % 40);
    std::erase_if(model, [&](const auto& each) { return each.second.end <= now; });
    const std::uint64_t network = 1 + std::min(random() % 8, random() % 8);
    const std::string who = std::to_string(random() % 120);
    const std::string said = store->put(who, network, now, 1000);
    std::map<std::uint64_t, std::size_t> counts;
    for (const auto& [name, entry] : model) ++counts[entry.network];
    std::size_t most = 0;
    for (const auto& [each, count] : counts) most = std::max(most, count);
    const bool is_full = model.size() == kCapacity && !model.contains(who);
    if (is_full && most < counts[network] + 2) {
      REQUIRE(said == (counts[network] != 0 && counts[network] != kCapacity ? kShare : kFull));
      ++refused;
      continue;
    }
    REQUIRE(said.empty());
    model[who] = {network, now + 1000, ++order};
    if (is_full) {  // whose was taken is not said, where several have most; it was the oldest of one of them
      std::set<std::string> gone;
      for (const auto& [name, entry] : model) {
        if (store->text(name, now) == "none") gone.insert(name);
      }
      REQUIRE(gone.size() == 1);
      const Entry& lost = model[*gone.begin()];
      REQUIRE(counts[lost.network] == most);
      for (const auto& [name, entry] : model) REQUIRE((entry.network != lost.network || entry.order >= lost.order));
      model.erase(*gone.begin());
    }
    REQUIRE(store->reader().count_live(now) == model.size());
    if (round % 1000 == 0) {
      auto next = std::make_unique<Store>(kCapacity);
      REQUIRE(next->writer.take_over(store->reader(), {.wall = now}, TableWriter::Room::free) == 0);
      store = std::move(next);
    } else if (round % 1000 == 500) {
      store->writer = TableWriter(store->memory.writable_bytes());
    }
  }
  CHECK(refused > 100);
}

TEST_CASE("table: a value that is taken out leaves the others of its key, and the place is free again") {
  Store store(2);
  for (const char* const value : {"1", "2", "3"}) REQUIRE(store.writer.put(key("a"), value, kNow + kHour, kNow));
  store.writer.erase(key("a"), "2", kNow);
  CHECK(store.text("a") == "3 1");
  store.writer.erase(key("a"), "2", kNow);
  store.writer.erase(key("b"), "2", kNow);
  CHECK(store.text("a") == "3 1");
  CHECK(store.put("b", 0) == "");
  store.writer.erase(key("a"), "1", kNow);
  store.writer.erase(key("a"), "3", kNow);
  CHECK(store.text("a") == "none");
  CHECK(store.put("c", 0) == "");
  CHECK(store.put("d", 0) == kFull);
}

TEST_CASE("table: what room_for() says, put() does") {
  Store store(4);
  const auto asked = [&](const std::string& who, std::uint64_t network, std::uint64_t reserve = 0) -> std::string {
    const auto room = store.writer.room_for(key(who), kNow, NetworkId{network}, reserve);
    if (!room) return std::string(to_string(room.error()));
    return *room ? "instead of " + std::string((*room)->key.begin(), (*room)->key.begin() + (*room)->key_size) : "room";
  };
  for (const char* const who : {"a", "b", "c"}) REQUIRE(store.put(who, 7).empty());
  CHECK(asked("d", 7) == "room");
  CHECK(asked("d", 7, 1) == kFull);
  CHECK(asked("d", 8, 1) == "instead of a");
  CHECK(asked("a", 7, 1) == "room");
  REQUIRE(store.put("d", 8).empty());
  CHECK(asked("e", 7) == kShare);
  CHECK(asked("e", 8) == "instead of a");
  REQUIRE(store.put("e", 8).empty());
  CHECK(store.text("a") == "none");
  CHECK(asked("f", 8) == kShare);
  CHECK(asked("f", 9) == "instead of b");
}

TEST_CASE("table: what it has holds for good, or until a time") {
  Store store(2);
  CHECK(store.reader().valid_until() == 0);
  store.writer.set_valid_until(12345);
  CHECK(store.reader().valid_until() == 12345);
  CHECK(TableWriter(store.memory.writable_bytes()).exists());
  CHECK(Table().valid_until() == 0);
}
