// The pid file where others may write: nothing that they put there is followed, written to, waited for or removed.
#include "core/server/pidfile.h"

#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <filesystem>
#include <optional>
#include <string>

#include "tests/support/loopback.h"

#include <catch2/catch.hpp>  // last: its CHECK is the one that counts here

namespace {

namespace fs = std::filesystem;
using swage::server::Pidfile;
using swage::tests::Folder;
using swage::tests::read_file;

// A pid file that was prepared, and written unless it is said otherwise.
std::optional<Pidfile> make(const std::string& path, bool written = true) {
  auto made = Pidfile::prepare(path);
  REQUIRE(made);
  if (written) made->write();
  return std::move(*made);
}

std::ptrdiff_t files(const Folder& folder) { return std::distance(fs::directory_iterator(folder.path()), {}); }
std::string own_pid() { return std::to_string(getpid()) + "\n"; }

}  // namespace

TEST_CASE("pidfile: there as long as it serves, for all to read, and nothing is left beside it") {
  const Folder folder;
  const std::string path = folder.file("swage.pid");
  auto pidfile = make(path, false);
  CHECK(!fs::exists(path));
  pidfile->write();
  CHECK(read_file(path) == own_pid());
  CHECK(fs::status(path).permissions() == fs::perms(0644));
  CHECK(files(folder) == 1);
  pidfile.reset();
  CHECK(files(folder) == 0);
  make(path, false).reset();  // the start failed
  CHECK(files(folder) == 0);
  CHECK(Pidfile::prepare(""));
}

TEST_CASE("pidfile: a symbolic link is replaced, and what it leads to left alone") {
  const Folder folder;
  const std::string path = folder.file("swage.pid");
  for (const std::string& target : {folder.write("victim", "precious\n"), folder.file("not there"), path}) {
    INFO(target);
    fs::create_symlink(target, path);
    auto pidfile = make(path);
    CHECK(!fs::is_symlink(path));
    CHECK(read_file(path) == own_pid());
    pidfile.reset();
    CHECK(!fs::exists(fs::symlink_status(path)));
  }
  CHECK(read_file(folder.file("victim")) == "precious\n");
  CHECK(files(folder) == 1);
}

TEST_CASE("pidfile: what took its place is not removed, read or waited for") {
  const Folder folder;
  const std::string path = folder.file("swage.pid");
  std::optional<Pidfile> pidfile = make(path);
  SECTION("another server's file") {
    const auto other = make(path);
    pidfile.reset();
    CHECK(fs::is_regular_file(path));
  }
  SECTION("a copy") {
    fs::remove(path);
    static_cast<void>(folder.write("swage.pid", own_pid()));
    pidfile.reset();
    CHECK(fs::is_regular_file(path));
  }
  SECTION("a symbolic link to it") {
    fs::rename(path, folder.file("moved"));
    fs::create_symlink(folder.file("moved"), path);
    pidfile.reset();
    CHECK(fs::is_symlink(path));
    CHECK(fs::exists(folder.file("moved")));
  }
  SECTION("a pipe that nobody writes to") {
    fs::remove(path);
    REQUIRE(mkfifo(path.c_str(), 0600) == 0);
    pidfile.reset();
    CHECK(fs::is_fifo(path));
  }
  SECTION("nothing") {
    fs::remove(path);
    pidfile.reset();
    CHECK(files(folder) == 0);
  }
}

TEST_CASE("pidfile: places that cannot hold one are errors, and stay as they are") {
  const Folder folder;
  const std::string pipe = folder.file("pipe");
  REQUIRE(mkfifo(pipe.c_str(), 0600) == 0);
  const auto error = [](const std::string& path) { return Pidfile::prepare(path).error().text(); };
  CHECK(error(pipe) == "-pidfile " + pipe + ": is not a regular file");
  CHECK(error("/dev/null") == "-pidfile /dev/null: is not a regular file");
  CHECK(error(folder.path()) == "-pidfile " + std::string(folder.path()) + ": is a directory");
  CHECK(error(folder.file("no/swage.pid")) ==
        "-pidfile " + folder.file("no/swage.pid") + ": No such file or directory");
  CHECK(fs::is_fifo(pipe));
  CHECK(files(folder) == 1);
}
