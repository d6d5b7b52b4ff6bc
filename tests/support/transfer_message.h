// For tests: messages of zone transfers with records of the test's choice, right or wrong.
#pragma once

#include <cstdint>
#include <string_view>

#include "tests/support/dns_message.h"

namespace swage::tests {

// An authoritative answer to that question with these records in its answer section, in this order: one a line, "OWNER
// TTL TYPE DATA", names absolute. Made by ldns, without compression. REQUIRES: they are records.
[[nodiscard]] Packet transfer_message(std::uint16_t id, std::string_view zone, std::string_view type,
                                      std::string_view records);

}  // namespace swage::tests
