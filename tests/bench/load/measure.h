// A turn of one server: what it answered in an interval, and what that cost it.
#pragma once

#include <sys/types.h>

#include <cstdint>
#include <span>
#include <string>
#include <vector>

#include "core/result.h"
#include "tests/bench/load/asker.h"

namespace swage::bench {

struct Totals {
  std::uint64_t answered = 0;
  std::uint64_t wrong = 0;
  std::uint64_t lost = 0;
  std::uint64_t late = 0;
};

struct Report {
  double seconds = 0;
  double rate = 0;  // right answers a second
  double cpu = 0;   // µs for each right answer
  double system_share = 0;
  double busy = 0;  // CPUs that the server used
  Totals total;     // warm-up and end included
  Histogram latency;
  std::string first_wrong;

  // Whether every answer was right and at most one query in a thousand was lost.
  [[nodiscard]] bool good() const;
  // One line of JSON on standard output, and one for people on standard error.
  void print(std::uint16_t port) const;
};

struct Interval {
  double warm_up = 0.3;  // seconds before it
  double seconds = 2;
};

// Has each of `askers` ask, on a thread of its own. The CPU time is that of the processes `pids` and their descendants.
[[nodiscard]] Result<Report> measure(std::span<Asker* const> askers, const std::vector<pid_t>& pids, Interval interval);

}  // namespace swage::bench
