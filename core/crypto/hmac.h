// HMAC (RFC 2104) with the hashes of the SHA families, over libcrypto: for messages that come in pieces, and keys that
// are used again and again. HMAC-SHA-256 of a message at hand: core/crypto/hash.h. Any process.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <memory>

#include "core/bytes.h"

extern "C" {
struct evp_mac_ctx_st;  // OpenSSL's
}

namespace swage::crypto {

enum class Hash : std::uint8_t { sha1, sha224, sha256, sha384, sha512 };

inline constexpr std::size_t kLargestDigest = 64;  // bytes

[[nodiscard]] std::size_t digest_size(Hash hash);  // bytes

// A message authentication code. Compare it with equal() of secret.h.
struct Mac {
  std::array<std::uint8_t, kLargestDigest> data{};
  std::size_t size = 0;

  [[nodiscard]] Bytes bytes() const { return {data.data(), size}; }
};

// What it knows of the key lies in libcrypto's memory, which is wiped when this goes. It moves and does not copy.
class Hmac {
 public:
  Hmac(Hash hash, Bytes key);  // a key may have any size

  Hmac& add(Bytes piece);
  // Of all pieces since the start or since the last finish(): begins anew with the same key.
  [[nodiscard]] Mac finish();

 private:
  struct Free {
    void operator()(evp_mac_ctx_st* context) const;
  };
  std::unique_ptr<evp_mac_ctx_st, Free> context_;
};

}  // namespace swage::crypto
