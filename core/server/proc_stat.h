// What /proc/PID/stat says of a process (proc(5)). For reports and metrics.
#pragma once

#include <sys/types.h>

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

namespace swage::server {

struct ProcStat {
  char state = '?';
  std::uint64_t cpu = 0;           // clock ticks of its own
  std::uint64_t children_cpu = 0;  // and of its children that have ended
  std::uint64_t started = 0;       // clock ticks after boot
  std::uint64_t virtual_size = 0;  // bytes
  std::uint64_t resident = 0;      // pages

  // nullopt: there is no such process, or it cannot be looked at.
  [[nodiscard]] static std::optional<ProcStat> of(pid_t pid);
};

// Its name, as prctl(PR_SET_NAME) has it; empty where it is not known.
[[nodiscard]] std::string name_of_process(pid_t pid);

[[nodiscard]] std::vector<pid_t> children_of(pid_t parent);

// Seconds since 1970.
[[nodiscard]] std::uint64_t boot_time();

}  // namespace swage::server
