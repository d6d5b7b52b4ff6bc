// Serial numbers of zones (RFC 1982): they begin again at 0 after 2^32 - 1.
#pragma once

#include <cstdint>

namespace swage::dns {

// Whether `a` comes after `b`. Of two that are 2^31 apart neither comes after the other (section 3.2).
[[nodiscard]] constexpr bool serial_after(std::uint32_t a, std::uint32_t b) {
  const std::uint32_t ahead = a - b;
  return ahead != 0 && ahead < 0x8000'0000;
}

}  // namespace swage::dns
