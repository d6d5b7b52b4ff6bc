// Which IP addresses may be dialled because a stranger asked for it. A value; no I/O, any process.
#pragma once

#include <vector>

#include "core/net.h"

namespace swage::dial {

// Public unicast addresses, without those of `deny`, and in addition those of `allow`; deny wins.
//
// Not public: whatever the registries of special-purpose addresses keep out of the Internet (RFC 6890 and IANA's
// tables), 192.88.99.0/24 (RFC 7526), and IPv6 beyond 2000::/3 (RFC 4291, section 2.4). An IPv6 address that stands for
// an IPv4 address must be allowed as both: ::ffff:0:0/96 is judged as its IPv4 address alone, 64:ff9b::/96 (NAT64) and
// 2002::/16 (6to4), which are not public, as both where `allow` has them.
//
// Never, whatever `allow` says: unspecified, multicast, broadcast, and fe80::/10, which means nothing without a scope.
class AddressPolicy {
 public:
  AddressPolicy() = default;  // public addresses, no exceptions
  AddressPolicy(std::vector<Prefix> allow, std::vector<Prefix> deny);

  [[nodiscard]] bool allows(const IpAddress& address) const;

 private:
  std::vector<Prefix> allow_;
  std::vector<Prefix> deny_;
};

}  // namespace swage::dial
