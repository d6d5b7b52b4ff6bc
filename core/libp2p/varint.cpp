#include "core/libp2p/varint.h"

#include <algorithm>

#include "core/result.h"

namespace swage::libp2p::varint {

std::expected<Decoded, Fault> read(Bytes bytes) {
  std::uint64_t value = 0;
  for (std::size_t i = 0; i < std::min(bytes.size(), kMaxSize); ++i) {
    value |= static_cast<std::uint64_t>(bytes[i] & 0x7F) << (7 * i);
    if ((bytes[i] & 0x80) != 0) continue;
    if (bytes[i] == 0 && i > 0) return std::unexpected(Fault::malformed);
    return Decoded{value, i + 1};
  }
  return std::unexpected(bytes.size() < kMaxSize ? Fault::incomplete : Fault::malformed);
}

void append(std::vector<std::uint8_t>& out, std::uint64_t value) {
  CHECK(value >> 63 == 0);
  for (; value >= 0x80; value >>= 7) out.push_back(static_cast<std::uint8_t>(value | 0x80));
  out.push_back(static_cast<std::uint8_t>(value));
}

}  // namespace swage::libp2p::varint
