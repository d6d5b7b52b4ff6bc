// The labels in which addresses are written: "203-0-113-1", "2001-db8--1". No I/O.
#pragma once

#include <optional>

#include "core/net.h"

namespace swage::forge {

// The address that a label says. IPv4: four decimal octets, joined by '-', without leading zeros. IPv6: groups of 1 to
// 4 hexadecimal digits, joined by '-'; eight of them, or fewer with one "--" for the zeros that are missing (at least
// one group). REQUIRES: lower-case, as in Query::key; upper-case digits are not accepted.
[[nodiscard]] std::optional<IpAddress> parse_address_label(Bytes label);

}  // namespace swage::forge
