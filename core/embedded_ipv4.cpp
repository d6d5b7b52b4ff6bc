#include "core/embedded_ipv4.h"

#include <algorithm>

namespace swage {
namespace {

template <typename... Byte>
bool begins(Bytes bytes, Byte... front) {
  const std::array<std::uint8_t, sizeof...(Byte)> expected{static_cast<std::uint8_t>(front)...};
  return std::ranges::equal(bytes.first(expected.size()), expected);
}

bool is_mapped(Bytes bytes) { return begins(bytes, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xFF, 0xFF); }

}  // namespace

IpAddress unmapped(const IpAddress& address) {
  if (!address.is_v6() || !is_mapped(address.bytes())) return address;
  return IpAddress::v4(address.bytes().subspan(12));
}

Prefix unmapped(const Prefix& network) {
  constexpr std::uint8_t kMappedLength = 96;
  const IpAddress plain = unmapped(network.address);
  if (network.length < kMappedLength || plain == network.address) return network;
  return {plain, static_cast<std::uint8_t>(network.length - kMappedLength)};
}

EmbeddedIpv4::EmbeddedIpv4(const IpAddress& address) {
  if (!address.is_v6()) return;
  const Bytes bytes = address.bytes();
  const Bytes last = bytes.subspan(12);
  if (bytes[0] == 0 && bytes[1] == 0) {
    const bool compatible = begins(bytes, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0) && last[0] != 0;
    const bool translated = begins(bytes, 0, 0, 0, 0, 0, 0, 0, 0, 0xFF, 0xFF, 0, 0);
    if (is_mapped(bytes) || compatible || translated) add(last);
  } else if (begins(bytes, 0, 0x64, 0xFF, 0x9B, 0, 0, 0, 0, 0, 0, 0, 0)) {
    add(last);
  } else if (begins(bytes, 0, 0x64, 0xFF, 0x9B, 0, 1)) {
    // The byte at 8 is none of the address's (RFC 6052 section 2.2).
    if (bytes[6] != 0) add(std::array{bytes[6], bytes[7], bytes[9], bytes[10]});
    if (bytes[7] != 0) add(std::array{bytes[7], bytes[9], bytes[10], bytes[11]});
    if (bytes[9] != 0) add(std::array{bytes[9], bytes[10], bytes[11], bytes[12]});
    if (last[0] != 0 || count_ == 0) add(last);
  } else if (begins(bytes, 0x20, 0x02)) {
    add(bytes.subspan(2, 4));
  } else if (begins(bytes, 0x20, 0x01, 0, 0)) {
    std::array<std::uint8_t, 4> client;
    std::ranges::transform(last, client.begin(), [](std::uint8_t byte) { return static_cast<std::uint8_t>(~byte); });
    add(client);
  }
  const Bytes interface = bytes.subspan(8);
  if (begins(interface, 0, 0, 0x5E, 0xFE) || begins(interface, 2, 0, 0x5E, 0xFE)) add(last);
}

void EmbeddedIpv4::add(Bytes four) { found_[count_++] = IpAddress::v4(four); }

}  // namespace swage
