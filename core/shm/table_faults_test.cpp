// A table whose readers and writers are many, in processes and in threads, and whose writers die.
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include <charconv>
#include <chrono>
#include <functional>
#include <map>
#include <thread>
#include <vector>

#include "core/shm/table_testing.h"

#include <catch2/catch.hpp>

using namespace swage;
using namespace swage::shm;
using namespace swage::shm::testing;

namespace {

using namespace std::chrono_literals;
using Clock = std::chrono::steady_clock;
const Clock::time_point start = Clock::now();

constexpr std::int64_t kNow = 1'800'000'000'000;
constexpr std::int64_t kLater = kNow + 1'000'000;

int steps_to_live = -1;
void die_at_step() {
  if (steps_to_live-- == 0) kill(getpid(), SIGKILL);
}

// Runs `work` in a process of its own, which dies at its step `number`. False where it came to its end before.
bool dies_at_step(int number, const std::function<void()>& work) {
  const pid_t child = fork();
  if (child == 0) {
    steps_to_live = number;
    work();
    _exit(0);
  }
  int status = 0;
  REQUIRE(waitpid(child, &status, 0) == child);
  return WIFSIGNALED(status);
}

// --- many at once: the value of round 17 of key 5 is "5:17:" and then the digit that both make, again and again.

constexpr unsigned kKeys = 16;
constexpr unsigned kWriters = 2;

std::string value_of(unsigned key_number, std::uint64_t round) {
  std::string text = fmt::format("{}:{}:", key_number, round);
  text.resize(43, static_cast<char>('a' + (key_number * 31 + round) % 26));
  return text;
}

std::string name_of(unsigned number) { return fmt::format("peer {} of the test with a long name", number); }

// The round of the newest value; 0 where there is none.
std::uint64_t newest_round(const Table& table, unsigned number) {
  TableValues values;
  if (table.find(key(name_of(number)), kNow, values) != Table::Found::yes) return 0;
  const std::string_view text = values.text(0);
  std::uint64_t round = 0;
  const std::size_t colon = text.find(':');
  std::from_chars(text.data() + colon + 1, text.data() + text.size(), round);
  return round;
}

void write_first_rounds(TableWriter& writer) {
  for (unsigned i = 0; i < kKeys; ++i) REQUIRE(writer.put(key(name_of(i)), value_of(i, 1), kLater, kNow));
}

// Each key has one writer, whose rounds follow each other, also where it died and another goes on. Half the puts are
// of new keys that live for a millisecond, so that records change their owners all the time.
void write_for_ever(MutableBytes memory, unsigned index, const std::function<bool()>& stop) {
  TableWriter writer(memory);
  const Table table(memory);
  for (std::uint64_t i = 0; !stop(); ++i) {
    const std::int64_t now = kNow + std::chrono::floor<std::chrono::milliseconds>(Clock::now() - start).count();
    const unsigned number = static_cast<unsigned>(i % (kKeys / kWriters)) * kWriters + index;
    if (!writer.put(key(name_of(number)), value_of(number, newest_round(table, number) + 1), kLater, now)) _exit(3);
    const auto passing = writer.put(key(fmt::format("passing {} {}", index, i)), "passing", now + 1, now);
    if (!passing && passing.error() != PutError::full) _exit(4);
  }
}

struct Readings {
  std::uint64_t found = 0, unsettled = 0, wrong = 0;
};

// Every list of values must be rounds n, n - 1, … of the right key; and no list may be older than the one before.
Readings read_for_ever(Bytes memory, const std::function<bool()>& stop) {
  Readings readings;
  std::array<std::uint64_t, kKeys> seen{};
  for (unsigned number = 0; !stop(); number = (number + 1) % kKeys) {
    TableValues values;
    const Table::Found found = Table(memory).find(key(name_of(number)), kNow, values);
    if (found == Table::Found::unsettled) ++readings.unsettled;
    if (found == Table::Found::no && seen[number] != 0) ++readings.wrong;
    if (found != Table::Found::yes) continue;
    ++readings.found;
    std::uint64_t round = 0;
    const std::string_view newest = values.text(0);
    std::from_chars(newest.data() + newest.find(':') + 1, newest.data() + newest.size(), round);
    bool right = round >= seen[number] && values.count == std::min<std::uint64_t>(round, table::kMaxValues);
    for (std::size_t i = 0; i < values.count; ++i) right = right && values.text(i) == value_of(number, round - i);
    if (!right) ++readings.wrong;
    seen[number] = round;
  }
  return readings;
}

}  // namespace

