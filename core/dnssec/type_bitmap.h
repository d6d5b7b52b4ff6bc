// The types of a name as NSEC and NSEC3 records have them (RFC 4034 section 4.1.2). No I/O.
#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "core/dns/types.h"

namespace swage::dnssec {

// Appends the windows. REQUIRES: `types` are sorted, each once.
void append_type_bitmap(std::span<const dns::Type> types, std::vector<std::uint8_t>& to);

}  // namespace swage::dnssec
