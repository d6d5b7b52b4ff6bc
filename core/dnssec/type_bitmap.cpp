#include "core/dnssec/type_bitmap.h"

namespace swage::dnssec {

void append_type_bitmap(std::span<const dns::Type> types, std::vector<std::uint8_t>& to) {
  std::size_t window = SIZE_MAX, size_at = 0;
  for (const dns::Type type : types) {
    const auto number = static_cast<std::uint16_t>(type);
    if (window != number / 256U) {
      window = number / 256U;
      to.push_back(static_cast<std::uint8_t>(window));
      size_at = to.size();
      to.push_back(0);
    }
    const std::size_t byte = number % 256U / 8;
    if (to[size_at] <= byte) {
      to.resize(size_at + 2 + byte);
      to[size_at] = static_cast<std::uint8_t>(byte + 1);
    }
    to.back() = static_cast<std::uint8_t>(to.back() | 0x80 >> number % 8U);
  }
}

}  // namespace swage::dnssec
