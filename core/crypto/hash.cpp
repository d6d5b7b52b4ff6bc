// SHA-256 is libcrypto's, which uses the processor's instructions for it; libsodium's does not, and takes three times
// as long (0.39 µs for 64 bytes, not 0.12). A state of its older functions lies where we put it, and can be wiped.
#define OPENSSL_SUPPRESS_DEPRECATED
#include "core/crypto/hash.h"

#include <openssl/sha.h>

#include <algorithm>

#include "core/crypto/secret.h"
#include "core/result.h"

namespace swage::crypto {
namespace {

constexpr std::size_t kBlock = SHA256_CBLOCK;

// Of a message that comes in pieces, and may be secret.
class Sha256 {
 public:
  Sha256() { SHA256_Init(&state_); }
  Sha256(const Sha256&) = delete;
  Sha256& operator=(const Sha256&) = delete;
  ~Sha256() { wipe({reinterpret_cast<std::uint8_t*>(&state_), sizeof state_}); }

  Sha256& add(Bytes piece) {
    SHA256_Update(&state_, piece.data(), piece.size());
    return *this;
  }
  void finish(Digest& digest) { SHA256_Final(digest.data(), &state_); }

 private:
  SHA256_CTX state_;
};

// RFC 2104: H(key ^ opad, H(key ^ ipad, message)).
class Hmac {
 public:
  explicit Hmac(Bytes key) {
    std::array<std::uint8_t, kBlock> pad{};
    if (key.size() > kBlock) {
      Digest shorter;
      Sha256().add(key).finish(shorter);
      std::ranges::copy(shorter, pad.begin());
      wipe(shorter);
    } else {
      std::ranges::copy(key, pad.begin());
    }
    for (std::uint8_t& byte : pad) byte ^= 0x36;
    inner_.add(pad);
    for (std::uint8_t& byte : pad) byte ^= 0x36 ^ 0x5C;
    outer_.add(pad);
    wipe(pad);
  }

  Hmac& add(Bytes piece) {
    inner_.add(piece);
    return *this;
  }
  void finish(Digest& digest) {
    Digest inner;
    inner_.finish(inner);
    outer_.add(inner).finish(digest);
    wipe(inner);
  }

 private:
  Sha256 inner_, outer_;
};

}  // namespace

Digest sha256(std::initializer_list<Bytes> message) {
  Digest digest;
  Sha256 hash;
  for (const Bytes piece : message) hash.add(piece);
  hash.finish(digest);
  return digest;
}

Digest sha256(Bytes message) { return sha256({message}); }

Digest hmac_sha256(Bytes key, std::initializer_list<Bytes> message) {
  Digest digest;
  Hmac hmac(key);
  for (const Bytes piece : message) hmac.add(piece);
  hmac.finish(digest);
  return digest;
}

Digest hmac_sha256(Bytes key, Bytes message) { return hmac_sha256(key, {message}); }

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
