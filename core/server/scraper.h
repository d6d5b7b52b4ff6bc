// Scraper: the metrics of all processes of the server, as the service process sees them. The supervisor tells it by
// messages which processes there are, and what is left of those that have ended:
//
//     SupervisorMetrics   where the supervisor counts
//     ProcessMetrics      where another process counts, until its PID comes in a
//     PastMetrics         the sum of all that have ended, this one now among them
//
// Since one message takes a process away and brings the sum that it is in, nothing is counted twice or missing at any
// time, and counters never go back. Gauges are those of this configuration's processes.
#pragma once

#include <sys/types.h>

#include <cstdint>
#include <map>
#include <string>

#include "core/metrics/registry.h"
#include "core/metrics/sums.h"
#include "core/result.h"
#include "core/server/messages.h"
#include "core/shm/segment.h"

namespace swage::server {

class Scraper {
 public:
  // Which configuration this process is of.
  void belong_to(std::uint32_t generation) { generation_ = generation; }
  [[nodiscard]] std::uint32_t configuration() const { return generation_; }
  // Which one that process is of; 0: it is not known.
  [[nodiscard]] std::uint32_t configuration_of(pid_t pid) const;
  // An Error where the memory cannot be read.
  [[nodiscard]] Result<> take(message::SupervisorMetrics message);
  [[nodiscard]] Result<> take(message::ProcessMetrics message);
  [[nodiscard]] Result<> take(message::PastMetrics message);
  // `own` is what this process counts.
  [[nodiscard]] std::string text(const metrics::Registry& own);

 private:
  struct View {
    shm::Mapping memory;
    metrics::SheetReader sheet;
    std::uint32_t generation = 0;
  };
  [[nodiscard]] static Result<View> open(Descriptor sheet);

  std::uint32_t generation_ = 0;
  metrics::SheetReader own_;
  View supervisor_, past_;
  std::map<pid_t, View> processes_;
  std::uint64_t cpu_ticks_ = 0;
};

}  // namespace swage::server
