#include "plugins/broker/secret_file.h"

#include <sys/stat.h>
#include <unistd.h>

#include <filesystem>
#include <thread>
#include <vector>

#include <fmt/format.h>

#include "core/crypto/testing.h"
#include "core/log.h"
#include "tests/support/log_capture.h"
#include "tests/support/loopback.h"

#include <catch2/catch.hpp>

using namespace swage;
using namespace swage::plugins::broker;
using crypto::testing::SeededRandom;
using tests::Folder;

namespace {

constexpr std::string_view kName = "broker";

std::string text_of(const Result<crypto::Secret>& secret) {
  return secret ? std::string(as_text(secret->bytes())) : "error: " + secret.error().text();
}

std::string private_file(const Folder& folder, std::string_view text) {
  std::string path = folder.write("file", text);
  REQUIRE(chmod(path.c_str(), 0600) == 0);
  return path;
}

}  // namespace

TEST_CASE("broker: a secret of 32 to 4096 bytes, as they are") {
  const Folder folder;
  for (const std::size_t size : {32U, 33U, 4096U}) {
    const std::string bytes = std::string(size - 1, '\0') + "\n";
    CHECK(text_of(read_secret(private_file(folder, bytes), kName)) == bytes);
  }
  for (const std::size_t size : {0U, 1U, 31U, 4097U}) {
    const std::string path = private_file(folder, std::string(size, 'x'));
    CHECK(text_of(read_secret(path, kName)) ==
          fmt::format("error: {}: has {} byte{}; expected 32 to 4096", path, size, size == 1 ? "" : "s"));
  }
}

TEST_CASE("broker: what is no file is no secret, and says so") {
  const Folder folder;
  CHECK(text_of(read_secret(folder.file("none"), kName)) ==
        "error: " + folder.file("none") + ": No such file or directory");
  CHECK(text_of(read_secret(folder.path(), kName)) == "error: " + folder.path() + ": is not a regular file");
  REQUIRE(mkfifo(folder.file("fifo").c_str(), 0600) == 0);
  CHECK(text_of(read_secret(folder.file("fifo"), kName)) ==
        "error: " + folder.file("fifo") + ": is not a regular file");
}

TEST_CASE("broker: a secret that others can read is used, with a warning") {
  const Folder folder;
  const std::string path = private_file(folder, std::string(32, 'x'));
  for (const mode_t mode : {0640U, 0604U, 0660U}) {
    REQUIRE(chmod(path.c_str(), mode) == 0);
    tests::LogCapture log;
    CHECK(read_secret(path, kName));
    CHECK(log.take() == "[WARNING] plugin/broker: " + path + ": can be read by others than its owner\n");
    CHECK(read_access_token(path, "acme"));
    CHECK(log.take() == "[WARNING] plugin/acme: " + path + ": can be read by others than its owner\n");
  }
}

TEST_CASE("broker: access tokens") {
  const Folder folder;
  const std::pair<std::string_view, std::string_view> good[] = {
      {"token", "token"}, {"token\n", "token"}, {" \t two words \r\n", "two words"}};
  for (const auto& [text, token] : good) CHECK(text_of(read_access_token(private_file(folder, text), kName)) == token);
  for (const auto& [text, token] : good) CHECK(text_of(parse_access_token(text, "here")) == token);
  CHECK(text_of(parse_access_token("", "here")) ==
        "error: here: not an access token; expected one line of printable ASCII");
  for (const std::string_view bad : {"\n", "  ", "two\nlines", "t\xC3\xB6ken", "a\tb"}) {
    const std::string path = private_file(folder, bad);
    CHECK(text_of(read_access_token(path, kName)) ==
          "error: " + path + ": not an access token; expected one line of printable ASCII");
  }
}

TEST_CASE("broker: a secret is made once") {
  const Folder folder;
  SeededRandom random(1);
  const std::string path = folder.file("store.secret");
  const std::string made = text_of(read_or_make_secret(path, random, kName));
  CHECK(made.size() == 32);
  struct stat status{};
  REQUIRE(stat(path.c_str(), &status) == 0);
  CHECK((status.st_mode & 07777) == 0600);
  CHECK(text_of(read_or_make_secret(path, random, kName)) == made);
  CHECK(std::distance(std::filesystem::directory_iterator(folder.path()), {}) == 1);  // nothing is left over
  std::filesystem::resize_file(path, 5);
  CHECK(text_of(read_or_make_secret(path, random, kName)) == "error: " + path + ": has 5 bytes; expected 32 to 4096");
  CHECK(text_of(read_or_make_secret(folder.file("no/secret"), random, kName)) ==
        "error: " + folder.file("no/secret") + ": No such file or directory");
}

TEST_CASE("broker: of those who make the secret at the same time, all get one") {
  const Folder folder;
  std::vector<std::string> found(8);
  std::vector<std::thread> threads;
  for (std::size_t i = 0; i < found.size(); ++i) {
    threads.emplace_back([&, i] {
      SeededRandom random(i);
      found[i] = text_of(read_or_make_secret(folder.file("secret"), random, kName));
    });
  }
  for (std::thread& each : threads) each.join();
  for (const std::string& each : found) CHECK(each == found[0]);
  CHECK(found[0].size() == 32);
}

TEST_CASE("broker: a secret is kept in memory for the next process") {
  SeededRandom random(1);
  shm::ServiceMemory memory("broker secret");
  const std::string first = text_of(keep_secret(memory, random));
  CHECK(first.size() == 32);
  CHECK(memory.provided());
  CHECK(text_of(keep_secret(memory, random)) == first);
}
