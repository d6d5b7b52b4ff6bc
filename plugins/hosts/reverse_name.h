// The address that a reverse name stands for: "1.2.0.192.in-addr.arpa." (RFC 1035 section 3.5), "….ip6.arpa."
// (RFC 3596 section 2.5).
#pragma once

#include <optional>

#include "core/dns/name.h"
#include "core/net.h"

namespace swage::plugins::hosts {

// nullopt for every other name, and for parts of an address. REQUIRES: `name` is in lower case.
[[nodiscard]] std::optional<IpAddress> parse_reverse_name(dns::NameView name);

}  // namespace swage::plugins::hosts
