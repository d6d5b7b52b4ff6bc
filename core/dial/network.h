// Networks, as limits see them: whoever has one address may have all of its network. Pure.
#pragma once

#include "core/net.h"

namespace swage::dial {

// Where packets for `address` go: for an IPv6 address that stands for an IPv4 address (::ffff:0:0/96, NAT64's
// 64:ff9b::/96, 6to4's 2002::/16) that one, else itself. One host, however it is written.
[[nodiscard]] IpAddress destination_of(const IpAddress& address);

// The first 24 bits of IPv4, 48 of IPv6; of its destination.
[[nodiscard]] Prefix network_of(const IpAddress& address);

}  // namespace swage::dial
