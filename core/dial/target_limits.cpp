#include "core/dial/target_limits.h"

#include <algorithm>

#include "core/dial/network.h"

namespace swage::dial {

std::chrono::microseconds TargetLimits::take(const IpAddress& target, const IpAddress& client, RateLimit::Time now) {
  const Prefix network = network_of(target);
  const Bytes key = network.address.bytes().first(network.length / 8);
  const bool is_foreign = network != network_of(client);
  std::chrono::microseconds wait = network_.wait(key, now);
  if (is_foreign) wait = std::max(wait, foreign_.wait(key, now));
  if (wait.count() > 0) return wait;
  network_.count(key, now);
  if (is_foreign) foreign_.count(key, now);
  return wait;
}

}  // namespace swage::dial
