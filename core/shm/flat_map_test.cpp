#include "core/shm/flat_map.h"

#include <map>
#include <vector>

#include <catch2/catch.hpp>  // last: its CHECK is the one that counts here

using namespace swage;
using shm::FlatMap;

namespace {

class Block {
 public:
  explicit Block(const std::map<std::string, std::string>& values) {
    std::vector<FlatMap::Entry> entries;
    for (const auto& [key, value] : values) entries.push_back({key, as_bytes(value)});
    words_.resize((FlatMap::size_of(entries) + 7) / 8);
    size_ = FlatMap::size_of(entries);
    FlatMap::write(entries, {reinterpret_cast<std::uint8_t*>(words_.data()), size_});
  }
  [[nodiscard]] FlatMap map() const { return FlatMap({reinterpret_cast<const std::uint8_t*>(words_.data()), size_}); }

 private:
  std::vector<std::uint64_t> words_;
  std::size_t size_ = 0;
};

}  // namespace

TEST_CASE("flat map: finds what was written, and nothing else") {
  std::map<std::string, std::string> values = {{"", "nothing"}, {"key", ""}, {std::string(60'000, 'k'), "long"}};
  for (int i = 0; i < 5000; ++i) values.emplace("key " + std::to_string(i), std::string(std::size_t(i % 200), 'v'));
  const Block block(values);
  CHECK(block.map().count() == values.size());
  for (const auto& [key, value] : values) CHECK(as_text(block.map().find(key)) == value);
  for (const char* const key : {"k", "key ", "key 5000", "Key 1"}) CHECK(block.map().find(key).empty());
  auto expected = values.begin();
  block.map().for_each([&](const FlatMap::Entry& entry) {
    CHECK(entry.key == expected->first);
    CHECK(as_text(entry.value) == expected->second);
    ++expected;
  });
  CHECK(expected == values.end());
}

TEST_CASE("flat map: without entries, and no block at all") {
  const Block block({});
  CHECK(block.map().count() == 0);
  CHECK(block.map().find("").empty());
  CHECK(FlatMap({}).count() == 0);
  CHECK(FlatMap({}).find("a").empty());
  FlatMap({}).for_each([](const FlatMap::Entry&) { FAIL(); });
}

TEST_CASE("flat map: in shared memory, values of a cache line or more begin on one") {
  const std::string large(64, 'l');
  const std::vector<FlatMap::Entry> entries = {{"a", as_bytes(large)}, {"bcd", as_bytes(large)}};
  const auto segment = FlatMap::to_segment("swage test", entries);
  REQUIRE(segment);
  for (const FlatMap::Entry& each : entries) {
    const Bytes found = FlatMap(segment->bytes()).find(each.key);
    CHECK(as_text(found) == large);
    CHECK(reinterpret_cast<std::uintptr_t>(found.data()) % 64 == 0);
  }
}
