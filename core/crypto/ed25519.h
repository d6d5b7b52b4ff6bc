// Ed25519 (RFC 8032) by libsodium. Pure functions over an owned key; any process.
#pragma once

#include <array>
#include <cstdint>

#include "core/bytes.h"
#include "core/crypto/secret.h"

namespace swage::crypto {

inline constexpr std::size_t kEd25519Size = 32;  // bytes of a seed, and of a public key
using Ed25519Public = std::array<std::uint8_t, kEd25519Size>;
using Ed25519Signature = std::array<std::uint8_t, 64>;

// A private key.
class Ed25519Key {
 public:
  // REQUIRES: 32 bytes, secret.
  [[nodiscard]] static Ed25519Key from_seed(Bytes seed);

  [[nodiscard]] Ed25519Public public_key() const;
  [[nodiscard]] Bytes bytes() const { return key_.bytes(); }  // secret: seed, then public key; 64 bytes
  [[nodiscard]] Ed25519Signature sign(Bytes message) const;

 private:
  Secret key_;
};

// Points of small order and signatures that are not canonical are refused.
[[nodiscard]] bool ed25519_verify(const Ed25519Public& key, Bytes message, Bytes signature);

}  // namespace swage::crypto
