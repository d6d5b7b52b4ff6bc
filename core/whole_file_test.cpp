// What is read as a whole file, and what is refused at once: the caller may be the process that answers queries next;
// and files that take their place as a whole.
#include "core/whole_file.h"

#include <sys/file.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include <csignal>
#include <filesystem>
#include <thread>
#include <vector>

#include <fmt/format.h>

#include "core/new_file.h"
#include "tests/support/loopback.h"

#include <catch2/catch.hpp>  // last: its CHECK is the one that counts here

using namespace swage;
using tests::Folder;

namespace {

std::string outcome(const std::string& path, std::size_t most) {
  const Result<std::string> text = read_whole_file(path, most);
  return text ? fmt::format("{} bytes", text->size()) : text.error().text();
}

}  // namespace

TEST_CASE("whole file: of any size up to the bound, and not a byte more") {
  const Folder folder;
  for (const std::size_t size : {0U, 1U, 65535U, 65536U, 65537U, 300'000U}) {
    std::string text(size, '\0');
    for (std::size_t i = 0; i < size; ++i) text[i] = static_cast<char>(i % 251);
    const std::string path = folder.write("file", text);
    CHECK(read_whole_file(path, 1 << 20) == text);
    CHECK(read_whole_file(path, size) == text);
    if (size > 0) CHECK(outcome(path, size - 1) == fmt::format("{}: has more than {} bytes", path, size - 1));
  }
  CHECK(outcome("/proc/self/status", 1 << 20).ends_with(" bytes"));  // which says a size of 0
  CHECK(outcome("/proc/self/status", 10) == "/proc/self/status: has more than 10 bytes");
}

TEST_CASE("whole file: a huge file takes no memory before it is refused") {
  const Folder folder;
  const std::string path = folder.write("sparse", "x");
  std::filesystem::resize_file(path, std::uintmax_t{1} << 40);
  CHECK(outcome(path, 1000) == path + ": has more than 1000 bytes");
}

TEST_CASE("whole file: what is no regular file is refused, and not waited for") {
  const Folder folder;
  CHECK(outcome(folder.file("none"), 1) == folder.file("none") + ": No such file or directory");
  CHECK(outcome(folder.path(), 1) == folder.path() + ": is not a regular file");
  const std::string fifo = folder.file("fifo");
  REQUIRE(mkfifo(fifo.c_str(), 0600) == 0);
  CHECK(outcome(fifo, 1) == fifo + ": is not a regular file");
  CHECK(outcome("/dev/zero", 1) == "/dev/zero: is not a regular file");
  const std::string link = folder.file("link");
  std::filesystem::create_symlink("link", link);
  CHECK(outcome(link, 1) == link + ": Too many levels of symbolic links");
  const Descriptor socket(::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0));
  sockaddr_un address{.sun_family = AF_UNIX, .sun_path = {}};
  const std::string path = folder.file("s");
  REQUIRE(path.size() < sizeof address.sun_path);
  std::copy(path.begin(), path.end(), address.sun_path);
  REQUIRE(bind(socket.get(), reinterpret_cast<const sockaddr*>(&address), sizeof address) == 0);
  CHECK(outcome(path, 1) == path + ": is not a regular file");
}

TEST_CASE("whole file: piece by piece") {
  const Folder folder;
  auto file = InputFile::open(folder.write("file", "abcdefg"));
  REQUIRE(file);
  CHECK(file->size() == 7);
  std::array<std::uint8_t, 4> piece{};
  CHECK(file->read(piece) == 4U);
  CHECK(as_text(piece) == "abcd");
  CHECK(file->read(piece) == 3U);
  CHECK(file->read(piece) == 0U);
  CHECK(file->read({}) == 0U);
}

namespace {

std::string said(const Result<>& result) { return result ? "" : result.error().text(); }
std::string content(const std::string& path) { return read_whole_file(path, 1 << 20).value_or("none"); }
unsigned mode_of(const std::string& path) { return static_cast<unsigned>(std::filesystem::status(path).permissions()); }
// Names in the folder.
std::size_t count_files(const Folder& folder) {
  return static_cast<std::size_t>(std::distance(std::filesystem::directory_iterator(folder.path()), {}));
}

}  // namespace

