#include "core/forge/challenge_keeper.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <atomic>
#include <filesystem>
#include <fstream>
#include <thread>

#include <fmt/format.h>

#include "core/forge/challenge_store.h"
#include "core/shm/table_testing.h"
#include "tests/support/loopback.h"
#include "tests/support/memory_attack.h"

#include <catch2/catch.hpp>

using namespace swage;
using namespace swage::forge;
using namespace swage::shm::testing;
using shm::PutError;

namespace {

constexpr shm::Moment kMoment{.wall = kNow, .boot = 5'000'000};

// A service process, and its supervisor, which keeps what it provides, and had kept what the one `before` provided.
struct Life {
  explicit Life(const ChallengeSettings& settings, const Life* before = nullptr)
      : keeper({&memory, &gate, settings.path.empty() ? nullptr : &file}, settings, {1, 2, 3}), store(memory) {
    for (shm::LastingMemory* const each : std::initializer_list<shm::LastingMemory*>{&memory, &gate, &file}) {
      each->on_provide([](const shm::Mapping&) -> Result<> { return {}; });
    }
    if (before == nullptr) return;
    memory.replace(*shm::Mapping::open_sealed(*before->memory.memory().descriptor().duplicate(), shm::Seal::elsewhere));
    gate.replace(*shm::Segment::again(before->gate.memory()));
    if (before->file.exists()) file.replace(*shm::Segment::again(before->file.memory()));
  }
  std::string prepare() {
    const Result<> prepared = keeper.prepare(kMoment);
    return prepared ? "" : prepared.error().text();
  }
  std::string enforce() {
    const Result<> enforced = keeper.enforce(kMoment);
    return enforced ? "" : enforced.error().text();
  }
  std::string start() {
    const std::string wrong = prepare();
    return wrong.empty() ? enforce() : wrong;
  }
  std::expected<void, PutError> put(std::string_view who, std::string_view value, std::uint64_t network = 0) {
    return store.put_in_memory(key(who), value, shm::NetworkId{network}, kNow);
  }
  [[nodiscard]] std::string text(std::string_view who) const { return text_of(shm::Table(memory.bytes()), who, kNow); }

  shm::Shared memory{"challenges test."};
  shm::ServiceMemory gate{"gate"};
  shm::ServiceMemory file{"file"};
  ChallengeKeeper keeper;
  ChallengeStore store;
};

bool same_file(const shm::Mapping& memory, const std::string& path) {
  struct stat one{}, two{};
  return fstat(memory.descriptor().get(), &one) == 0 && stat(path.c_str(), &two) == 0 && one.st_ino == two.st_ino;
}

}  // namespace

TEST_CASE("challenges: values live as long as was configured") {
  Life first({.capacity = 5, .lifetime = 1000});
  CHECK_FALSE(first.store.exists());
  CHECK(first.put("a", "v").error() == PutError::missing);
  REQUIRE(first.start().empty());
  CHECK(first.store.exists());
  REQUIRE(first.put("a", "v"));
  Challenges values;
  CHECK(first.store.find(key("a"), kNow + 999, values) == shm::Table::Found::yes);
  CHECK(first.store.find(key("a"), kNow + 1000, values) == shm::Table::Found::no);

  Life second({.capacity = 5, .lifetime = 2000}, &first);
  REQUIRE(second.start().empty());
  REQUIRE(second.put("c", "x"));
  CHECK(second.store.find(key("a"), kNow + 1000, values) == shm::Table::Found::no);
  CHECK(second.store.find(key("c"), kNow + 1999, values) == shm::Table::Found::yes);
}

