#include "core/crypto/x25519.h"

#include <utility>

#include <sodium/crypto_scalarmult_curve25519.h>

namespace swage::crypto {

X25519Key X25519Key::generate(Random& random) {
  Secret key(kX25519Size);
  random.fill(key.bytes());
  return X25519Key(std::move(key));
}

X25519Key X25519Key::from_bytes(Bytes bytes) {
  CHECK(bytes.size() == kX25519Size);
  return X25519Key(Secret::copy_of(bytes));
}

X25519Key::X25519Key(Secret key) : key_(std::move(key)) {
  CHECK(crypto_scalarmult_curve25519_base(public_.data(), key_.bytes().data()) == 0);
}

Result<Secret> X25519Key::agree(const X25519Public& theirs) const {
  Secret shared(kX25519Size);
  if (crypto_scalarmult_curve25519(shared.bytes().data(), key_.bytes().data(), theirs.data()) != 0) {
    return fail("the X25519 public key is a point of small order");
  }
  return shared;
}

}  // namespace swage::crypto