TEST_CASE("table: a writer that dies at any step leaves the old version in force, and the next goes on") {
  struct Case {
    const char* what;
    std::uint64_t capacity;
    std::function<void(TableWriter&)> before, work;
    std::string_view who;
    std::string old, made;
  };
  const auto put = [](TableWriter& writer, std::string_view who, std::string_view value, std::int64_t expires = kLater,
                      std::int64_t now = kNow) { static_cast<void>(writer.put(key(who), value, expires, now)); };
  const std::vector<Case> cases = {
      {"a new key", 8, [&](TableWriter& writer) { put(writer, "other", "x"); },
       [&](TableWriter& writer) { put(writer, "a", "one"); }, "a", "none", "one"},
      {"a new value", 8,
       [&](TableWriter& writer) {
         put(writer, "other", "x");
         put(writer, "a", "one");
       },
       [&](TableWriter& writer) { put(writer, "a", "two"); }, "a", "one", "two one"},
      {"a new value where all is full", 2,
       [&](TableWriter& writer) {
         put(writer, "other", "x");
         put(writer, "a", "one");
       },
       [&](TableWriter& writer) { put(writer, "a", "two"); }, "a", "one", "two one"},
      {"a new key instead of an expired one", 2,
       [&](TableWriter& writer) {
         put(writer, "expired", "y", kNow, kNow - 1);
         put(writer, "other", "x");
       },
       [&](TableWriter& writer) { put(writer, "a", "one"); }, "a", "none", "one"},
  };
  for (const Case& each : cases) {
    INFO(each.what);
    int step = 0, old_in_force = 0, new_in_force = 0;
    for (bool died = true; died; ++step) {
      INFO("step " << step);
      TestTable table(each.capacity);
      each.before(table.writer);
      died = dies_at_step(step, [&] {
        TableWriter mortal(table.memory.writable_bytes(), &die_at_step);
        each.work(mortal);
      });
      const std::string left = table.text(each.who);
      if (left == each.old) {
        CHECK(new_in_force == 0);  // one store makes the difference
        ++old_in_force;
      } else {
        CHECK(left == each.made);
        ++new_in_force;
      }
      CHECK(table.text("other") == "x");

      each.work(table.writer);  // the next one does it all the same
      CHECK(table.text(each.who) == each.made);
      CHECK(table.text("other") == "x");
      REQUIRE(table.writer.put(key("other"), "z", kLater, kNow));
      REQUIRE(table.writer.put(key(each.who), "last", kLater, kNow));
      CHECK(table.text("other") == "z x");
      CHECK(table.text(each.who) == "last " + each.made);
      CHECK(table.reader().count_live(kNow) == 2);
      for (std::uint64_t i = 2; i < each.capacity; ++i) {  // and no room was lost
        CHECK(table.writer.put(key(std::to_string(i)), "v", kLater, kNow));
      }
      CHECK(table.writer.put(key("one more"), "v", kLater, kNow).error() == PutError::full);
    }
    CHECK(step > 65);  // every word of the record, at least
    CHECK(old_in_force > 60);
    CHECK(new_in_force > 0);
  }
}

