#include "core/fleet/replica.h"

#include <fmt/format.h>

#include <algorithm>
#include <string>

#include "core/fleet/allowance.h"
#include "core/libp2p/key.h"
#include "core/shm/table_testing.h"

#include <catch2/catch.hpp>

using namespace swage;
using namespace swage::fleet;
using namespace swage::shm::testing;

namespace {

libp2p::PeerId peer(std::uint8_t number) {
  return libp2p::PrivateKey::from_seed(std::vector<std::uint8_t>(32, number)).public_key().peer_id();
}

Entry entry(std::uint8_t number, const std::string& value, Revision revision, std::int64_t lifetime = kHour) {
  return {value_key(peer(number), value), value_text(lifetime, shm::NetworkId{7}), revision};
}

std::string text(const TestTable& table, std::uint8_t number) { return table.text(as_text(peer(number).multihash())); }

}  // namespace

TEST_CASE("fleet layout: keys and values, and what is neither") {
  const auto read = read_value(entry(1, "a-b_c", 5));
  REQUIRE(read);
  CHECK(read->peer == peer(1));
  CHECK(read->value == "a-b_c");
  CHECK(read->lifetime == kHour);
  CHECK(read->network == shm::NetworkId{7});
  CHECK(node_of(node_key("ns1.0123")) == "ns1.0123");
  CHECK_FALSE(node_of("txt/a/b"));
  const std::string base58 = peer(1).to_base58(), shard = value_key(peer(1), "v").substr(0, 7);
  CHECK(value_key(peer(1), "v") == shard + base58 + "/v");
  for (const Entry& wrong : std::initializer_list<Entry>{
           {shard + base58, "1 2"},
           {shard + base58 + "/", "1 2"},
           {shard + base58 + "/a/b", "1 2"},
           {shard + base58 + "/" + std::string(48, 'x'), "1 2"},
           {shard + "nobody/v", "1 2"},
           {"txt/" + base58 + "/v", "1 2"},
           {"txt/40/" + base58 + "/v", "1 2"},
           {shard + base58 + "/v", ""},
           {shard + base58 + "/v", "1"},
           {shard + base58 + "/v", "1 "},
           {shard + base58 + "/v", "1 2 3"},
           {shard + base58 + "/v", "x 2"},
           {shard + base58 + "/v", "0 2"},
           {shard + base58 + "/v", "-1 2"},
           {shard + base58 + "/v", "31622400001 2"},
           {shard + base58 + "/v", "99999999999999999999 2"},
           {"node/" + base58 + "/v", "1 2"},
       }) {
    INFO(wrong.key << " = " << wrong.value);
    CHECK_FALSE(read_value(wrong));
  }
  CHECK_FALSE(is_storable(""));
  CHECK_FALSE(is_storable("a/b"));
  CHECK_FALSE(is_storable(std::string(48, 'x')));
  const KeyRange watched = watched_keys();
  for (const std::string& key : {node_key("x"), entry(1, "v", 1).key})
    CHECK((watched.first <= key && key < watched.end));
  CHECK(limit_key("peer/x") < watched.first);
  const std::vector<KeyRange> ranges = ranges_to_read();
  CHECK(ranges.size() == 65);
  for (std::uint8_t i = 0; i < 100; ++i) {
    const std::string key = value_key(peer(i), "v");
    CHECK(std::ranges::count_if(ranges, [&](const KeyRange& each) { return each.first <= key && key < each.end; }) ==
          1);
  }
}

TEST_CASE("replica: what is read in the order of keys is answered in the order in which it was written") {
  TestTable table(10);
  Replica replica(table.writer);
  replica.read(entry(1, "a", 30), kNow);
  replica.read(entry(1, "b", 10), kNow);
  replica.read(entry(1, "c", 20), kNow);
  replica.read(entry(2, "a", 5), kNow);
  replica.read({"txt/nonsense", "1 2", 6}, kNow);
  replica.read_all(kNow);
  CHECK(text(table, 1) == "a c b");
  CHECK(text(table, 2) == "a");
  CHECK(replica.not_understood() == 1);
  // Again, after a watch was lost.
  Replica again(table.writer);
  again.read(entry(1, "a", 30), kNow);
  again.read(entry(1, "b", 50), kNow);
  again.read(entry(1, "c", 20), kNow);
  again.read_all(kNow);
  CHECK(text(table, 1) == "b a c");
}

TEST_CASE("replica: a value lives from when it is seen, whatever the clocks of servers show") {
  TestTable table(10);
  Replica replica(table.writer);
  const Entry written = entry(1, "a", 1, 1000);
  replica.take({.removed = false, .entry = written}, kNow - 2 * kHour);
  CHECK(text(table, 1) == "none");
  replica.take({.removed = false, .entry = written}, kNow - 999);
  CHECK(text(table, 1) == "a");
  replica.take({.removed = false, .entry = entry(2, "b", 2)}, kNow + 2 * kHour);
  CHECK(text(table, 2) == "b");
}

TEST_CASE("replica: of a peer with hundreds of values the newest eight are kept") {
  TestTable table(10);
  Replica replica(table.writer);
  for (int i = 0; i < 300; ++i) replica.read(entry(1, fmt::format("{:03}", i), 1 + (i * 7) % 300), kNow);
  replica.read_all(kNow);
  std::string expected;
  for (int revision = 300; revision > 292; --revision) {
    for (int i = 0; i < 300; ++i) {
      if (1 + (i * 7) % 300 == revision) expected += (expected.empty() ? "" : " ") + fmt::format("{:03}", i);
    }
  }
  CHECK(text(table, 1) == expected);
}

TEST_CASE("replica: events are applied one after the other; a full table is told of") {
  TestTable table(2);
  Replica replica(table.writer);
  replica.take({.removed = false, .entry = entry(1, "a", 1)}, kNow);
  replica.take({.removed = false, .entry = entry(1, "b", 2)}, kNow);
  CHECK(text(table, 1) == "b a");
  replica.take({.removed = true, .entry = {entry(1, "b", 3).key, "", 3}}, kNow);
  CHECK(text(table, 1) == "a");
  replica.take({.removed = false, .entry = entry(2, "a", 4)}, kNow);
  CHECK(replica.without_room() == 0);
  replica.take({.removed = false, .entry = entry(3, "a", 5)}, kNow);
  CHECK(replica.without_room() == 1);
  CHECK(text(table, 1) + text(table, 2) == "aa");
}

TEST_CASE("fleet allowance: a bucket of tokens that several servers share") {
  const forge::Allowance five{"peer/x", 5, std::chrono::hours(1)};
  Microseconds now = std::chrono::milliseconds(kNow);
  std::string state;
  for (int i = 0; i < 5; ++i) {
    const Bucket bucket(five, state, now);
    CHECK(bucket.wait() == Microseconds(0));
    state = bucket.after_one();
  }
  CHECK(Bucket(five, state, now).wait() == std::chrono::minutes(12));
  now += std::chrono::minutes(12);
  CHECK(Bucket(five, state, now).wait() == Microseconds(0));
  CHECK(Bucket(five, state, now - std::chrono::microseconds(1)).wait() == Microseconds(1));
  // Of a server whose clock is a year ahead, or of nobody.
  CHECK(Bucket(five, "9223372036854775807", now).wait() == std::chrono::minutes(12));
  CHECK(Bucket(five, "nonsense", now).wait() == Microseconds(0));
  CHECK(Bucket(five, "-5", now).wait() == Microseconds(0));
}
