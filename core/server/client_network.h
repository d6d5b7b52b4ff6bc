// Networks of clients, where what strangers may fill is shared out among them: an IPv4 network of 24 bits or an IPv6
// network of 48 bits, what one person rents as a whole. Pure.
#pragma once

#include <algorithm>
#include <array>
#include <cstdint>

#include "core/bytes.h"
#include "core/net.h"

namespace swage::server {

// The first bytes of an address: of IPv4 `v4`, of IPv6 `v6`; the others are 0.
[[nodiscard]] inline IpAddress first_bytes(const IpAddress& address, std::size_t v4, std::size_t v6) {
  std::array<std::uint8_t, 16> bytes{};
  std::copy_n(address.bytes().begin(), address.is_v6() ? v6 : v4, bytes.begin());
  return address.is_v6() ? IpAddress::v6(bytes) : IpAddress::v4(Bytes(bytes).first(4));
}

[[nodiscard]] inline IpAddress network_of(const IpAddress& client) { return first_bytes(client, 3, 6); }

// The same as a number, which is never 0: 4 or 6, then the bytes of the network.
[[nodiscard]] inline std::uint64_t network_number(const IpAddress& client) {
  const std::size_t size = client.is_v6() ? 6 : 3;
  std::uint64_t number = client.is_v6() ? 6 : 4;
  for (std::size_t i = 0; i < size; ++i) number = number << 8 | client.bytes()[i];
  return number;
}

// 8 bytes, big-endian.
inline void store_network(std::uint8_t* to, std::uint64_t network) {
  store_u32(to, static_cast<std::uint32_t>(network >> 32));
  store_u32(to + 4, static_cast<std::uint32_t>(network));
}
[[nodiscard]] inline std::uint64_t load_network(const std::uint8_t* from) {
  return std::uint64_t{load_u32(from)} << 32 | load_u32(from + 4);
}

}  // namespace swage::server
