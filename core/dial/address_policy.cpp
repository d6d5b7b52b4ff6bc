#include "core/dial/address_policy.h"

#include <algorithm>
#include <optional>
#include <span>

namespace swage::dial {
namespace {

std::vector<Prefix> prefixes(std::initializer_list<std::string_view> texts) {
  std::vector<Prefix> list;
  for (const std::string_view text : texts) {
    const auto prefix = Prefix::parse(text);
    CHECK(prefix);
    list.push_back(*prefix);
  }
  return list;
}

bool any_contains(std::span<const Prefix> list, const IpAddress& address) {
  return std::ranges::any_of(list, [&](const Prefix& prefix) { return prefix.contains(address); });
}

bool is_never_a_peer(const IpAddress& address) {
  static const std::vector<Prefix> kNever =
      prefixes({"0.0.0.0", "224.0.0.0/4", "255.255.255.255", "::", "fe80::/10", "ff00::/8"});
  return any_contains(kNever, address);
}

bool is_public(const IpAddress& address) {
  static const std::vector<Prefix> kSpecial = prefixes({
      "0.0.0.0/8",        // this network
      "10.0.0.0/8",       // private
      "100.64.0.0/10",    // carriers' NAT
      "127.0.0.0/8",      // loopback
      "169.254.0.0/16",   // link-local
      "172.16.0.0/12",    // private
      "192.0.0.0/24",     // IETF protocols
      "192.0.2.0/24",     // documentation
      "192.88.99.0/24",   // 6to4 relays
      "192.168.0.0/16",   // private
      "198.18.0.0/15",    // benchmarks
      "198.51.100.0/24",  // documentation
      "203.0.113.0/24",   // documentation
      "224.0.0.0/4",      // multicast
      "240.0.0.0/4",      // reserved, broadcast
      "2001::/23",        // IETF protocols: Teredo, benchmarks, ORCHID, DRIP
      "2001:db8::/32",    // documentation
      "2002::/16",        // 6to4
      "3fff::/20",        // documentation
  });
  static const Prefix kGlobalUnicast = prefixes({"2000::/3"}).front();
  return (!address.is_v6() || kGlobalUnicast.contains(address)) && !any_contains(kSpecial, address);
}

// The IPv4 address to which packets for `address` go, where that can be seen: its 4 bytes from `offset`.
std::optional<IpAddress> embedded_v4(const IpAddress& address, const Prefix& network, std::size_t offset) {
  if (!network.contains(address)) return std::nullopt;
  return IpAddress::v4(address.bytes().subspan(offset, 4));
}

}  // namespace

AddressPolicy::AddressPolicy(std::vector<Prefix> allow, std::vector<Prefix> deny)
    : allow_(std::move(allow)), deny_(std::move(deny)) {}

bool AddressPolicy::allows(const IpAddress& address) const {
  static const std::vector<Prefix> kEmbedding = prefixes({"::ffff:0:0/96", "64:ff9b::/96", "2002::/16"});
  if (is_never_a_peer(address) || any_contains(deny_, address)) return false;
  if (const auto v4 = embedded_v4(address, kEmbedding[0], 12)) return allows(*v4);
  if (const auto v4 = embedded_v4(address, kEmbedding[1], 12); v4 && !allows(*v4)) return false;
  if (const auto v4 = embedded_v4(address, kEmbedding[2], 2); v4 && !allows(*v4)) return false;
  return is_public(address) || any_contains(allow_, address);
}

}  // namespace swage::dial
