// Bytes that are no table, or no longer one: refused, or harmless to those who read them.
#include <fmt/format.h>

#include <random>
#include <vector>

#include "core/shm/table_testing.h"

#include <catch2/catch.hpp>

using namespace swage;
using namespace swage::shm;
using namespace swage::shm::testing;

namespace {

constexpr std::int64_t kNow = 1'800'000'000'000;

struct Image {
  Image() : words(TableWriter::bytes_needed(kCapacity) / 8) {
    TableWriter::format(bytes(), kCapacity, {1, 2, 3});
    TableWriter writer(bytes());
    for (std::uint64_t i = 0; i < kCapacity; ++i) {
      REQUIRE(writer.put(key(std::to_string(i)), "value", kNow + 1000, kNow));
    }
  }
  MutableBytes bytes() { return {reinterpret_cast<std::uint8_t*>(words.data()), words.size() * 8}; }

  static constexpr std::uint64_t kCapacity = 20;
  std::vector<std::uint64_t> words;
};

// Reads whatever is in `memory` in all ways; the sanitizers watch.
std::uint64_t read_all(Bytes memory) {
  const Table table(memory);
  std::uint64_t found = 0;
  for (std::uint64_t i = 0; i < Image::kCapacity; ++i) {
    const std::string text = text_of(table, std::to_string(i), kNow);
    found += text == "value" ? 1 : 0;
  }
  static_cast<void>(table.count_live(kNow));
  return found;
}

std::string refusal(Bytes memory) {
  const Result<> checked = table::check_identity(memory);
  return checked ? "" : checked.error().text();
}

}  // namespace

TEST_CASE("table: a header in which any byte is another is refused, and harms no reader") {
  Image image;
  REQUIRE(refusal(image.bytes()).empty());
  REQUIRE(read_all(image.bytes()) == Image::kCapacity);
  for (std::size_t at = 0; at < sizeof(table::Identity); ++at) {
    for (const int change : {0x01, 0x80, 0xFF}) {
      INFO(at);
      image.bytes()[at] = static_cast<std::uint8_t>(image.bytes()[at] ^ change);
      CHECK_FALSE(refusal(image.bytes()).empty());
      static_cast<void>(read_all(image.bytes()));
      image.bytes()[at] = static_cast<std::uint8_t>(image.bytes()[at] ^ change);
    }
  }
  CHECK(refusal(image.bytes()).empty());
}

TEST_CASE("table: what is wrong is said") {
  Image image;
  CHECK(refusal(image.bytes().first(100)) == "100 bytes are too few for a table");
  CHECK(refusal(image.bytes().first(image.bytes().size() - 8)) ==
        fmt::format("{} bytes; they should be {}", image.bytes().size() - 8, image.bytes().size()));
  image.bytes()[8] = 2;
  CHECK(refusal(image.bytes()) == "layout version 2; this version of swage reads 1");
  image.bytes()[8] = 1;
  image.bytes()[40] ^= 1;
  CHECK(refusal(image.bytes()) == "the header is damaged");
  image.bytes()[0] = 'S';
  CHECK(refusal(image.bytes()) == "this is no table of swage");
}

TEST_CASE("table: cut off anywhere it is no table") {
  Image image;
  for (std::size_t size = 0; size < image.bytes().size(); size += size < 5000 ? 1 : 101) {
    CHECK_FALSE(Table(image.bytes().first(size)).exists());
    CHECK_FALSE(refusal(image.bytes().first(size)).empty());
  }
}

TEST_CASE("table: garbage behind the header harms neither readers nor those who restore it") {
  std::mt19937 random(1);
  for (int round = 0; round < 300; ++round) {
    Image image;
    const std::size_t changes = round < 100 ? 5 : round < 200 ? 500 : image.words.size();
    for (std::size_t i = 0; i < changes; ++i) {
      const std::size_t at = sizeof(table::Identity) / 8 + random() % (image.words.size() - 8);
      // Numbers that may be taken for those of records, too.
      image.words[at] = random() % 2 == 0 ? random() << 32 | random() : (image.words[at] & ~63ULL) | random() % 64;
    }
    static_cast<void>(read_all(image.bytes()));
    REQUIRE(refusal(image.bytes()).empty());
    static_cast<void>(TableWriter::restore(image.bytes()));
    CHECK(TableWriter::restore(image.bytes()) == 0);
    static_cast<void>(read_all(image.bytes()));
    TableWriter writer(image.bytes());
    for (int i = 0; i < 30; ++i) {
      const auto put = writer.put(key("new" + std::to_string(i)), "value", kNow + 1000, kNow + 500);
      if (put) CHECK(text_of(Table(image.bytes()), "new" + std::to_string(i), kNow + 500) == "value");
    }
  }
}

TEST_CASE("table: a table that was left whole is whole when it is restored, though its mutex is held by nobody alive") {
  Image image;
  auto& header = *reinterpret_cast<table::Header*>(image.bytes().data());
  std::memset(static_cast<void*>(&header.writers), 0xA5, sizeof header.writers);
  CHECK(TableWriter::restore(image.bytes()) == 0);
  CHECK(read_all(image.bytes()) == Image::kCapacity);
  TableWriter writer(image.bytes());
  CHECK(writer.put(key("one more"), "v", kNow + 1, kNow).error() == PutError::full);
  CHECK(writer.put(key("3"), "v", kNow + 1, kNow));
}
