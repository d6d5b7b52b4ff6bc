// The supervisor's part in metrics: gives each child memory to count in, keeps what those have counted that ended, and
// counts what the supervisor does itself. Service processes are told where all of that is; see scraper.h.
#pragma once

#include <sys/types.h>

#include <map>
#include <span>

#include "core/metrics/registry.h"
#include "core/result.h"
#include "core/server/child_process.h"
#include "core/shm/segment.h"

namespace swage::server {

class MetricsKeeper {
 public:
  using Services = std::span<ChildProcess* const>;  // the service processes that run, without the one in question

  // For a child that was just started.
  [[nodiscard]] Result<> begin(ChildProcess& child, Services services);
  // It has ended: what it counted goes to what is kept of all those before it.
  void end(const ChildProcess& child, Services services);

  // For the supervisor that takes the place of this one: what was counted, and where its children count. What begins or
  // ends later it is told in the same way.
  [[nodiscard]] Result<> hand_over(Channel& successor);
  [[nodiscard]] Result<> hand_over(const ChildProcess& begun, Channel& successor);
  // In that one.
  [[nodiscard]] Result<> take_over(message::PastMetrics past);
  [[nodiscard]] Result<> take_over(message::ProcessMetrics process, Services services);
  void end_taken_over(pid_t pid, Services services);
  void end_all_taken_over(Services services);

  void count_restart(const ChildProcess& child) { count_restarts(child, 1); }
  // A configuration is in force; `first`: that is the start of the server, not a reload.
  void count_success(bool first);
  void count_failed_reload();
  // Those of this process.
  void count_descriptors();

 private:
  struct Sheet {
    unsigned generation;
    shm::Mapping memory;
    bool taken_over = false;  // of a child of the supervisor before this one
  };

  void end(pid_t pid, Services services);
  void add_to_past(Bytes sheet);
  void tell(Services services, pid_t pid, unsigned generation, const shm::Mapping& memory) const;
  void count_reload(std::uint64_t succeeded, std::uint64_t failed);
  void count_up(const ChildProcess& child, int change);
  void count_restarts(const ChildProcess& child, std::uint64_t times);

  metrics::Registry own_;
  std::map<pid_t, Sheet> sheets_;  // of the children that run
  shm::Mapping past_;              // of all that have ended
};

}  // namespace swage::server
