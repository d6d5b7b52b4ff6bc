#include "core/dns/client_subnet.h"

#include <algorithm>
#include <array>

namespace swage::dns {
namespace {

// RFC 7871 section 6: family (2 bytes), source and scope prefix length (1 each), as many bytes of the address as the
// source prefix length takes.
constexpr std::size_t kHead = 4;
constexpr std::uint8_t kIpv4 = 1, kIpv6 = 2;  // IANA's address families

constexpr std::size_t bytes_of(std::uint8_t bits) { return (bits + 7U) / 8U; }

}  // namespace

std::optional<Prefix> client_subnet(const Query& query) {
  const Bytes option = query.edns.option(kOptionClientSubnet);
  if (option.size() < kHead || option[0] != 0 || (option[1] != kIpv4 && option[1] != kIpv6)) return std::nullopt;
  const bool is_v6 = option[1] == kIpv6;
  const std::uint8_t source = option[2], scope = option[3];
  const Bytes sent = option.subspan(kHead);
  if (source > (is_v6 ? 128 : 32) || scope != 0 || sent.size() != bytes_of(source)) return std::nullopt;
  if (source % 8 != 0 && (sent.back() & (0xFF >> (source % 8))) != 0) return std::nullopt;  // beyond the prefix
  std::array<std::uint8_t, 16> address{};
  std::ranges::copy(sent, address.begin());
  return Prefix{is_v6 ? IpAddress::v6(address) : IpAddress::v4(Bytes(address).first(4)), source};
}

void add_client_subnet(Response& response, const Prefix& subnet, std::uint8_t scope) {
  const std::size_t size = bytes_of(subnet.length);
  const MutableBytes data = response.arena.allocate(kHead + size);
  data[0] = 0;
  data[1] = subnet.address.is_v6() ? kIpv6 : kIpv4;
  data[2] = subnet.length;
  data[3] = scope;
  std::ranges::copy(subnet.address.bytes().first(size), data.begin() + kHead);
  response.options.push_back({kOptionClientSubnet, data});
}

}  // namespace swage::dns
