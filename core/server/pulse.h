// The pulse of a child: a page of memory in which it counts from time to time, out of its event loop, that it is there.
// The supervisor, which made the page, looks at it: a process that is stopped, waits for ever or runs in circles counts
// no more, and is replaced.
#pragma once

#include <sys/types.h>

#include <chrono>
#include <cstdint>

#include "core/descriptor.h"
#include "core/result.h"
#include "core/shm/segment.h"

namespace swage::server {

class Pulse {
 public:
  static constexpr std::chrono::milliseconds kInterval{500};  // between two beats

  Pulse() = default;  // none
  // In the supervisor. `name` is what /proc shows.
  [[nodiscard]] static Result<Pulse> create(const std::string& name);
  // In the child: what the supervisor sent.
  [[nodiscard]] static Result<Pulse> open(Descriptor memory);

  // For the child. Another descriptor of the page, whose size cannot change.
  [[nodiscard]] Result<Descriptor> share() const { return page_.descriptor().duplicate(); }
  void beat();
  // How often it has beaten; any number where the child was taken over.
  [[nodiscard]] std::uint64_t beats() const;
  // The rest of the page, for what the child is at (core/server/work.h).
  [[nodiscard]] MutableBytes rest();
  [[nodiscard]] Bytes rest() const;

 private:
  explicit Pulse(shm::Segment page) : page_(std::move(page)) {}

  shm::Segment page_;
};

// Processor time that a process has had; 0 where that cannot be known.
[[nodiscard]] std::chrono::nanoseconds cpu_time_of(pid_t pid);

}  // namespace swage::server
