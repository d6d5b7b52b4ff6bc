// Scraper: the metrics of all processes of the server, as the service process sees them. The supervisor tells it by
// messages which processes there are, and what is left of those that have ended:
//
//     "own GENERATION"               where this process itself counts; the first message of all
//     "supervisor"                   where the supervisor counts
//     "process PID GENERATION"       where another process counts, as long as there is no
//     "past PID"                     the sum of all that have ended, PID now among them; 0: nobody has ended just now
//
// Since one message takes a process away and brings the sum that it is in, nothing is counted twice or missing at any
// time, and counters never go back. Gauges are those of this configuration's processes.
#pragma once

#include <sys/types.h>

#include <map>
#include <string>

#include "core/metrics/registry.h"
#include "core/metrics/sums.h"
#include "core/result.h"
#include "core/server/channel.h"
#include "core/shm/segment.h"

namespace swage::server {

class Scraper {
 public:
  // `own` is what this process counts. An Error where the memory cannot be read.
  [[nodiscard]] Result<> take(Message message);
  [[nodiscard]] std::string text(const metrics::Registry& own);

 private:
  struct View {
    shm::Segment memory;
    metrics::SheetReader sheet;
    std::string generation{};
  };
  [[nodiscard]] static Result<View> open(Message& message);

  std::string generation_;
  metrics::SheetReader own_;
  View supervisor_, past_;
  std::map<std::string, View> processes_;  // by pid
  std::uint64_t cpu_ticks_ = 0;
};

}  // namespace swage::server
