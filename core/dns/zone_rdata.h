// The rdata of a record from presentation to wire format, for every type. Internal to core/dns; in the service process.
#pragma once

#include "core/dns/zone_text.h"

namespace swage::dns {

// Reads all tokens of `text` into its rdata: the types in wide use by our own tables, SVCB and HTTPS by RFC 9460, the
// rest by ldns, and any type in the form of RFC 3597.
[[nodiscard]] ZoneResult<> parse_rdata(RdataText& text);

// For parse_rdata alone.
[[nodiscard]] ZoneResult<> parse_svcb(RdataText& text);             // RFC 9460; zone_svcb.cpp
[[nodiscard]] ZoneResult<> parse_rdata_with_ldns(RdataText& text);  // zone_ldns.cpp

}  // namespace swage::dns
