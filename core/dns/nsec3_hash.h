// The hash of names in NSEC3 records (RFC 5155 section 5), SHA-1.
#pragma once

#include <array>
#include <cstdint>

#include "core/bytes.h"
#include "core/dns/name.h"

namespace swage::dns {

inline constexpr std::size_t kNsec3HashSize = 20;
// Beyond this a zone is refused: every answer that denies something would cost too much (RFC 9276 section 3.2).
inline constexpr unsigned kMaxNsec3Iterations = 500;

using Nsec3Hash = std::array<std::uint8_t, kNsec3HashSize>;

// In any case. `iterations` are the additional ones, 0 for a single hash.
[[nodiscard]] Nsec3Hash nsec3_hash(NameView name, Bytes salt, unsigned iterations);

}  // namespace swage::dns
