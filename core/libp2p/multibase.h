// Texts of bytes in the bases that libp2p writes peer IDs in (https://github.com/multiformats/multibase). General and
// slow (quadratic): for printing, for short texts and to check peer_id.cpp's decoder against. No I/O, any process.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "core/bytes.h"
#include "core/result.h"

namespace swage::libp2p::multibase {

// Each with its multibase prefix.
enum class Base : char {
  base32 = 'b',     // RFC 4648, lower-case, no padding
  base36 = 'k',     // lower-case
  base58btc = 'z',  // Bitcoin's alphabet; libp2p writes it without the prefix too
};

// The digits of `bytes`, without the multibase prefix.
[[nodiscard]] std::string encode(Base base, Bytes bytes);

// The inverse of encode(), and only of it: what encode() does not write is an Error (upper case, padding, base32 with
// bits left over). `digits` come without the multibase prefix.
[[nodiscard]] Result<std::vector<std::uint8_t>> decode(Base base, std::string_view digits);

}  // namespace swage::libp2p::multibase
