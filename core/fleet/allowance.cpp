#include "core/fleet/allowance.h"

#include <algorithm>

#include "core/fleet/layout.h"

namespace swage::fleet {

Bucket::Bucket(const forge::Allowance& allowance, std::string_view state, Microseconds now)
    : per_(Microseconds(allowance.per).count()),
      interval_(std::max<std::int64_t>(per_ / allowance.count, 1)),
      now_(now.count()) {
  // A server whose clock is ahead, or who had another limit, makes nobody wait for longer than a whole bucket.
  full_ = std::clamp(read_number(state).value_or(0), now_, now_ + per_);
}

Microseconds Bucket::wait() const { return Microseconds(std::max<std::int64_t>(full_ + interval_ - per_ - now_, 0)); }

std::string Bucket::after_one() const { return std::to_string(full_ + interval_); }

}  // namespace swage::fleet
