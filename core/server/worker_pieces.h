// WorkerPieces: the supervisor's part in memory that dns processes write (core/shm/worker_memory.h), for one
// configuration: makes a piece of each for each dns process, seals it when that is ready, and keeps it for those who
// read it.
#pragma once

#include <cstdint>
#include <list>
#include <map>
#include <string>
#include <utility>

#include "core/result.h"
#include "core/server/child_process.h"
#include "core/server/messages.h"

namespace swage::server {

class WorkerPieces {
 public:
  // What the service process says while it sets the configuration up. An Error: it is not to be had.
  [[nodiscard]] Result<> declare(message::DeclareWorkerMemory message);

  // For a child that is to be set up: of a dns process its own pieces; what dns processes that are ready have.
  [[nodiscard]] Result<> provide_for(ChildProcess& child);
  // The dns process is ready, so it has mapped its pieces: nobody else can write them from now on, and all others that
  // read them get them.
  [[nodiscard]] Result<> seal(const ChildProcess& child, std::list<ChildProcess>& children);

 private:
  static constexpr std::size_t kMaxNames = 64;

  using Key = std::pair<std::uint32_t, std::string>;  // which dns process, and of what name

  std::map<std::string, std::uint64_t> sizes_;  // by name
  std::map<Key, Descriptor> begun_;             // of dns processes that are not ready
  std::map<Key, Descriptor> sealed_;
};

}  // namespace swage::server
