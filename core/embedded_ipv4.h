// The IPv4 addresses that an IPv6 address has in it, for those who decide about an address: packets for it go to that
// IPv4 address, or come from it. Pure, without allocation: the dns processes ask for each address that they answer.
#pragma once

#include <array>
#include <cstddef>
#include <span>

#include "core/net.h"

namespace swage {

// "::ffff:192.0.2.1" (RFC 4291 section 2.5.5.2), which is IPv4 itself, as 192.0.2.1; any other address as it is.
[[nodiscard]] IpAddress unmapped(const IpAddress& address);
// "::ffff:192.0.2.0/120" as 192.0.2.0/24.
[[nodiscard]] Prefix unmapped(const Prefix& network);

// All that an address may have in it; none of IPv4.
//
//     ::ffff:A            IPv4-mapped (RFC 4291)
//     ::A                 IPv4-compatible (RFC 4291), unless it is below 1.0.0.0, as in ::1
//     ::ffff:0:A          IPv4-translated (RFC 2765)
//     64:ff9b::A          NAT64 (RFC 6052)
//     64:ff9b:1::/48      NAT64 of a network of one's own (RFC 8215), in the forms of RFC 6052 for prefixes of 48, 56,
//                         64 and 96 bits: which of them it is cannot be seen, so whatever is at least 1.0.0.0
//     2002:A::/48         6to4 (RFC 3056)
//     2001:0:S:F:P:~A     Teredo (RFC 4380): the client's, whose bits are inverted
//     …:0:5efe:A          ISATAP (RFC 5214), also …:200:5efe:A
class EmbeddedIpv4 {
 public:
  explicit EmbeddedIpv4(const IpAddress& address);

  [[nodiscard]] const IpAddress* begin() const { return found_.data(); }
  [[nodiscard]] const IpAddress* end() const { return found_.data() + count_; }

 private:
  void add(Bytes four);

  std::array<IpAddress, 5> found_;
  std::size_t count_ = 0;
};

}  // namespace swage
