// TargetLimits: how often networks that strangers name are connected to, over all registrations. In bounded memory
// (rate_limit.h). In the service process.
#pragma once

#include <chrono>

#include "core/crypto/hash.h"
#include "core/dial/rate_limit.h"
#include "core/net.h"

namespace swage::dial {

class TargetLimits {
 public:
  // `network`: connections to a network; `foreign`: those of them that are asked for from outside of it.
  // REQUIRES: `seed` is unpredictable.
  TargetLimits(Rate network, Rate foreign, const crypto::Digest& seed)
      : network_(network, seed), foreign_(foreign, seed) {}

  // Counts a connection to `target` that `client` asks for, and returns 0; or, without counting it, how long to wait.
  [[nodiscard]] std::chrono::microseconds take(const IpAddress& target, const IpAddress& client, RateLimit::Time now);

 private:
  RateLimit network_, foreign_;
};

}  // namespace swage::dial
