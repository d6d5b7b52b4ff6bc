// The CPU time of other processes, read from /proc.
#pragma once

#include <sys/types.h>

#include <cstdint>
#include <vector>

#include "core/result.h"

namespace swage::bench {

struct CpuTime {
  std::uint64_t run = 0;     // ns on a CPU, user and system together; from schedstat, exact to a scheduler tick
  std::uint64_t user = 0;    // clock ticks (10 ms), from stat: good for the ratio of user to system only
  std::uint64_t system = 0;  // clock ticks
};

// The sum over `roots`, all their descendants and all threads of these. Fails if a root does not exist.
[[nodiscard]] Result<CpuTime> cpu_time(const std::vector<pid_t>& roots);

}  // namespace swage::bench
