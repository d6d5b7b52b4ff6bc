// SHA-256 (FIPS 180-4), HMAC (RFC 2104) and HKDF (RFC 5869) with it. Pure functions; any process.
#pragma once

#include <array>
#include <cstdint>
#include <initializer_list>

#include "core/bytes.h"

namespace swage::crypto {

inline constexpr std::size_t kDigestSize = 32;
using Digest = std::array<std::uint8_t, kDigestSize>;

[[nodiscard]] Digest sha256(Bytes message);
// Of the pieces, one after the other.
[[nodiscard]] Digest sha256(std::initializer_list<Bytes> message);

// A key may have any size. Compare the result with equal() of secret.h.
[[nodiscard]] Digest hmac_sha256(Bytes key, Bytes message);
[[nodiscard]] Digest hmac_sha256(Bytes key, std::initializer_list<Bytes> message);

// Extract and expand: fills `out` with bytes that only somebody who knows `key_material` can know; another `info` gives
// others. REQUIRES: out.size() <= 255 * 32.
void hkdf_sha256(Bytes salt, Bytes key_material, Bytes info, MutableBytes out);

}  // namespace swage::crypto