TEST_CASE("challenges: a service process takes over what is live, in memory of its own, and closes what was before") {
  for (const std::uint64_t capacity : {5, 50}) {
    Life first({.capacity = 5});
    REQUIRE(first.start().empty());
    REQUIRE(first.put("a", "v"));
    REQUIRE(first.put("b", "v"));
    Life second({.capacity = capacity}, &first);
    REQUIRE(second.prepare().empty());
    CHECK(second.keeper.description(kMoment) == fmt::format("2 peers of {}, in memory", capacity));
    // Until the configuration is in force everything goes on as before, also in its dns processes.
    CHECK_FALSE(second.memory.provided());
    CHECK(second.put("a", "early").error() == PutError::missing);
    REQUIRE(first.put("a", "late"));
    REQUIRE(first.put("c", "late"));
    CHECK(second.text("a") == "late v");
    CHECK(second.enforce().empty());
    CHECK(second.memory.provided());
    CHECK(second.text("a") == "late v");
    CHECK(second.text("b") == "v");
    CHECK(second.text("c") == "late");
    CHECK(first.put("d", "v").error() == PutError::moved);
    CHECK(first.put("a", "v").error() == PutError::moved);
    REQUIRE(second.put("d", "v"));
    CHECK(second.text("d") == "v");
    CHECK(first.text("d") == "none");

    Life third({.capacity = 3}, &second);
    CHECK(third.prepare() == "challenges cannot be taken over: 1 peer has no room among 3");
    CHECK(second.put("d", "w"));  // where nothing has changed
  }
}

TEST_CASE("challenges: a process that ends on its way to be in force leaves what was") {
  Life first({.capacity = 5});
  REQUIRE(first.start().empty());
  REQUIRE(first.put("a", "v"));
  {
    Life second({.capacity = 5}, &first);
    REQUIRE(second.prepare().empty());
  }
  CHECK(first.put("b", "v"));
  Life third({.capacity = 5}, &first);
  REQUIRE(third.start().empty());
  CHECK(third.text("b") == "v");
}

TEST_CASE("challenges: memory that is damaged, or none, is begun anew") {
  Life first({.capacity = 5});
  REQUIRE(first.start().empty());
  REQUIRE(first.put("a", "v"));
  first.memory.writable_bytes()[20] ^= 1;
  Life second({.capacity = 5}, &first);
  REQUIRE(second.start().empty());
  CHECK(second.text("a") == "none");
  CHECK(second.put("a", "w"));
}

TEST_CASE("challenges: what dns processes have of the store cannot be written by them") {
  const tests::Folder folder;
  for (const std::string& path : {std::string(), folder.file("challenges")}) {
    Life service({.path = path, .capacity = 5});
    REQUIRE(service.start().empty());
    REQUIRE(service.put("a", "v"));
    const shm::Mapping reader =
        *shm::Mapping::open_sealed(*service.memory.memory().descriptor().duplicate(), shm::Seal::elsewhere);
    const tests::Attack attack =
        tests::attack_memory({.fd = reader.descriptor().get(), .mapping = reader.bytes()}, service.memory.memory());
    CHECK(attack.worked.empty());
    CHECK(attack.tried > 30);
    REQUIRE(service.put("b", "w"));
    CHECK(text_of(shm::Table(reader.bytes()), "b", kNow) == "w");
  }
}

// The process before, with its broker, goes on, and hands on what it puts when it has been replaced.
TEST_CASE("challenges: while one process takes over from another, nothing that was accepted is lost") {
  std::uint64_t accepted = 0, late = 0;
  for (int round = 0; round < 100; ++round) {
    shm::Segment counts = *shm::Segment::create("counts", 4096);
    auto& count = *reinterpret_cast<std::atomic<std::uint64_t>*>(counts.writable_bytes().data());
    Life first({.capacity = 400});
    REQUIRE(first.start().empty());
    const pid_t child = fork();
    if (child == 0) {
      int handed_on = 0;
      for (std::uint64_t number = 0; number < 100'000 && handed_on < 5; ++number) {
        const bool closed = !static_cast<ChallengeWriter*>(first.memory.companion())->gate.is_open();
        handed_on += closed ? 1 : 0;
        const auto put = first.put(fmt::format("peer {}", number % 300), fmt::format("{}", number));
        if (!put) _exit(1);
        count = number + 1;
      }
      _exit(handed_on == 5 ? 0 : 2);
    }
    while (count < 100) std::this_thread::yield();
    Life second({.capacity = 400}, &first);
    const std::string wrong = second.prepare();
    const std::uint64_t before = count;
    const std::string wrong_too = second.enforce();
    int status = -1;
    while (waitpid(child, &status, WNOHANG) == 0) second.keeper.attend(kMoment);
    REQUIRE(wrong + wrong_too == "");
    REQUIRE(status == 0);
    accepted += count;
    late += count - before;
    for (std::uint64_t number = count > 300 ? count - 300 : 0; number < count; ++number) {
      const std::string text = second.text(fmt::format("peer {}", number % 300)) + " ";
      INFO(number << " of " << count << ": " << text);
      REQUIRE((text + " ").find(fmt::format("{} ", number)) != std::string::npos);
    }
  }
  WARN(accepted << " values accepted, " << late << " of them while the next process took over");
  CHECK(late > 0);
}

