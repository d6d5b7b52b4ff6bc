// The sources of core/ and plugins/ have none of the traps of coroutines that core/coroutines/traps.h finds, and
// swage-check-coroutines, which authors of plugins have, says where one is.
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <sstream>
#include <string>
#include <vector>

#include "core/coroutines/traps.h"
#include "tests/support/loopback.h"
#include "tests/support/process.h"

#include <catch2/catch.hpp>  // last: its CHECK is the one that counts here

namespace {

using swage::tests::Folder;
using swage::tests::Process;

struct Said {
  int status;  // of its exit
  std::string text;
};

Said check(std::vector<std::string> paths) {
  paths.insert(paths.begin(), std::getenv("SWAGE_BUILD") + std::string("/swage-check-coroutines"));
  auto process = Process::start({.arguments = std::move(paths)});
  REQUIRE(process.has_value());
  const auto ended = process->wait(std::chrono::seconds(60));
  REQUIRE(ended.has_value());
  return {ended->code, process->log()};
}

}  // namespace

TEST_CASE("coroutine traps: the sources of core/ and plugins/ have none") {
  std::vector<std::string> all;
  int files = 0;
  for (const char* folder : {"core", "plugins"}) {
    for (const auto& entry : std::filesystem::recursive_directory_iterator(folder)) {
      const auto extension = entry.path().extension();
      if (extension != ".cpp" && extension != ".h") continue;
      std::ifstream file(entry.path());
      std::stringstream source;
      source << file.rdbuf();
      for (const auto& trap : swage::coroutines::traps(source.str())) {
        all.push_back(entry.path().string() + ":" + std::to_string(trap.line) + ": " + trap.text);
      }
      ++files;
    }
  }
  CHECK(files > 20);  // else this runs in another folder than the repository's
  CHECK(all == std::vector<std::string>{});
}

TEST_CASE("swage-check-coroutines: says where a trap is, in a file or below a folder") {
  const Folder folder;
  for (const char* const below : {"a", "build", ".git"}) std::filesystem::create_directory(folder.file(below));
  const std::string good = folder.write("a/good.cpp", "Task<> f() { const Request r{1}; co_await g(r); }\n");
  CHECK(check({folder.path()}).text.empty());
  CHECK(check({folder.path()}).status == 0);
  const std::string bad = "Task<> f() {\n  co_await g(Request{1});\n}\n";
  static_cast<void>(folder.write("build/generated.cpp", bad));
  static_cast<void>(folder.write(".git/hidden.cpp", bad));
  static_cast<void>(folder.write("notes.md", bad));
  const std::string path = folder.write("a/bad.h", bad);
  const std::string line =
      path + ":2: trap 1: braces in an expression with co_await; name the object on the line before\n";
  CHECK(check({folder.path()}).text == line);
  CHECK(check({folder.path()}).status == 1);
  CHECK(check({good, path, path}).text == line + line);
}

TEST_CASE("swage-check-coroutines: what it cannot do is said") {
  CHECK(check({}).status == 2);
  CHECK(check({"-x"}).text.starts_with("usage: swage-check-coroutines PATH...\n"));
  CHECK(check({"--help"}).status == 0);
  const Said said = check({"/nowhere"});
  CHECK(said.status == 2);
  CHECK(said.text == "swage-check-coroutines: /nowhere: No such file or directory\n");
}
