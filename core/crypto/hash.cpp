#include "core/crypto/hash.h"

#include <algorithm>

#include <sodium/crypto_auth_hmacsha256.h>
#include <sodium/crypto_hash_sha256.h>

#include "core/crypto/secret.h"
#include "core/result.h"

namespace swage::crypto {
namespace {

// An HMAC over a message that comes in pieces.
class Hmac {
 public:
  explicit Hmac(Bytes key) {
    const std::uint8_t none = 0;  // libsodium wants an address for an empty key too
    crypto_auth_hmacsha256_init(&state_, key.empty() ? &none : key.data(), key.size());
  }
  Hmac(const Hmac&) = delete;
  Hmac& operator=(const Hmac&) = delete;
  ~Hmac() { wipe({reinterpret_cast<std::uint8_t*>(&state_), sizeof state_}); }

  Hmac& add(Bytes piece) {
    crypto_auth_hmacsha256_update(&state_, piece.data(), piece.size());
    return *this;
  }
  void finish(Digest& digest) { crypto_auth_hmacsha256_final(&state_, digest.data()); }

 private:
  crypto_auth_hmacsha256_state state_;
};

}  // namespace

Digest sha256(Bytes message) {
  Digest digest;
  crypto_hash_sha256(digest.data(), message.data(), message.size());
  return digest;
}

Digest hmac_sha256(Bytes key, Bytes message) {
  Digest digest;
  Hmac(key).add(message).finish(digest);
  return digest;
}

void hkdf_sha256(Bytes salt, Bytes key_material, Bytes info, MutableBytes out) {
  CHECK(out.size() <= 255 * kDigestSize);
  Digest extracted = hmac_sha256(salt, key_material);
  Digest block{};
  std::size_t block_size = 0;  // of the block before: the first has none
  for (std::uint8_t counter = 1; !out.empty(); ++counter) {
    Hmac(extracted).add({block.data(), block_size}).add(info).add({&counter, 1}).finish(block);
    block_size = std::min(out.size(), block.size());
    std::copy_n(block.begin(), block_size, out.begin());
    out = out.subspan(block_size);
  }
  wipe(extracted);
  wipe(block);
}

}  // namespace swage::crypto
