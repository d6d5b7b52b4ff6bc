// The ring: what is written is read, what is overwritten is counted, and no memory that somebody else writes does harm.
#include "core/dnstap/ring.h"

#include <cstring>
#include <random>
#include <string>

#include <catch2/catch.hpp>  // last: its CHECK is the one that counts here

namespace swage::dnstap {
namespace {

constexpr std::size_t kAtATime = 64 << 10;

struct Memory {
  explicit Memory(std::size_t size = kLeastRing) : words(size / 8) {}
  [[nodiscard]] MutableBytes bytes() { return {reinterpret_cast<std::uint8_t*>(words.data()), words.size() * 8}; }
  std::vector<std::uint64_t> words;
};

Event event(std::string_view query, std::string_view response) {
  Event made;
  made.answered = !response.empty();
  made.is_tcp = true;
  made.received = 7;
  made.sent = 9;
  made.client = {*IpAddress::parse("2001:db8::7"), 4000, 0};
  made.server = {*IpAddress::parse("192.0.2.1"), 53, 0};
  made.zone = as_bytes(std::string_view("\0", 1));
  made.extra = as_bytes("more");
  made.query = as_bytes(query);
  made.response = as_bytes(response);
  return made;
}

// All that is there: the queries, each with its response behind '='.
std::string read_all(RingReader& reader, Bytes memory, std::uint64_t& lost) {
  std::string text;
  RingReader::Batch batch;
  do {
    reader.read(memory, kAtATime, batch);
    lost += batch.lost;
    for (const Event& each : batch.events) {
      text.append(as_text(each.query)).append("=").append(as_text(each.response)).append(" ");
    }
  } while (batch.more);
  return text;
}

TEST_CASE("ring: what is written is read, once") {
  Memory memory;
  RingReader reader;
  std::uint64_t lost = 0;
  CHECK(read_all(reader, memory.bytes(), lost).empty());
  RingWriter writer(memory.bytes(), 1);
  CHECK(read_all(reader, memory.bytes(), lost).empty());
  writer.write(event("a", "b"));
  writer.write(event("dropped", ""));
  RingReader::Batch batch;
  reader.read(memory.bytes(), kAtATime, batch);
  REQUIRE(batch.events.size() == 2);
  const Event& first = batch.events.front();
  CHECK(first.answered);
  CHECK((first.is_tcp && !first.is_update));
  CHECK(first.received == 7);
  CHECK(first.sent == 9);
  CHECK(first.client.to_string() == "[2001:db8::7]:4000");
  CHECK(first.server.to_string() == "192.0.2.1:53");
  CHECK(first.zone.size() == 1);
  CHECK(as_text(first.extra) == "more");
  CHECK(as_text(first.query) == "a");
  CHECK(as_text(first.response) == "b");
  CHECK_FALSE(batch.events.back().answered);
  writer.write(event("c", "d"));
  CHECK(read_all(reader, memory.bytes(), lost) == "c=d ");
  CHECK(lost == 0);
}

TEST_CASE("ring: over its end, and messages of any size") {
  Memory memory;
  RingReader reader;
  RingWriter writer(memory.bytes(), 1);
  const std::string large(65'535, 'x');
  std::uint64_t lost = 0;
  for (std::size_t i = 0; i < 400; ++i) {
    const std::string size(i * 7919 % 65'536, 'y');
    writer.write(event(size, large));
    writer.write(event("q", "r"));
    CHECK(read_all(reader, memory.bytes(), lost) == size + "=" + large + " q=r ");
  }
  CHECK(lost == 0);
}

TEST_CASE("ring: what was not read in time is lost, and counted; the last half is not") {
  Memory memory;
  RingReader reader;
  RingWriter writer(memory.bytes(), 1);
  std::uint64_t lost = 0;
  writer.write(event("first", "r"));
  CHECK(read_all(reader, memory.bytes(), lost) == "first=r ");
  const std::string text(1000, 'z');
  constexpr std::size_t kMany = 20'000;
  for (std::size_t i = 0; i < kMany; ++i) writer.write(event(text, "r"));
  const std::size_t got = read_all(reader, memory.bytes(), lost).size() / (text.size() + 3);
  CHECK(lost + got == kMany);
  CHECK(got > kLeastRing / 4 / text.size());
  CHECK(lost > kMany / 2);
}

TEST_CASE("ring: another writer begins anew") {
  Memory memory, other;
  RingReader reader;
  std::uint64_t lost = 0;
  {
    RingWriter writer(memory.bytes(), 1);
    for (int i = 0; i < 10; ++i) writer.write(event("old", "r"));
    CHECK(read_all(reader, memory.bytes(), lost).size() == 60);
  }
  RingWriter writer(other.bytes(), 2);
  writer.write(event("new", "r"));
  CHECK(read_all(reader, other.bytes(), lost) == "new=r ");
  CHECK(read_all(reader, {}, lost).empty());
  CHECK(lost == 0);
}

TEST_CASE("ring: garbage does no harm, and reading it has an end") {
  std::mt19937 random(1);
  Memory memory;
  for (int round = 0; round < 60; ++round) {
    RingReader reader;
    RingReader::Batch batch;
    std::memset(memory.bytes().data(), 0, memory.bytes().size());
    RingWriter writer(memory.bytes(), 1);
    for (int i = 0; i < 3000; ++i) writer.write(event("query", "response"));
    reader.read(memory.bytes(), kAtATime, batch);
    // The top and the first records, bit by bit; or all of the top.
    for (int i = 0; i < 40; ++i) memory.words[random() % 4000] ^= std::uint64_t{1} << random() % 64;
    if (round % 2 == 0) {
      for (int i = 0; i < 3; ++i)
        memory.words[static_cast<std::size_t>(i)] = (std::uint64_t{random()} << 32) | random();
    }
    if (round % 5 == 0) std::memset(memory.bytes().data(), round, memory.bytes().size());
    int turns = 0;
    do {
      reader.read(memory.bytes(), kAtATime, batch);
      std::size_t size = 0;
      for (const Event& each : batch.events) size += each.zone.size() + each.extra.size() + each.query.size();
      CHECK(size <= std::size_t{1} << 19);
    } while (batch.more && ++turns < 1000);
    CHECK(turns < 1000);
  }
}

}  // namespace
}  // namespace swage::dnstap
