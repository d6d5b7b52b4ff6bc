// For tests: UPDATE requests (RFC 2136) from lines as nsupdate takes them:
//
//     prereq yxdomain|nxdomain NAME
//     prereq yxrrset|nxrrset NAME TYPE [DATA]
//     add NAME TTL TYPE DATA
//     del NAME [TYPE [DATA]]
//
// Names are absolute. A line may begin with "CLASS/TTL " instead, for what no client sends: then NAME TYPE [DATA] in
// the update section; "prereq CLASS/TTL …" in that of prerequisites.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "tests/support/dns_client.h"

namespace swage::tests {

// REQUIRES: the lines are as above; ends the test run otherwise. Not signed.
[[nodiscard]] Packet update_message(std::string_view zone, std::string_view lines, std::uint16_t id = 0x5357);

}  // namespace swage::tests
