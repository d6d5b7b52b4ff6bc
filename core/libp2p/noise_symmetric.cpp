#include "core/libp2p/noise_symmetric.h"

#include <algorithm>
#include <limits>

namespace swage::libp2p::noise {

using ByteVector = std::vector<std::uint8_t>;
using Kind = NoiseError::Kind;

// "The 25519_ChaChaPoly functions" (section 12.3):   00 00 00 00 | the number, little-endian
NoiseResult<crypto::ChaChaNonce> CipherState::nonce() const {
  if (next_ == std::numeric_limits<std::uint64_t>::max()) {
    return std::unexpected(NoiseError(Kind::exhausted, "noise: no numbers are left for messages"));
  }
  crypto::ChaChaNonce nonce{};
  for (unsigned i = 0; i < 8; ++i) nonce[4 + i] = static_cast<std::uint8_t>(next_ >> 8 * i);
  return nonce;
}

NoiseResult<> CipherState::encrypt(Bytes additional, Bytes plaintext, MutableBytes out) {
  TRY(const crypto::ChaChaNonce number, nonce());
  crypto::chacha20_poly1305_seal(std::as_const(key_).bytes(), number, additional, plaintext, out);
  ++next_;
  return {};
}

NoiseResult<> CipherState::decrypt(Bytes additional, Bytes sealed, MutableBytes out) {
  TRY(const crypto::ChaChaNonce number, nonce());
  if (sealed.size() < kTagSize) {
    return std::unexpected(NoiseError(Kind::too_short, "noise: a ciphertext without a tag"));
  }
  if (!crypto::chacha20_poly1305_open(std::as_const(key_).bytes(), number, additional, sealed, out)) {
    return std::unexpected(NoiseError(Kind::not_authentic, "noise: a message that is not authentic"));
  }
  ++next_;
  return {};
}

SymmetricState::SymmetricState(std::string_view protocol_name) {
  CHECK(protocol_name.size() <= hash_.size());
  std::ranges::copy(as_bytes(protocol_name), hash_.begin());
  chaining_key_ = crypto::Secret::copy_of(hash_);
}

void SymmetricState::mix_hash(Bytes data) { hash_ = crypto::sha256({hash_, data}); }

// The HKDF of Noise (section 4.3) is that of RFC 5869 with the chaining key as salt and no info.
void SymmetricState::mix_key(Bytes key_material) {
  crypto::Secret keys(2 * crypto::kDigestSize);
  crypto::hkdf_sha256(std::as_const(chaining_key_).bytes(), key_material, {}, keys.bytes());
  const Bytes both = std::as_const(keys).bytes();
  chaining_key_ = crypto::Secret::copy_of(both.first(crypto::kDigestSize));
  cipher_.emplace(both.subspan(crypto::kDigestSize));
}

NoiseResult<> SymmetricState::encrypt_and_hash(Bytes plaintext, ByteVector& out) {
  const std::size_t begin = out.size();
  out.resize(begin + plaintext.size() + overhead());
  const MutableBytes added = MutableBytes(out).subspan(begin);
  if (cipher_) {
    TRY(cipher_->encrypt(hash_, plaintext, added));
  } else {
    std::ranges::copy(plaintext, added.begin());
  }
  mix_hash(added);
  return {};
}

NoiseResult<ByteVector> SymmetricState::decrypt_and_hash(Bytes sealed) {
  ByteVector plaintext(sealed.begin(), sealed.end());
  if (cipher_) {
    plaintext.resize(std::max(sealed.size(), kTagSize) - kTagSize);
    TRY(cipher_->decrypt(hash_, sealed, plaintext));
  }
  mix_hash(sealed);
  return plaintext;
}

SymmetricState::Ciphers SymmetricState::split() const {
  crypto::Secret keys(2 * crypto::kChaChaKeySize);
  crypto::hkdf_sha256(chaining_key_.bytes(), {}, {}, keys.bytes());
  const Bytes both = std::as_const(keys).bytes();
  return {CipherState(both.first(crypto::kChaChaKeySize)), CipherState(both.subspan(crypto::kChaChaKeySize))};
}

}  // namespace swage::libp2p::noise
