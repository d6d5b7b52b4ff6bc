// ChaCha20-Poly1305 (RFC 8439, section 2.8: a nonce of 96 bits) by libsodium: bytes that nobody else can read or
// change. Pure functions; any process.
#pragma once

#include <array>
#include <cstdint>

#include "core/bytes.h"

namespace swage::crypto {

inline constexpr std::size_t kChaChaKeySize = 32;  // bytes
inline constexpr std::size_t kChaChaTagSize = 16;  // bytes that a ciphertext is longer than its plaintext
using ChaChaNonce = std::array<std::uint8_t, 12>;

// Fills `out` with the ciphertext and its tag. `additional` is protected from change, and not in `out`.
// REQUIRES: a key of 32 bytes, a nonce that was not used with it before; out.size() == plaintext.size() + 16; `out`
// begins where `plaintext` does, or does not overlap it.
void chacha20_poly1305_seal(Bytes key, const ChaChaNonce& nonce, Bytes additional, Bytes plaintext, MutableBytes out);

// Fills `out` with the plaintext. False where the bytes are not what was sealed with this key, nonce and `additional`:
// then `out` holds nothing of it. REQUIRES: a key of 32 bytes; out.size() + 16 == sealed.size(); `out` begins where
// `sealed` does, or does not overlap it.
[[nodiscard]] bool chacha20_poly1305_open(Bytes key, const ChaChaNonce& nonce, Bytes additional, Bytes sealed,
                                          MutableBytes out);

}  // namespace swage::crypto
