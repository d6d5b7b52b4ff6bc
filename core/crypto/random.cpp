#include "core/crypto/random.h"

#include <sodium/randombytes.h>

#include "core/crypto/sodium.h"

namespace swage::crypto {

void SystemRandom::fill(MutableBytes bytes) {
  start_sodium();
  randombytes_buf(bytes.data(), bytes.size());
}

}  // namespace swage::crypto