TEST_CASE("challenges: a file outlives the server") {
  const tests::Folder folder;
  const std::string path = folder.file("challenges");
  {
    Life first({.path = path, .capacity = 5});
    REQUIRE(first.start().empty());
    struct stat status{};
    REQUIRE(stat(path.c_str(), &status) == 0);
    CHECK((status.st_mode & 0777) == 0600);
    CHECK_FALSE(std::filesystem::exists(path + ".new"));
    REQUIRE(first.store.put_in_memory(key("a"), "v", shm::NetworkId{}, kNow));
  }
  {
    Life second({.path = path, .capacity = 5});
    REQUIRE(second.start().empty());
    CHECK(second.text("a") == "v");
    CHECK(same_file(second.file.memory(), path));
    Life reloaded({.path = path, .capacity = 5}, &second);
    REQUIRE(reloaded.start().empty());
    CHECK(same_file(reloaded.file.memory(), path));
    REQUIRE(reloaded.put("b", "w"));
    Life larger({.path = path, .capacity = 7}, &reloaded);
    REQUIRE(larger.prepare().empty());
    CHECK(same_file(reloaded.file.memory(), path));
    REQUIRE(reloaded.put("a", "late"));
    REQUIRE(larger.enforce().empty());
    CHECK(same_file(larger.file.memory(), path));
    CHECK(larger.text("a") == "late v");
    REQUIRE(larger.put("a", "later"));
  }
  Life third({.path = path, .capacity = 9});
  REQUIRE(third.start().empty());
  CHECK(third.text("a") == "later late v");
  CHECK(third.text("b") == "w");
  CHECK(third.keeper.description(kMoment) == "2 peers of 9, in " + path);
  Life back({.capacity = 9}, &third);
  REQUIRE(back.start().empty());
  CHECK(back.text("a") == "later late v");
  CHECK(third.put("b", "v").error() == PutError::moved);
  CHECK(back.put("c", "in memory"));
}

TEST_CASE("challenges: the file of a server that still had a mutex in it is taken over") {
  const tests::Folder folder;
  const std::string path = folder.file("challenges");
  std::filesystem::copy_file("tests/fuzz/corpus/challenge_table/table2", path);
  Life life({.path = path, .capacity = 3});
  REQUIRE(life.start().empty());
  CHECK(life.text("a") == "other value");
  CHECK(life.text("b") == "value");
  CHECK(life.put("c", "v"));
}

TEST_CASE("challenges: a file that somebody cuts short, or takes away, changes nothing until the next start") {
  const tests::Folder folder;
  const std::string path = folder.file("challenges");
  Life first({.path = path, .capacity = 50});
  REQUIRE(first.start().empty());
  REQUIRE(first.put("a", "v"));
  std::filesystem::resize_file(path, 100);
  REQUIRE(first.put("b", "v"));
  CHECK(first.text("a") + first.text("b") == "vv");
  std::filesystem::remove(path);
  REQUIRE(first.put("c", "v"));
  Life second({.path = path, .capacity = 50}, &first);
  REQUIRE(second.start().empty());
  CHECK(same_file(second.file.memory(), path));
  CHECK(second.text("a") + second.text("b") + second.text("c") == "vvv");
}

TEST_CASE("challenges: the place of each value is known in the next process, too") {
  Life first({.capacity = 4});
  REQUIRE(first.start().empty());
  for (const char* const who : {"1", "2", "3", "4"}) REQUIRE(first.put(who, "v", 77));
  Life second({.capacity = 4}, &first);
  REQUIRE(second.start().empty());
  CHECK(second.put("5", "v", 77).error() == PutError::full);
  CHECK(second.put("5", "v", 78));
  CHECK(second.put("6", "v", 77).error() == PutError::share);
}

