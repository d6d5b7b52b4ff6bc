// A table whose readers are many, in processes and in threads, and whose writer dies, and is followed by another.
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include <charconv>
#include <chrono>
#include <functional>
#include <optional>
#include <thread>
#include <vector>

#include <fmt/format.h>

#include "core/shm/table_testing.h"

#include <catch2/catch.hpp>

using namespace swage;
using namespace swage::shm;
using namespace swage::shm::testing;

namespace {

using namespace std::chrono_literals;
using Steady = std::chrono::steady_clock;
const Steady::time_point start = Steady::now();

constexpr std::int64_t kLater = kNow + 1'000'000;

int steps_to_live = -1;
void die_at_step() {
  if (steps_to_live-- == 0) kill(getpid(), SIGKILL);
}

// Runs `work` in a process of its own, which dies at the step `number` of it. False where it came to its end before.
bool dies_at_step(int number, const std::function<void()>& before, const std::function<void()>& work) {
  const pid_t child = fork();
  if (child == 0) {
    before();
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
constexpr unsigned kWriters = 1;

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
    const std::int64_t now = kNow + std::chrono::floor<std::chrono::milliseconds>(Steady::now() - start).count();
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
      Segment mirror = *Segment::create("mirror", table.memory.bytes().size());
      std::optional<TableWriter> mortal;
      died = dies_at_step(
          step,
          [&] {
            mortal.emplace(table.memory.writable_bytes(), &die_at_step);
            mortal->mirror_to([&](std::uint64_t offset, Bytes bytes) {
              std::ranges::copy(bytes, mirror.writable_bytes().begin() + static_cast<std::ptrdiff_t>(offset));
            });
          },
          [&] { each.work(*mortal); });
      const std::string left = table.text(each.who);
      if (left == each.old) {
        CHECK(new_in_force == 0);  // one store makes the difference
        ++old_in_force;
      } else {
        CHECK(left == each.made);
        ++new_in_force;
      }
      CHECK(table.text("other") == "x");
      static_cast<void>(TableWriter(mirror.writable_bytes()));  // puts right what a file may be left with
      const std::string mirrored = text_of(Table(mirror.bytes()), each.who, kNow);
      CHECK((mirrored == each.old || (mirrored == each.made && left == each.made)));
      CHECK(text_of(Table(mirror.bytes()), "other", kNow) == "x");

      TableWriter next(table.memory.writable_bytes());
      CHECK(next.removed() == 0);
      each.work(next);  // the next one does it all the same
      CHECK(table.text(each.who) == each.made);
      CHECK(table.text("other") == "x");
      REQUIRE(next.put(key("other"), "z", kLater, kNow));
      REQUIRE(next.put(key(each.who), "last", kLater, kNow));
      CHECK(table.text("other") == "z x");
      CHECK(table.text(each.who) == "last " + each.made);
      CHECK(table.reader().count_live(kNow) == 2);
      for (std::uint64_t i = 2; i < each.capacity; ++i) {  // and no room was lost
        CHECK(next.put(key(std::to_string(i)), "v", kLater, kNow));
      }
      CHECK(next.put(key("one more"), "v", kLater, kNow).error() == PutError::full);
    }
    CHECK(step > 65);  // every word of the record, at least
    CHECK(old_in_force > 60);
    CHECK(new_in_force > 0);
  }
}

TEST_CASE("table: readers in several processes, and a writer that is killed and followed by another") {
  TestTable table(kKeys + 8);
  write_first_rounds(table.writer);
  const auto deadline = Steady::now() + 4s;
  const auto stop = [deadline] { return Steady::now() > deadline; };
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
  TableWriter last(table.memory.writable_bytes());
  CHECK(last.removed() == 0);
  for (unsigned i = 0; i < 8; ++i) CHECK(last.put(key(fmt::format("last {}", i)), "v", kLater, later));
  CHECK(last.put(key("one more"), "v", kLater, later).error() == PutError::full);
}

TEST_CASE("table: readers and a writer in threads") {
  TestTable table(kKeys + 8);
  write_first_rounds(table.writer);
  const auto deadline = Steady::now() + 2s;
  const auto stop = [deadline] { return Steady::now() > deadline; };
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
