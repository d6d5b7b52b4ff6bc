// How often something may happen, counted by several servers together: the state of a bucket is a number that all of
// them can read and write (the generic cell rate algorithm's "theoretical arrival time", as core/dial/rate_limit.h has
// it). No I/O, no clock; clocks of servers that differ move a limit by as much as they differ.
#pragma once

#include <chrono>
#include <cstdint>
#include <string>
#include <string_view>

#include "core/forge/challenge_store.h"

namespace swage::fleet {

using Microseconds = std::chrono::microseconds;  // since 1970

class Bucket {
 public:
  // `state`: what was written last; empty, or what cannot be read: a full one. REQUIRES: allowance.count > 0.
  Bucket(const forge::Allowance& allowance, std::string_view state, Microseconds now);

  // How long until one more is allowed; 0: it is now.
  [[nodiscard]] Microseconds wait() const;
  // The state after one more.
  [[nodiscard]] std::string after_one() const;

 private:
  std::int64_t per_, interval_, now_;
  std::int64_t full_;  // when it is
};

}  // namespace swage::fleet
