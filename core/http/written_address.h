// The addresses that a text may mean to some program, for refusals. No I/O.
#pragma once

#include <string_view>
#include <vector>

#include "core/net.h"

namespace swage::http {

// Adds every address that can be found in `text`, whatever is around it: ports, brackets, quotes, zones, spaces,
// garbage. IPv4 in all forms that inet_aton() reads ("0313.0.0x71.9", "203.0.28937", "3405803785"; but for single
// numbers below 2^24, which are no unicast addresses), and what begins with zeros as decimal too ("203.000.113.009");
// dots at an end count for nothing. IPv6 as usual, its IPv4 part as above. IPv4-mapped IPv6 is IPv4.
void find_addresses(std::string_view text, std::vector<IpAddress>& found);

}  // namespace swage::http