TEST_CASE("new file: takes the place of the old one as a whole, and leaves nothing else") {
  const Folder folder;
  const std::string path = folder.write("file", "old");
  CHECK(said(write_whole_file(path, as_bytes("new"))) == "");
  CHECK(content(path) == "new");
  CHECK(mode_of(path) == 0600);
  CHECK(said(write_whole_file(path, as_bytes("newer"), 0644)) == "");
  CHECK(mode_of(path) == 0644);
  CHECK(said(write_first_file(path, as_bytes("late"))) == "");
  CHECK(content(path) == "newer");
  CHECK(said(write_first_file(folder.file("other"), as_bytes("first"))) == "");
  CHECK(content(folder.file("other")) == "first");
  {
    auto file = NewFile::create(path);
    REQUIRE(file);
    CHECK(said(file->write(as_bytes("half"))) == "");
    CHECK(content(path) == "newer");
    CHECK(count_files(folder) == 3);
    CHECK_FALSE(file->release().exists());  // not before it is in its place
  }
  CHECK(count_files(folder) == 2);
  const std::string nowhere = folder.file("none/file");
  CHECK(said(write_whole_file(nowhere, {})) == nowhere + ": No such file or directory");
  std::filesystem::create_directory(folder.file("taken"));
  CHECK(said(write_whole_file(folder.file("taken"), {})) == folder.file("taken") + ": Is a directory");
  CHECK(count_files(folder) == 3);
}

TEST_CASE("new file: a disk that is full keeps the old one") {
  const Folder folder;
  const std::string path = folder.write("file", "old");
  rlimit before{};
  REQUIRE(getrlimit(RLIMIT_FSIZE, &before) == 0);
  const rlimit small{.rlim_cur = 4096, .rlim_max = before.rlim_max};
  const auto handler = std::signal(SIGXFSZ, SIG_IGN);
  REQUIRE(setrlimit(RLIMIT_FSIZE, &small) == 0);
  const std::string large(10'000, 'x');
  const std::string shared = said(write_whole_file(path, as_bytes(large)));
  const auto alone = [&]() -> Result<> {
    TRY(NewFile file, NewFile::create_alone(path, 0640));
    TRY(file.write(as_bytes(large)));
    return file.replace();
  }();
  REQUIRE(setrlimit(RLIMIT_FSIZE, &before) == 0);
  std::signal(SIGXFSZ, handler);
  CHECK(shared == path + ": File too large");
  CHECK(said(alone) == path + ": File too large");
  CHECK(content(path) == "old");
  CHECK(count_files(folder) == 1);
}

TEST_CASE("new file: of one writer at a time, also after one that was killed") {
  const Folder folder;
  const std::string path = folder.file("file"), made = folder.write("file.new", "what one has left that was killed");
  auto file = NewFile::create_alone(path, 0640);
  REQUIRE(file);
  const auto other = NewFile::create_alone(path, 0640);
  REQUIRE_FALSE(other);
  CHECK(other.error().text() == made + ": another process is writing it");
  CHECK(said(file->write(as_bytes("whole"))) == "");
  CHECK(said(file->replace()) == "");
  CHECK(content(path) == "whole");
  const Descriptor placed = file->release();
  CHECK(placed.exists());
  CHECK(flock(placed.get(), LOCK_EX | LOCK_NB) == 0);  // it has the lock still
  REQUIRE(mkfifo(made.c_str(), 0600) == 0);
  CHECK(NewFile::create_alone(path, 0640).error().text().starts_with(made + ": "));
  std::filesystem::remove(made);
  std::filesystem::create_symlink(path, made);
  CHECK(NewFile::create_alone(path, 0640).error().text() == made + ": Too many levels of symbolic links");
  CHECK(content(path) == "whole");
}

TEST_CASE("new file: of several at the same time one stays, and each reader finds a whole one") {
  const Folder folder;
  const std::string path = folder.file("file");
  std::vector<std::thread> writers;
  for (char c = 'a'; c < 'e'; ++c) {
    writers.emplace_back([&path, text = std::string(1000, c)] {
      for (int i = 0; i < 20; ++i) static_cast<void>(write_whole_file(path, as_bytes(text)));
    });
  }
  const auto is_whole = [](const std::string& text) {
    return text == "none" || (text.size() == 1000 && text.find_first_not_of(text[0]) == std::string::npos);
  };
  for (int i = 0; i < 200; ++i) CHECK(is_whole(content(path)));
  for (std::thread& each : writers) each.join();
  CHECK(is_whole(content(path)));
  CHECK(count_files(folder) == 1);
}
