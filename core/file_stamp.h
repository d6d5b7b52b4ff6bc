// FileStamp: what tells a changed file from an unchanged one, for services that look from time to time.
#pragma once

#include <sys/stat.h>

#include <cstdint>
#include <string>

namespace swage {

struct FileStamp {
  // When its contents, its name, its owner or its permissions changed (ctime): one that could not be read may be
  // readable now, and nobody can set that time back.
  std::int64_t seconds = 0, nanoseconds = 0;
  std::int64_t size = -1;
  std::uint64_t inode = 0;

  // Of the file at `path`; the default, with a size of -1, if there is none that can be looked at.
  [[nodiscard]] static FileStamp of(const std::string& path) {
    struct stat status{};
    if (stat(path.c_str(), &status) != 0) return {};
    return {status.st_ctim.tv_sec, status.st_ctim.tv_nsec, status.st_size, status.st_ino};
  }
  [[nodiscard]] bool exists() const { return size >= 0; }

  bool operator==(const FileStamp&) const = default;
};

}  // namespace swage
