// What is read as a whole file, and what is refused at once: the caller may be the process that answers queries next.
#include "core/whole_file.h"

#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include <filesystem>

#include <fmt/format.h>

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
