// Names as plain bytes that sort in canonical order (RFC 4034 section 6.1). Internal to core/zone.
#pragma once

#include <array>
#include <compare>
#include <cstdint>

#include "core/dns/name.h"

namespace swage::zone {

// The part of a name that is below an apex: its labels from right to left, in lower case, each followed by a 0. A 0 or
// 1 within a label becomes two bytes, so that 0 stays the lowest. Keys of names below the same apex compare, byte by
// byte and the shorter one first, as the names do.
class CanonicalKey {
 public:
  // REQUIRES: name is under an apex of `apex_size` bytes.
  CanonicalKey(dns::NameView name, std::size_t apex_size);

  [[nodiscard]] Bytes bytes() const { return {bytes_.data(), size_}; }

 private:
  std::size_t size_ = 0;
  std::array<std::uint8_t, 2 * dns::kMaxName> bytes_;
};

// The first 16 bytes of a key, zeros after its end. Where two of them differ, their order is that of the names.
struct KeyPrefix {
  std::uint64_t high = 0;
  std::uint64_t low = 0;

  [[nodiscard]] static KeyPrefix of(dns::NameView name, std::size_t apex_size);
  auto operator<=>(const KeyPrefix&) const = default;
};

}  // namespace swage::zone
