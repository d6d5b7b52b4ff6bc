#include "core/server/message_codec.h"

#include <algorithm>

namespace swage::server {

void MessageWriter::put(const std::string& text) {
  const std::size_t room = Packet::kMaxText - std::min(Packet::kMaxText, packet_.bytes.size());
  const std::size_t size = std::min(text.size(), room);
  put_raw(size, 4);
  packet_.bytes.append(text, 0, size);
}

void MessageWriter::put(const Endpoint& endpoint) {
  put_raw(endpoint.address.is_v6() ? 6 : 4, 1);
  packet_.bytes.append(as_text(endpoint.address.bytes()));
  put_raw(endpoint.port, 2);
}

std::uint64_t MessageReader::get_raw(std::size_t bytes) {
  std::uint64_t value = 0;
  sound_ = sound_ && rest_.size() >= bytes;
  if (!sound_) return 0;
  std::memcpy(&value, rest_.data(), bytes);
  rest_.remove_prefix(bytes);
  return value;
}

void MessageReader::get(std::string& text) {
  const std::uint64_t size = get_raw(4);
  sound_ = sound_ && rest_.size() >= size;
  if (!sound_) return;
  text = rest_.substr(0, size);
  rest_.remove_prefix(size);
}

void MessageReader::get(Endpoint& endpoint) {
  const std::uint64_t family = get_raw(1);
  const std::size_t size = family == 6 ? 16 : 4;
  sound_ = sound_ && (family == 4 || family == 6) && rest_.size() >= size;
  if (!sound_) return;
  const Bytes address = as_bytes(rest_.substr(0, size));
  endpoint.address = family == 6 ? IpAddress::v6(address) : IpAddress::v4(address);
  rest_.remove_prefix(size);
  endpoint.port = static_cast<std::uint16_t>(get_raw(2));
}

}  // namespace swage::server
