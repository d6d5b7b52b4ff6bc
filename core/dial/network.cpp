#include "core/dial/network.h"

#include <algorithm>
#include <array>

namespace swage::dial {
namespace {

struct Embedding {
  std::array<std::uint8_t, 12> front;
  std::size_t length;  // bytes of it; the IPv4 address follows
};

constexpr Embedding kEmbeddings[] = {
    {{0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xFF, 0xFF}, 12},  // ::ffff:0:0/96
    {{0, 0x64, 0xFF, 0x9B}, 12},                       // 64:ff9b::/96
    {{0x20, 0x02}, 2},                                 // 2002::/16
};

}  // namespace

IpAddress destination_of(const IpAddress& address) {
  if (!address.is_v6()) return address;
  const Bytes bytes = address.bytes();
  for (const auto& [front, length] : kEmbeddings) {
    if (std::ranges::equal(bytes.first(length), Bytes(front).first(length))) {
      return IpAddress::v4(bytes.subspan(length, 4));
    }
  }
  return address;
}

Prefix network_of(const IpAddress& address) {
  const IpAddress real = destination_of(address);
  std::array<std::uint8_t, 16> bytes{};
  const std::size_t kept = real.is_v6() ? 6 : 3;
  std::copy_n(real.bytes().begin(), kept, bytes.begin());
  return {real.is_v6() ? IpAddress::v6(bytes) : IpAddress::v4(Bytes(bytes).first(4)),
          static_cast<std::uint8_t>(8 * kept)};
}

}  // namespace swage::dial
