#include "core/crypto/ed25519.h"

#include <algorithm>

#include <sodium/crypto_sign_ed25519.h>

#include "core/result.h"

namespace swage::crypto {

Ed25519Key Ed25519Key::from_seed(Bytes seed) {
  CHECK(seed.size() == kEd25519Size);
  Ed25519Key key;
  key.key_ = Secret(crypto_sign_ed25519_SECRETKEYBYTES);
  Ed25519Public unused;
  CHECK(crypto_sign_ed25519_seed_keypair(unused.data(), key.key_.bytes().data(), seed.data()) == 0);
  return key;
}

Ed25519Public Ed25519Key::public_key() const {
  Ed25519Public key;
  std::ranges::copy(key_.bytes().subspan(kEd25519Size), key.begin());
  return key;
}

Ed25519Signature Ed25519Key::sign(Bytes message) const {
  Ed25519Signature signature;
  const Bytes key = key_.bytes();
  CHECK(crypto_sign_ed25519_detached(signature.data(), nullptr, message.data(), message.size(), key.data()) == 0);
  return signature;
}

bool ed25519_verify(const Ed25519Public& key, Bytes message, Bytes signature) {
  return signature.size() == crypto_sign_ed25519_BYTES &&
         crypto_sign_ed25519_verify_detached(signature.data(), message.data(), message.size(), key.data()) == 0;
}

}  // namespace swage::crypto
