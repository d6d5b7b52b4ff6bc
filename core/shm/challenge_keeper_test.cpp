#include "core/shm/challenge_keeper.h"

#include <sys/stat.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>

#include "core/shm/challenge_store.h"
#include "core/shm/table_testing.h"
#include "tests/support/loopback.h"

#include <catch2/catch.hpp>

using namespace swage;
using namespace swage::shm;
using namespace swage::shm::testing;

namespace {

constexpr std::int64_t kNow = 1'800'000'000'000;

// A service process and its supervisor: what is provided lasts, in `kept`.
struct Life {
  explicit Life(const ChallengeSettings& settings, const Segment* kept = nullptr)
      : memory("challenges test."), keeper(memory, settings, {1, 2, 3}), store(memory) {
    memory.on_provide([](const Shared&) -> Result<> { return {}; });
    if (kept != nullptr) memory.replace(*kept->again(Segment::Access::write));
  }
  std::string prepare() {
    const Result<> prepared = keeper.prepare(kNow);
    return prepared ? "" : prepared.error().text();
  }
  std::string start() {
    const std::string wrong = prepare();
    if (!wrong.empty()) return wrong;
    const Result<> enforced = keeper.enforce(kNow);
    return enforced ? "" : enforced.error().text();
  }
  [[nodiscard]] std::string text(std::string_view who) const { return text_of(Table(memory.bytes()), who, kNow); }

  Shared memory;
  ChallengeKeeper keeper;
  ChallengeStore store;
};

bool same_file(const Segment& segment, const std::string& path) {
  struct stat one{}, two{};
  return fstat(segment.fd(), &one) == 0 && stat(path.c_str(), &two) == 0 && one.st_ino == two.st_ino;
}

}  // namespace

TEST_CASE("challenges: memory is made once and kept; values live as long as was configured") {
  Life first({.capacity = 5, .lifetime = 1000});
  CHECK_FALSE(first.store.exists());
  CHECK(first.store.put(key("a"), "v", NetworkId{}, kNow).error() == ChallengeError::missing);
  REQUIRE(first.start().empty());
  CHECK(first.store.exists());
  REQUIRE(first.store.put(key("a"), "v", NetworkId{}, kNow));
  Challenges values;
  CHECK(first.store.find(key("a"), kNow + 999, values) == Table::Found::yes);
  CHECK(first.store.find(key("a"), kNow + 1000, values) == Table::Found::no);

  Life second({.capacity = 5, .lifetime = 2000}, &first.memory.segment());
  REQUIRE(second.prepare().empty());
  CHECK_FALSE(second.memory.provided());
  CHECK(second.text("a") == "v");
  REQUIRE(first.store.put(key("b"), "w", NetworkId{}, kNow));
  CHECK(second.text("b") == "w");
  REQUIRE(second.keeper.enforce(kNow));
  REQUIRE(second.store.put(key("c"), "x", NetworkId{}, kNow));
  CHECK(second.store.find(key("c"), kNow + 1999, values) == Table::Found::yes);
}

TEST_CASE("challenges: another capacity takes the live values along, also what comes until it is in force") {
  Life first({.capacity = 5});
  REQUIRE(first.start().empty());
  REQUIRE(first.store.put(key("a"), "v", NetworkId{}, kNow));
  REQUIRE(first.store.put(key("b"), "v", NetworkId{}, kNow));
  Life second({.capacity = 50}, &first.memory.segment());
  REQUIRE(second.prepare().empty());
  CHECK(second.text("a") == "v");
  REQUIRE(first.store.put(key("a"), "late", NetworkId{}, kNow));
  CHECK(second.text("a") == "v");
  REQUIRE(second.keeper.enforce(kNow));
  CHECK(second.text("a") == "late v");
  CHECK(first.store.put(key("c"), "v", NetworkId{}, kNow).error() == ChallengeError::moved);
  CHECK(second.store.put(key("c"), "v", NetworkId{}, kNow));
  Life third({.capacity = 2}, &second.memory.segment());
  CHECK(third.prepare() == "challenges cannot be taken over: the table is full");
  CHECK(second.store.put(key("d"), "v", NetworkId{}, kNow));  // where nothing has changed
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
    REQUIRE(first.store.put(key("a"), "v", NetworkId{}, kNow));
  }
  {
    Life second({.path = path, .capacity = 5});
    REQUIRE(second.start().empty());
    CHECK(second.text("a") == "v");
    Life reloaded({.path = path, .capacity = 5}, &second.memory.segment());
    REQUIRE(reloaded.start().empty());
    CHECK(same_file(reloaded.memory.segment(), path));
    Life larger({.path = path, .capacity = 7}, &second.memory.segment());
    REQUIRE(larger.prepare().empty());
    CHECK(same_file(second.memory.segment(), path));
    REQUIRE(larger.keeper.enforce(kNow));
    CHECK(same_file(larger.memory.segment(), path));
    CHECK(larger.text("a") == "v");
  }
  Life third({.path = path, .capacity = 9});
  REQUIRE(third.start().empty());
  CHECK(third.text("a") == "v");
  CHECK(third.keeper.description(kNow) == "1 peer of 9, in " + path);
  Life back({.capacity = 9}, &third.memory.segment());
  REQUIRE(back.start().empty());
  CHECK(back.text("a") == "v");
  CHECK(third.store.put(key("b"), "v", NetworkId{}, kNow).error() == ChallengeError::moved);
}

TEST_CASE("challenges: files that are no store of this version are refused, by name and reason") {
  const tests::Folder folder;
  const auto refusal = [&](const std::string& path) { return Life({.path = path, .capacity = 5}).start(); };
  const std::string text = folder.write("text", std::string(10'000, 'x'));
  CHECK(refusal(text) ==
        text +
            ": not a usable store of challenges: this is no table of swage; move it away to begin with an empty one");
  CHECK(std::filesystem::file_size(text) == 10'000);
  const std::string empty = folder.write("empty", "");
  CHECK(refusal(empty).starts_with(empty + ": "));
  CHECK(refusal(folder.file("")).find("s a directory") != std::string::npos);
  CHECK(refusal("/nowhere/at/all") == "/nowhere/at/all.new: No such file or directory");

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
    Shared memory("challenges test.");
    return ChallengeKeeper(memory, settings, {}).prepare(kNow);
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
  CHECK(ChallengeKeeper(first.memory, {.capacity = 5}, {}).prepare(kNow));
  CHECK(ChallengeKeeper(first.memory, {.capacity = 6}, {}).prepare(kNow).error().text() ==
        "challenges test. are kept by another server block, in another way");
}
