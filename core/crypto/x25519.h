// X25519 (RFC 7748) by libsodium: two sides that know each other's public keys agree on a secret. Pure functions over
// an owned key; any process.
#pragma once

#include <array>
#include <cstdint>

#include "core/bytes.h"
#include "core/crypto/random.h"
#include "core/crypto/secret.h"
#include "core/result.h"

namespace swage::crypto {

inline constexpr std::size_t kX25519Size = 32;  // bytes of a private key, a public key and a shared secret
using X25519Public = std::array<std::uint8_t, kX25519Size>;

// A private key.
class X25519Key {
 public:
  [[nodiscard]] static X25519Key generate(Random& random);
  // REQUIRES: 32 bytes, secret. Any will do: the bits that must have certain values are set when it is used.
  [[nodiscard]] static X25519Key from_bytes(Bytes bytes);

  [[nodiscard]] const X25519Public& public_key() const { return public_; }

  // What only the owner of the other key can know too (RFC 7748, section 6.1). It is not a key yet: hash it. Fails for
  // a point of small order, with which the secret would be zeros whatever our key is.
  [[nodiscard]] Result<Secret> agree(const X25519Public& theirs) const;

 private:
  explicit X25519Key(Secret key);

  Secret key_;
  X25519Public public_;
};

}  // namespace swage::crypto
