// A value that one process (the service) publishes as a whole and all processes read: a zone, a denylist.
//
// Every publication is a new sealed segment that goes to the supervisor, which keeps it and hands it to every dns
// process, also to those that start later. A dns process swaps it in between two batches of queries; what it had before
// is unmapped then, or when the last who holds it lets go. So bytes() never change under a reader, and reading them
// costs one load.
//
// A service process begins with the newest version of the name that the configuration before, or the process before it,
// published: what cannot be read any more can go on as it was. Where it publishes nothing in prepare(), the dns
// processes of its configuration have nothing, or keep what they had if it only takes a process's place.
#pragma once

#include <functional>
#include <memory>
#include <string>
#include <utility>

#include "core/shm/segment.h"

namespace swage::shm {

// Bytes of a version of a snapshot, which stay mapped as long as this, or a copy, exists.
struct Held {
  Bytes bytes;
  std::shared_ptr<const Mapping> memory;
};

class Snapshot {
 public:
  explicit Snapshot(std::string name) : name_(std::move(name)) {}
  Snapshot(const Snapshot&) = delete;
  Snapshot& operator=(const Snapshot&) = delete;

  [[nodiscard]] const std::string& name() const { return name_; }
  // The newest version; empty before the first. Valid until control goes back to the event loop.
  [[nodiscard]] Bytes bytes() const { return bytes_; }
  // The same, valid longer: for what takes many turns of the loop.
  [[nodiscard]] Held hold() const { return {bytes_, memory_}; }

  // Returns true on the first call only: for setup(), where a snapshot may get but one publisher.
  [[nodiscard]] bool claim() { return !std::exchange(claimed_, true); }

  // Makes `next` the newest version everywhere. In the service process, on its loop's thread. REQUIRES: made by
  // Segment::create().
  [[nodiscard]] Result<> publish(Segment next) {
    TRY(Mapping sealed, std::move(next).seal());
    replace(std::move(sealed));
    return keep();
  }
  // Makes what is here the newest version: in prepare(), what the process began with. REQUIRES: bytes() are not empty.
  [[nodiscard]] Result<> keep() const { return on_publish_ ? on_publish_(*memory_) : Result<>(); }

  // Whether all dns processes of this configuration answer from the newest version. In the service process. One that
  // hangs does not, until it is replaced, within 5 s: do not wait for it any longer.
  [[nodiscard]] bool in_force() const { return !is_in_force_ || is_in_force_(version()); }
  // Tells the newest version from others; 0: there is none.
  [[nodiscard]] std::uint64_t version() const { return memory_ ? memory_->identity() : 0; }

  // For core/server alone: the version that arrived, and what carries a publication to the other processes.
  void replace(Mapping next) {
    memory_ = std::make_shared<const Mapping>(std::move(next));
    bytes_ = memory_->bytes();
  }
  void on_publish(std::function<Result<>(const Mapping&)> hook) { on_publish_ = std::move(hook); }
  void on_asked_whether_in_force(std::function<bool(std::uint64_t)> hook) { is_in_force_ = std::move(hook); }

 private:
  std::string name_;
  std::shared_ptr<const Mapping> memory_;
  Bytes bytes_;  // of memory_
  bool claimed_ = false;
  std::function<Result<>(const Mapping&)> on_publish_;
  std::function<bool(std::uint64_t)> is_in_force_;
};

}  // namespace swage::shm
