#include "core/dial/address_policy.h"

#include <algorithm>
#include <span>

#include "core/dial/reserved_ports.h"
#include "core/embedded_ipv4.h"

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

// What of providers' documentation is one address for all of their machines; most are not public either.
bool is_metadata(const IpAddress& address) {
  static const std::vector<Prefix> kMetadata = prefixes({
      "169.254.169.254",     // nearly all of them
      "169.254.169.253",     // AWS: DNS
      "169.254.169.123",     // AWS: time
      "169.254.170.2",       // AWS ECS: credentials
      "169.254.170.23",      // AWS EKS: credentials
      "fd00:ec2::254",       // AWS
      "fd00:ec2::253",       // AWS: DNS
      "fd00:ec2::123",       // AWS: time
      "fd00:ec2::23",        // AWS EKS: credentials
      "168.63.129.16",       // Azure
      "fd20:ce::254",        // Google
      "192.0.0.192",         // Oracle
      "100.100.100.200",     // Alibaba
      "169.254.0.23",        // Tencent
      "169.254.42.42",       // Scaleway
      "fd00:42::42",         // Scaleway
      "fd00:a9fe:a9fe::1",   // Akamai
      "fd00:a9fe:a9fe::254"  // Hetzner, Vultr and others that have it in IPv6
  });
  return any_contains(kMetadata, address);
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

}  // namespace

AddressPolicy::AddressPolicy(std::vector<Prefix> allow, std::vector<Prefix> deny,
                             std::vector<std::uint16_t> allowed_ports)
    : allow_(std::move(allow)), deny_(std::move(deny)), allowed_ports_(std::move(allowed_ports)) {}

std::string_view AddressPolicy::objection(const IpAddress& address) const {
  if (is_never_a_peer(address)) return "no unicast address";
  if (any_contains(deny_, address)) return "denied";
  if (const IpAddress plain = unmapped(address); plain != address) return objection(plain);
  for (const IpAddress& embedded : EmbeddedIpv4(address)) {
    if (const std::string_view why = objection(embedded); !why.empty()) return why;
  }
  const bool alone = std::ranges::any_of(allow_, [&](const Prefix& prefix) {
    return prefix.contains(address) && prefix.length == 8 * address.bytes().size();
  });
  if (is_metadata(address) && !alone) return "a cloud's metadata";
  if (any_contains(allow_, address)) return "";
  if (std::ranges::find(own_, address) != own_.end()) return "an address of this machine";
  return is_public(address) ? "" : "not public";
}

std::string_view AddressPolicy::objection(std::uint16_t port) const {
  if (std::ranges::find(allowed_ports_, port) != allowed_ports_.end()) return "";
  return reserved_port(port);
}

}  // namespace swage::dial
