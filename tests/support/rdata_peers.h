// What other implementations say of one record each: whether they take it into a zone.
#pragma once

#include <string>
#include <vector>

#include "tests/support/loopback.h"

namespace swage::tests {

// True at the place of each record that is taken. `records` are type and data, "MX 10 a."; each goes into a zone of its
// own with a SOA, an NS and an address, or as many into one as the program can tell apart.
[[nodiscard]] std::vector<bool> taken_by_bind(const Folder& folder, const std::vector<std::string>& records);
[[nodiscard]] std::vector<bool> taken_by_knot(const Folder& folder, const std::vector<std::string>& records);
[[nodiscard]] std::vector<bool> taken_by_ldns(const Folder& folder, const std::vector<std::string>& records);

// The data in wire form, in hexadecimal, of records that BIND takes, as named-compilezone writes them into a zone of
// its "raw" format.
[[nodiscard]] std::vector<std::string> wire_by_bind(const Folder& folder, const std::vector<std::string>& records);

}  // namespace swage::tests
