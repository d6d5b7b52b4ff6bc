// Asker: one thread of a load, over UDP or TCP, and what it counts.
#pragma once

#include <atomic>
#include <chrono>
#include <cstdint>
#include <string>

#include <fmt/format.h>

#include "core/bytes.h"
#include "core/result.h"
#include "tests/bench/load/histogram.h"

namespace swage::bench {

// Steady time in nanoseconds.
[[nodiscard]] inline std::uint64_t now_ns() {
  const auto since = std::chrono::steady_clock::now().time_since_epoch();
  return static_cast<std::uint64_t>(std::chrono::duration_cast<std::chrono::nanoseconds>(since).count());
}

enum class Phase : std::uint8_t { warm_up, measure, drain };

// Written by one thread, read by any.
struct Counters {
  std::atomic<std::uint64_t> answered = 0;  // rightly
  std::atomic<std::uint64_t> wrong = 0;     // any other message: see Queries::answered_by
  std::atomic<std::uint64_t> lost = 0;      // no answer in time
  std::atomic<std::uint64_t> late = 0;      // came after it had been counted as lost

  std::string first_wrong;  // in hexadecimal; to be read by the thread that writes, or when that ended

  static void add(std::atomic<std::uint64_t>& counter) {
    counter.store(counter.load(std::memory_order_relaxed) + 1, std::memory_order_relaxed);
  }
  void add_wrong(Bytes answer) {
    add(wrong);
    if (!first_wrong.empty()) return;
    for (const std::uint8_t byte : answer) first_wrong += fmt::format("{:02x}", byte);
  }
};

class Asker {
 public:
  virtual ~Asker() = default;
  // Asks until `phase` is drain and nothing is under way any more. Never sleeps: a sleeping client would make the
  // server pay for waking it.
  virtual void run(const std::atomic<Phase>& phase) = 0;

  [[nodiscard]] const Counters& counters() const { return counters_; }
  // Of the answers that came in Phase::measure of the last run. REQUIRES: it is over.
  [[nodiscard]] const Histogram& latency() const { return latency_; }

 protected:
  Counters counters_;
  Histogram latency_;
};

}  // namespace swage::bench
