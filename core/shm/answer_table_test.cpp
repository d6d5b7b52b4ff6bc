// A table of answers: what is found, what gives way, a writer that is killed at any store, readers beside a writer, and
// memory that says anything.
#include "core/shm/answer_table.h"

#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <map>
#include <random>
#include <set>
#include <thread>

#include "core/shm/segment.h"

#include <catch2/catch.hpp>  // last: its CHECK is the one that counts here

using namespace swage;
using namespace swage::shm;

namespace {

using Room = AnswerTableWriter::Room;
constexpr Room kSmall{answers::kMinRing, answers::kMinRing};
constexpr AnswerTableWriter::Seed kSeed = {1, 2, 3};

Segment memory_for(Room room) { return *Segment::create("test", AnswerTableWriter::bytes_needed(room)); }

struct TestTable {
  explicit TestTable(Room room = kSmall)
      : memory(memory_for(room)), writer(memory.writable_bytes(), room, kSeed), table(memory.bytes()) {}

  bool put(std::string_view key, std::string_view text, AnswerKind kind = AnswerKind::success) {
    return writer.put(as_bytes(key), {.stored = 7, .ttl = 60, .kind = kind}, as_bytes(text));
  }

  Segment memory;
  AnswerTableWriter writer;
  AnswerTable table;
};

// "TEXT", or "none".
std::string find(const AnswerTable& table, std::string_view key) {
  std::string text;
  const auto facts = table.find(as_bytes(key), [&](std::size_t size) {
    text.resize(size);
    return MutableBytes(reinterpret_cast<std::uint8_t*>(text.data()), size);
  });
  return facts ? text : "none";
}

std::string text_for(std::string_view key, std::size_t size) {
  std::string text;
  while (text.size() < size) text += key;
  text.resize(size);
  return text;
}

int steps_to_live = -1;
void die_at_step() {
  if (steps_to_live-- == 0) kill(getpid(), SIGKILL);
}

}  // namespace

