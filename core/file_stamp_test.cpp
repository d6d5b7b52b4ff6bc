#include "core/file_stamp.h"

#include <filesystem>

#include "tests/support/loopback.h"
#include "tests/support/process.h"

#include <catch2/catch.hpp>  // last: its CHECK is the one that counts here

using namespace swage;

TEST_CASE("file stamp: tells what has changed") {
  const tests::Folder folder;
  const std::string path = folder.file("zone");
  const auto write = [&folder](const char* text) { return folder.write("zone", text); };
  CHECK_FALSE(FileStamp::of(path).exists());
  CHECK(FileStamp::of(path) == FileStamp());

  write("one");
  const FileStamp first = FileStamp::of(path);
  CHECK(first.exists());
  CHECK(FileStamp::of(path) == first);

  const auto after = [&](const auto& change) {
    const FileStamp before = FileStamp::of(path);
    const auto changed = [&] {  // a clock of the kernel's may stand for some milliseconds
      change();
      return FileStamp::of(path) != before;
    };
    return tests::wait_until(changed, tests::Milliseconds(1000));
  };
  CHECK(after([&] { write("two"); }));
  CHECK(after([&] { std::filesystem::permissions(path, std::filesystem::perms::owner_read); }));
  CHECK(after([&] { std::filesystem::rename(folder.write("other", "two"), path); }));
  CHECK(after([&] { std::filesystem::last_write_time(path, std::filesystem::file_time_type::min()); }));
  std::filesystem::remove(path);
  CHECK_FALSE(FileStamp::of(path).exists());
}
