// TargetLimits: how often the networks are connected to that strangers name, over all registrations. Of bounded memory,
// as rate_limit.h says. In the service process.
#pragma once

#include <chrono>

#include "core/crypto/hash.h"
#include "core/dial/rate_limit.h"
#include "core/net.h"

namespace swage::dial {

class TargetLimits {
 public:
  // `network`: connections to a network, whoever asks; `foreign`: those of them that are asked for from outside of it.
  // REQUIRES: `seed` is unpredictable.
  TargetLimits(Rate network, Rate foreign, const crypto::Digest& seed)
      : network_(network, seed), foreign_(foreign, seed) {}

  // Counts a connection to `target` that `client` asks for. Not 0: how long until there may be one; it is not counted.
  [[nodiscard]] std::chrono::microseconds take(const IpAddress& target, const IpAddress& client, RateLimit::Time now);

 private:
  RateLimit network_, foreign_;
};

}  // namespace swage::dial
