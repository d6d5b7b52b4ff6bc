// JournalFile: the journal of a zone (core/update/journal.h) on disk: read, appended to, begun anew. One process at a
// time may write it; a lock (flock) tells which. In the service process; blocks.
//
// A process that is going to take over reads the journal before it can write it, and its dns processes begin to answer
// from what it read. What the one before writes meanwhile they do not have yet, so that one may not say that it is
// done: a second lock, of the file's first byte, says so.
#pragma once

#include <mutex>
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

  // From now on, until let_answers_go() or the end of this process, answers_held() is true in the process that writes
  // the journal. Before read(): what was answered before is in it then. Nothing where there is no journal.
  void hold_answers();
  void let_answers_go() { holding_ = Descriptor(); }
  // REQUIRES: lock() gave true once, if not still.
  [[nodiscard]] bool answers_held() const;

  // Opens it, and makes an empty one where there is none. False where another process has it.
  [[nodiscard]] Result<bool> lock();
  void unlock();

  // These need the lock.
  [[nodiscard]] std::size_t size() const { return size_; }
  // Throws away what comes after `size` bytes.
  [[nodiscard]] Result<> cut(std::size_t size);
  // Returns when `entries` are on disk (fdatasync(2)). Where that fails, the journal is as it was; where it cannot be
  // made so either, nothing is appended before it can.
  [[nodiscard]] Result<> append(Bytes entries);
  // Puts a journal with these bytes in its place, as a whole or not at all.
  [[nodiscard]] Result<> begin(Bytes contents);

 private:
  void use(Descriptor file, std::size_t size);

  std::string path_;
  mutable std::mutex mutex_;  // of file_ and earlier_: answers_held() is asked while another thread writes
  Descriptor file_;
  Descriptor holding_;               // with the lock of the first byte
  std::vector<Descriptor> earlier_;  // what was file_; answers may be held there
  std::size_t size_ = 0;
  bool broken_ = false;  // nobody knows what is after size_
};

}  // namespace swage::plugins::file