TEST_CASE("table: readers and writers in several processes, writers being killed") {
  TestTable table(kKeys + 8);
  write_first_rounds(table.writer);
  const auto deadline = Clock::now() + 4s;
  const auto stop = [deadline] { return Clock::now() > deadline; };
  const auto start_writer = [&](unsigned index) {
    const pid_t child = fork();
    if (child != 0) return child;
    write_for_ever(table.memory.writable_bytes(), index, stop);
    _exit(0);
  };
  std::vector<pid_t> readers, writers;
  for (int i = 0; i < 3; ++i) {
    readers.push_back(fork());
    if (readers.back() != 0) continue;
    const Readings readings = read_for_ever(table.memory.bytes(), stop);
    _exit(readings.wrong != 0 ? 1 : readings.unsettled != 0 ? 2 : readings.found < 1000 ? 3 : 0);
  }
  for (unsigned i = 0; i < kWriters; ++i) writers.push_back(start_writer(i));
  int killed = 0, status = 0;
  while (!stop()) {
    std::this_thread::sleep_for(std::chrono::microseconds(3000 + killed * 7 % 1000));
    const unsigned index = static_cast<unsigned>(killed++) % kWriters;
    kill(writers[index], SIGKILL);
    REQUIRE(waitpid(writers[index], &status, 0) == writers[index]);
    CHECK((WIFSIGNALED(status) || status == 0));
    writers[index] = start_writer(index);
  }
  for (const pid_t pid : writers) {
    REQUIRE(waitpid(pid, &status, 0) == pid);
    CHECK(status == 0);
  }
  for (const pid_t pid : readers) {
    REQUIRE(waitpid(pid, &status, 0) == pid);
    CHECK(WEXITSTATUS(status) == 0);
    CHECK(WIFEXITED(status));
  }
  std::uint64_t rounds = 0;
  for (unsigned i = 0; i < kKeys; ++i) rounds += newest_round(table.reader(), i);
  WARN(rounds << " puts while " << killed << " writers were killed");
  CHECK(killed > 10);
  const std::int64_t later = kNow + 900'000;
  for (unsigned i = 0; i < 8; ++i) CHECK(table.writer.put(key(fmt::format("last {}", i)), "v", kLater, later));
  CHECK(table.writer.put(key("one more"), "v", kLater, later).error() == PutError::full);
}

TEST_CASE("table: readers and writers in threads") {
  TestTable table(kKeys + 8);
  write_first_rounds(table.writer);
  const auto deadline = Clock::now() + 2s;
  const auto stop = [deadline] { return Clock::now() > deadline; };
  std::vector<std::thread> threads;
  std::array<Readings, 2> readings;
  for (unsigned i = 0; i < kWriters; ++i) {
    threads.emplace_back([&, i] { write_for_ever(table.memory.writable_bytes(), i, stop); });
  }
  for (Readings& each : readings) {
    threads.emplace_back([&] { each = read_for_ever(table.memory.bytes(), stop); });
  }
  for (std::thread& thread : threads) thread.join();
  for (const Readings& each : readings) {
    CHECK(each.wrong == 0);
    CHECK(each.unsettled == 0);
    CHECK(each.found > 100);
  }
}

namespace {

// "3:17": the 17th value of writer 3.
struct Written {
  unsigned writer = 0;
  std::uint64_t number = 0;
};

Written parse_written(std::string_view text) {
  Written written;
  const std::size_t colon = text.find(':');
  std::from_chars(text.data(), text.data() + colon, written.writer);
  std::from_chars(text.data() + colon + 1, text.data() + text.size(), written.number);
  return written;
}

// What is wrong with the values of a key right after writer `me` has put its value `number`; empty: nothing.
std::string fault_of(const TableValues& values, unsigned me, std::uint64_t number) {
  std::map<unsigned, std::uint64_t> last;  // seen of each writer
  std::size_t others = 0;
  bool there = false;
  for (std::size_t i = 0; i < values.count; ++i) {
    const Written each = parse_written(values.text(i));
    if (last.contains(each.writer) && last[each.writer] <= each.number) return "not newest first";
    last[each.writer] = each.number;
    there |= each.writer == me && each.number == number;
    if (!there) ++others;
  }
  // It may have been pushed out, by as many as there is room for.
  return there || others == table::kMaxValues ? "" : fmt::format("{}:{} is lost", me, number);
}

}  // namespace

TEST_CASE("table: two processes that write the same keys lose nothing of each other's") {
  TestTable table(64);
  constexpr std::uint64_t kRounds = 30'000;
  constexpr unsigned kShared = 3;  // keys
  std::vector<pid_t> writers;
  for (unsigned me = 1; me <= 2; ++me) {
    writers.push_back(fork());
    if (writers.back() != 0) continue;
    TableWriter writer(table.memory.writable_bytes());
    const Table reader = table.reader();
    for (std::uint64_t number = 1; number <= kRounds; ++number) {
      const std::string who = name_of(static_cast<unsigned>(number % kShared));
      if (!writer.put(key(who), fmt::format("{}:{}", me, number), kLater, kNow)) _exit(2);
      TableValues values;
      if (reader.find(key(who), kNow, values) != Table::Found::yes) _exit(3);
      if (!fault_of(values, me, number).empty()) _exit(4);
    }
    _exit(0);
  }
  for (const pid_t writer : writers) {
    int status = -1;
    REQUIRE(waitpid(writer, &status, 0) == writer);
    CHECK(status == 0);
  }
}