TEST_CASE("answer table: what is stored is found, of any size") {
  TestTable test({1 << 22, 1 << 22});
  CHECK(find(test.table, "a") == "none");
  for (const std::size_t size : {0, 1, 7, 8, 9, 300, 65'535}) {
    const std::string key = "key of " + std::to_string(size);
    CHECK(test.put(key, text_for(key, size)));
    CHECK(find(test.table, key) == text_for(key, size));
  }
  CHECK(find(test.table, "key of 300") == text_for("key of 300", 300));
  CHECK(find(test.table, "key of 30") == "none");

  CHECK(test.put("key of 1", "another"));
  CHECK(find(test.table, "key of 1") == "another");
  CHECK(test.put("key of 1", "denied", AnswerKind::denial));
  CHECK(find(test.table, "key of 1") == "denied");
  const auto facts = test.table.find(as_bytes("key of 1"), [](std::size_t) { return MutableBytes(); });
  REQUIRE(facts);
  CHECK(facts->kind == AnswerKind::denial);
  CHECK(facts->stored == 7);
  CHECK(facts->ttl == 60);
}

TEST_CASE("answer table: what has no place is refused") {
  TestTable test;
  CHECK_FALSE(test.put("", "x"));
  CHECK_FALSE(test.put(std::string(answers::kMaxKey + 1, 'k'), "x"));
  CHECK(test.put(std::string(answers::kMaxKey, 'k'), "x"));
  CHECK_FALSE(test.put("a", std::string(answers::kMaxBytes + 1, 'x')));
  CHECK_FALSE(AnswerTableWriter().put(as_bytes("a"), {}, as_bytes("x")));
  CHECK(find(AnswerTable(), "a") == "none");
  CHECK_FALSE(AnswerTable(test.memory.bytes().first(4096)).exists());
  CHECK_FALSE(AnswerTable(Bytes()).exists());
  CHECK_FALSE(AnswerTableWriter(test.memory.writable_bytes(), {1 << 20, 1 << 20}, kSeed).exists());
}

TEST_CASE("answer table: the oldest give way, and denials take nobody's place") {
  TestTable test;
  CHECK(test.put("kept", "text of kept"));
  std::size_t found = 0;
  constexpr int kMany = 20'000;
  for (int i = 0; i < kMany; ++i) {
    const std::string key = "no such name " + std::to_string(i);
    REQUIRE(test.put(key, text_for(key, 40), AnswerKind::denial));
    REQUIRE(find(test.table, key) == text_for(key, 40));
  }
  for (int i = 0; i < kMany; ++i) {
    const std::string key = "no such name " + std::to_string(i);
    const std::string text = find(test.table, key);
    CHECK((text == "none" || text == text_for(key, 40)));
    if (text != "none") ++found;
  }
  CHECK(found > 1000);
  CHECK(found < answers::kMinRing / 80);
  CHECK(find(test.table, "kept") == "text of kept");
  CHECK(find(test.table, "no such name 0") == "none");
}

TEST_CASE("answer table: what there is, and what had to give way, is counted to the entry") {
  TestTable test;
  std::mt19937 random(7);
  std::set<std::string> keys;
  std::uint64_t replaced = 0;
  for (int i = 0; i < 20'000; ++i) {
    const std::string key = "key " + std::to_string(random() % 3000);
    const AnswerKind kind = random() % 3 == 0 ? AnswerKind::denial : AnswerKind::success;
    if (find(test.table, key) != "none") ++replaced;
    REQUIRE(test.put(key, text_for(key, random() % 400), kind));
    keys.insert(key);
    if (i % 1000 != 0) continue;
    std::array<std::uint64_t, 2> found{};
    test.table.for_each(
        [&](Bytes, const AnswerFacts& facts, Bytes) { ++found[facts.kind == AnswerKind::success ? 0 : 1]; });
    CHECK(test.writer.counts()[0].entries == found[0]);
    CHECK(test.writer.counts()[1].entries == found[1]);
    const std::uint64_t evictions = test.writer.counts()[0].evictions + test.writer.counts()[1].evictions;
    // An entry gives way to another one, is replaced by its successor, or is there. One whose place its own successor
    // takes counts as either.
    const std::uint64_t gone = static_cast<std::uint64_t>(i) + 1 - found[0] - found[1];
    CHECK(evictions + replaced >= gone);
    CHECK(evictions <= gone);
  }
  CHECK(test.writer.counts()[0].evictions > 100);
  CHECK(test.writer.counts()[1].evictions > 100);
}

TEST_CASE("answer table: another process takes over what is there") {
  TestTable test;
  for (int i = 0; i < 500; ++i) CHECK(test.put("key " + std::to_string(i), "old text"));
  CHECK(test.put("key 7", "new text"));
  for (const Room room : {kSmall, Room{1 << 20, 1 << 20}}) {
    TestTable next(room);
    const std::size_t count = next.writer.take_over(test.table);
    CHECK(count > 450);  // where nine are in one line of the index, one gives way
    CHECK(count <= 500);
    CHECK(find(next.table, "key 7") == "new text");
    CHECK(find(next.table, "key 499") == "old text");
  }
}

TEST_CASE("answer table: wherever the writer is killed, each entry is the old one or the new one") {
  for (int step = 0;; ++step) {
    Segment memory = memory_for(kSmall);
    const pid_t child = fork();
    if (child == 0) {
      AnswerTableWriter writer(memory.writable_bytes(), kSmall, kSeed, &die_at_step);
      writer.put(as_bytes("a"), {}, as_bytes("old text of a"));
      writer.put(as_bytes("b"), {}, as_bytes("text of b"));
      steps_to_live = step;
      for (int i = 0; i < 2; ++i) writer.put(as_bytes("a"), {}, as_bytes("new text of a"));
      _exit(0);
    }
    int status = 0;
    REQUIRE(waitpid(child, &status, 0) == child);
    const AnswerTable table(memory.bytes());
    const std::string text = find(table, "a");
    CHECK((text == "old text of a" || text == "new text of a"));
    CHECK(find(table, "b") == "text of b");
    TestTable next;
    CHECK(next.writer.take_over(table) == 2);
    if (!WIFSIGNALED(status)) break;
    REQUIRE(step < 1000);
  }
}

TEST_CASE("answer table: readers beside a writer see whole entries alone") {
  TestTable test;
  std::atomic<bool> stop = false;
  std::atomic<std::uint64_t> seen = 0;
  std::atomic<bool> wrong = false;
  const auto key_of = [](std::uint64_t i) { return "key " + std::to_string(i % 50); };
  std::vector<std::thread> readers;
  for (unsigned each = 0; each < 3; ++each) {
    readers.emplace_back([&, each] {
      std::mt19937 random(each);
      while (!stop) {
        const std::string key = key_of(random());
        const std::string text = find(test.table, key);
        if (text == "none") continue;
        if (text != text_for(key, text.size()) || text.empty()) wrong = true;
        ++seen;
      }
    });
  }
  std::mt19937 random(7);
  for (int i = 0; i < 30'000 || seen < 10'000; ++i) {
    const std::string key = key_of(random());
    REQUIRE(test.put(key, text_for(key, 1 + random() % 9000),
                     random() % 2 == 0 ? AnswerKind::success : AnswerKind::denial));
  }
  stop = true;
  for (std::thread& reader : readers) reader.join();
  CHECK_FALSE(wrong);
}

TEST_CASE("answer table: memory that says anything is read without harm") {
  std::mt19937_64 random(1);
  std::size_t found = 0;
  for (int round = 0; round < 40; ++round) {
    TestTable test;
    for (int i = 0; i < 200; ++i) {
      const std::string key = "key " + std::to_string(i);
      REQUIRE(test.put(key, text_for(key, random() % 900)));
    }
    const MutableBytes bytes = test.memory.writable_bytes();
    const auto damage = [&](std::size_t from, std::size_t to, int words) {
      for (; words > 0; --words) {
        const std::size_t at = from + random() % ((to - from) / 8) * 8;
        const std::uint64_t value = random() >> random() % 64;
        std::memcpy(&bytes[at], &value, sizeof value);
      }
    };
    const std::size_t index_end = AnswerTableWriter::bytes_needed(kSmall) - 2 * answers::kMinRing;
    damage(answers::kHeaderSize, index_end, round % 2 == 0 ? 3000 : 0);
    damage(index_end, index_end + 120'000, round % 4 < 2 ? 10'000 : 100);
    if (round % 3 == 0) damage(0, sizeof(answers::Header), 2);
    const AnswerTable table(test.memory.bytes());
    for (int i = 0; i < 200; ++i) found += find(table, "key " + std::to_string(i)) != "none" ? 1 : 0;
    TestTable next;
    CHECK(next.writer.take_over(table) <= bytes.size() / 8);
    CHECK(next.put("a", "text"));
    CHECK(find(next.table, "a") == "text");
  }
  CHECK(found > 0);
}
