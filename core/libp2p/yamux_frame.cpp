#include "core/libp2p/yamux_frame.h"

#include <fmt/format.h>

namespace swage::libp2p::yamux {

void append_header(std::vector<std::uint8_t>& out, const Header& header) {
  const std::size_t at = out.size();
  out.resize(at + kHeaderSize);
  out[at] = 0;
  out[at + 1] = static_cast<std::uint8_t>(header.type);
  store_u16(&out[at + 2], header.flags);
  store_u32(&out[at + 4], header.stream);
  store_u32(&out[at + 8], header.length);
}

std::expected<Header, YamuxError> parse_header(Bytes bytes) {
  CHECK(bytes.size() == kHeaderSize);
  using Kind = YamuxError::Kind;
  if (bytes[0] != 0) return std::unexpected(YamuxError(Kind::bad_version, fmt::format("yamux version {}", bytes[0])));
  if (bytes[1] > 3) return std::unexpected(YamuxError(Kind::bad_type, fmt::format("yamux type {}", bytes[1])));
  return Header{static_cast<Type>(bytes[1]), load_u16(&bytes[2]), load_u32(&bytes[4]), load_u32(&bytes[8])};
}

}  // namespace swage::libp2p::yamux
