// JournalFile: the journal of a zone (core/update/journal.h) on disk: read, appended to, begun anew. One process at a
// time may write it; a lock (flock) tells which. In the service process; blocks.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "core/descriptor.h"
#include "core/update/journal.h"

namespace swage::plugins::file {

class JournalFile {
 public:
  static constexpr std::size_t kMost = 256 << 20;  // bytes

  struct Contents {
    update::JournalStart start;
    std::vector<update::JournalEntry> entries;
    std::size_t whole = 0, size = 0;  // bytes: up to the end of the last whole entry, and all
  };

  explicit JournalFile(std::string path) : path_(std::move(path)) {}

  [[nodiscard]] const std::string& path() const { return path_; }
  // As it is now; nothing where there is none. Changes nothing. An Error, which names the file, where it cannot be
  // read.
  [[nodiscard]] Result<std::optional<Contents>> read() const;
  // That this process could write it, and make others in its folder.
  [[nodiscard]] Result<> check_access() const;

  // Opens it, and makes an empty one where there is none. False where another process has it.
  [[nodiscard]] Result<bool> lock();
  void unlock() { file_ = Descriptor(); }

  // These need the lock.
  [[nodiscard]] std::size_t size() const { return size_; }
  // Throws away what comes after `size` bytes.
  [[nodiscard]] Result<> cut(std::size_t size);
  // Returns when `entries` are on disk (fdatasync(2)). Where that fails, the journal is as it was; where it cannot be
  // made so either, nothing is appended before the next begin().
  [[nodiscard]] Result<> append(Bytes entries);
  // Puts a journal with these bytes in its place, as a whole or not at all.
  [[nodiscard]] Result<> begin(Bytes contents);

 private:
  [[nodiscard]] Result<> write_new(Bytes contents, const std::string& path);

  std::string path_;
  Descriptor file_;
  std::size_t size_ = 0;
  bool broken_ = false;  // nobody knows what is after size_
};

}  // namespace swage::plugins::file