TEST_CASE("challenges: files that are no store of this version are refused, by name and reason") {
  const tests::Folder folder;
  const auto refusal = [&](const std::string& path) { return Life({.path = path, .capacity = 5}).start(); };
  const std::string text = folder.write("text", std::string(10'000, 'x'));
  CHECK(refusal(text) ==
        text +
            ": not a usable store of challenges: it was not written by swage; move it away to begin with an empty one");
  CHECK(std::filesystem::file_size(text) == 10'000);
  CHECK(refusal(folder.write("empty", "")).empty());  // what a power failure leaves; nothing is lost by beginning anew
  CHECK(refusal(folder.file("")).find("s a directory") != std::string::npos);
  CHECK(refusal("/nowhere/at/all") ==
        "/nowhere/at/all: no store can be made there: /nowhere/at: No such file or directory");

  const std::string path = folder.file("challenges");
  REQUIRE(refusal(path).empty());
  std::filesystem::resize_file(path, std::filesystem::file_size(path) - 1);
  CHECK(refusal(path).find("bytes; they should be") != std::string::npos);
  std::filesystem::resize_file(path, std::filesystem::file_size(path) + 1);
  REQUIRE(refusal(path).empty());
  {
    std::fstream file(path, std::ios::in | std::ios::out | std::ios::binary);
    file.seekp(8).put(9);
  }
  CHECK(refusal(path).find("layout version 9; this version of swage reads 1") != std::string::npos);
}

TEST_CASE("challenges: a file that another server has is refused after a while") {
  const tests::Folder folder;
  const ChallengeSettings settings{.path = folder.file("challenges"), .capacity = 5};
  Life first(settings);
  REQUIRE(first.start().empty());
  CHECK(Life(settings).start() == settings.path + ": another process uses it");
}

TEST_CASE("challenges: a check of the configuration makes no file and locks none") {
  const tests::Folder folder;
  const ChallengeSettings settings{.path = folder.file("challenges"), .capacity = 5};
  const auto check = [&] {
    shm::Shared memory("challenges test.");
    shm::ServiceMemory gate("gate"), file("file");
    return ChallengeKeeper({&memory, &gate, &file}, settings, {}).prepare(kMoment);
  };
  CHECK(check());
  CHECK_FALSE(std::filesystem::exists(settings.path));
  Life first(settings);
  REQUIRE(first.start().empty());
  CHECK(check());
  std::filesystem::resize_file(folder.write("challenges", "x"), 5000);
  CHECK_FALSE(check());
}

TEST_CASE("challenges: two who want the memory in different ways are told") {
  Life first({.capacity = 5});
  REQUIRE(first.start().empty());
  const ChallengeMemory memory{&first.memory, &first.gate};
  ChallengeKeeper same(memory, {.capacity = 5}, {});
  CHECK(same.prepare(kMoment));
  CHECK(same.enforce(kMoment));
  CHECK(first.put("a", "v"));
  CHECK(ChallengeKeeper(memory, {.capacity = 6}, {}).prepare(kMoment).error().text() ==
        "challenges test. are kept by another server block, in another way");
}

TEST_CASE(
    "challenges: what a store with another clock had, as a fleet's, lives as long as before; a file is not such") {
  shm::testing::TestTable fleets(5, nullptr, shm::Clock::boot);
  REQUIRE(fleets.writer.put(key("a"), "v", kMoment.boot + 700, kMoment.boot));
  const tests::Folder folder;
  REQUIRE(fleets.memory.seal_elsewhere());
  Life life({.capacity = 5});
  life.memory.replace(*shm::Mapping::open_sealed(*fleets.memory.descriptor().duplicate(), shm::Seal::elsewhere));
  REQUIRE(life.start().empty());
  CHECK(life.keeper.description(kMoment) == "1 peer of 5, in memory");
  Challenges values;
  CHECK(life.store.find(key("a"), kNow + 699, values) == shm::Table::Found::yes);
  CHECK(life.store.find(key("a"), kNow + 700, values) == shm::Table::Found::no);

  const std::string path = folder.file("store");
  std::ofstream(path, std::ios::binary)
      .write(reinterpret_cast<const char*>(fleets.memory.bytes().data()),
             static_cast<std::streamsize>(fleets.memory.bytes().size()));
  CHECK(Life({.path = path, .capacity = 5}).start() ==
        path + ": not a usable store of challenges: its times are of another clock");
}
