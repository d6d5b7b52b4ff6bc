// Starts libsodium. What draws random bytes or allocates secrets calls it; calling it again costs a load. Any process.
#pragma once

#include <sodium/core.h>

#include "core/result.h"

namespace swage::crypto {

inline void start_sodium() {
  static const bool started = sodium_init() >= 0;
  CHECK(started);
}

}  // namespace swage::crypto
