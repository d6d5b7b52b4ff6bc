// Random: where unpredictable bytes come from. It is handed to what needs it, so that tests can choose the bytes. Any
// process.
#pragma once

#include "core/bytes.h"

namespace swage::crypto {

class Random {
 public:
  virtual ~Random() = default;
  virtual void fill(MutableBytes bytes) = 0;
};

// The kernel's randomness, as libsodium reads it (getrandom). Never fails, never waits once the system is up.
class SystemRandom final : public Random {
 public:
  void fill(MutableBytes bytes) override;
};

}  // namespace swage::crypto
