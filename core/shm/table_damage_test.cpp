// Bytes that are no table, or no longer one: refused, or harmless to those who read them.
#include <fmt/format.h>
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include <chrono>
#include <random>
#include <vector>

#include "core/shm/table_testing.h"

#include <catch2/catch.hpp>

using namespace swage;
using namespace swage::shm;
using namespace swage::shm::testing;

namespace {

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
  CHECK(refusal(image.bytes()) == "it was not written by swage");
}

TEST_CASE("table: cut off anywhere it is no table") {
  Image image;
  for (std::size_t size = 0; size < image.bytes().size(); size += size < 5000 ? 1 : 101) {
    CHECK_FALSE(Table(image.bytes().first(size)).exists());
    CHECK_FALSE(refusal(image.bytes().first(size)).empty());
  }
}

TEST_CASE("table: garbage after the header harms neither readers nor a writer") {
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
    static_cast<void>(TableWriter(image.bytes()));
    TableWriter writer(image.bytes());
    CHECK(writer.removed() == 0);  // the first one has put it right
    static_cast<void>(read_all(image.bytes()));
    for (int i = 0; i < 30; ++i) {
      const auto put = writer.put(key("new" + std::to_string(i)), "value", kNow + 1000, kNow + 500);
      if (put) CHECK(text_of(Table(image.bytes()), "new" + std::to_string(i), kNow + 500) == "value");
    }
  }
}

TEST_CASE("table: a table that was left whole is whole for the next writer, whatever stands where there was a mutex") {
  Image image;
  auto& header = *reinterpret_cast<table::Header*>(image.bytes().data());
  header.unused.fill(0xA5A5'A5A5'A5A5'A5A5);
  TableWriter writer(image.bytes());
  CHECK(writer.removed() == 0);
  CHECK(read_all(image.bytes()) == Image::kCapacity);
  CHECK(writer.put(key("one more"), "v", kNow + 1, kNow).error() == PutError::full);
  CHECK(writer.put(key("3"), "v", kNow + 1, kNow));
}

TEST_CASE("table: a table taken over from memory that says anything gives sound entries, or none") {
  std::mt19937 random(3);
  for (int round = 0; round < 300; ++round) {
    Image image;
    for (int i = 0; i < 400; ++i) {
      const std::size_t at = sizeof(table::Identity) / 8 + random() % (image.words.size() - 8);
      image.words[at] = random() % 2 == 0 ? random() << 32 | random() : (image.words[at] & ~255ULL) | random() % 256;
    }
    TestTable to(40);
    static_cast<void>(to.writer.take_over(Table(image.bytes()), {.wall = kNow, .boot = kNow}, TableWriter::Room::free));
    to.reader().for_each([](const table::Version& version) {
      CHECK((version.key_size > 0 && version.key_size <= table::kMaxKey));
      CHECK((version.count > 0 && version.count <= table::kMaxValues));
      for (std::size_t i = 0; i < version.count; ++i) {
        const table::Value& value = version.values[i];
        CHECK((value.size > 0 && value.size <= table::kMaxValue && value.expires > kNow));
        CHECK(value.expires - kNow <= std::int64_t{366} * 86'400'000);
      }
    });
    CHECK(to.reader().count_live(kNow) <= Image::kCapacity);
    for (int i = 0; i < 40; ++i) {
      const auto put = to.writer.put(key(std::to_string(i)), "new", kNow + 5, kNow);
      if (put) CHECK(text_of(to.reader(), std::to_string(i), kNow).starts_with("new"));
    }
  }
}

// Nothing but a test can do this to a writer: the memory is writable in its own process alone.
TEST_CASE("table: a process that writes anything anywhere while a writer works does the writer no harm") {
  constexpr std::uint64_t kCapacity = 12;
  TestTable table(kCapacity);
  const MutableBytes all = table.memory.writable_bytes();
  const pid_t hostile = fork();
  if (hostile == 0) {
    std::mt19937_64 random(7);
    auto* const words = reinterpret_cast<table::Word*>(all.data());
    while (true) {
      const std::uint64_t value = random();
      const std::size_t at =
          random() % 4 == 0 ? random() % (all.size() / 8) : table::kHeaderSize / 8 + random() % (all.size() / 8 - 512);
      // Small numbers too, that may be taken for those of records, counts and sizes; and bits of what is there.
      words[at].store(value % 3 == 0   ? value
                      : value % 3 == 1 ? (words[at].load() & ~0xFFFF'FFFFULL) | (value >> 40 & 31)
                                       : words[at].load() ^ (1ULL << (value >> 40 & 63)));
    }
  }
  std::mt19937 random(5);
  std::uint64_t accepted = 0, refused = 0;
  std::int64_t now = kNow;
  const auto until = std::chrono::steady_clock::now() + std::chrono::seconds(3);
  while (std::chrono::steady_clock::now() < until) {
    const std::string who = std::to_string(random() % 20);
    now += 3;
    const auto put = table.writer.put(key(who), "value", now + 1 + static_cast<std::int64_t>(random() % 100), now,
                                      NetworkId{random() % 4});
    ++(put ? accepted : refused);
    if (random() % 64 == 0) {  // and its successor
      TestTable next(kCapacity);
      static_cast<void>(next.writer.take_over(table.reader(), {.wall = now}, TableWriter::Room::share));
    }
  }
  kill(hostile, SIGKILL);
  int status = 0;
  REQUIRE(waitpid(hostile, &status, 0) == hostile);
  CHECK(WIFSIGNALED(status));
  CHECK(accepted > 1000);
  WARN(accepted << " puts accepted, " << refused << " refused");
}
