// The rdata of a record from presentation to wire format, for every type. Internal to core/zonefile; in the service
// process.
#pragma once

#include "core/zonefile/fields.h"

namespace swage::zonefile {

// Reads all tokens of `text` into its rdata: by the type's fields (core/dns/record_types.h), or in the form of RFC
// 3597, which is the only one for types that are not known. That the data are what the type's RFC wants is for
// check_rdata() to say.
[[nodiscard]] OrFault<> parse_rdata(RdataText& text);

// For parse_rdata alone: types whose text is more than their fields in order,
[[nodiscard]] OrFault<> parse_svcb(RdataText& text);      // RFC 9460; svcb.cpp
[[nodiscard]] OrFault<> parse_loc(RdataText& text);       // RFC 1876 section 3; loc.cpp
[[nodiscard]] OrFault<> parse_wks(RdataText& text);       // RFC 1035 section 3.4.2; wks.cpp
[[nodiscard]] OrFault<> parse_nsap(RdataText& text);      // RFC 1706 section 5; these and all below: rare.cpp
[[nodiscard]] OrFault<> parse_atma(RdataText& text);      // af-dans-0152
[[nodiscard]] OrFault<> parse_a6(RdataText& text);        // RFC 2874 section 3.2
[[nodiscard]] OrFault<> parse_apl(RdataText& text);       // RFC 3123 section 5
[[nodiscard]] OrFault<> parse_hip(RdataText& text);       // RFC 8005 section 6
[[nodiscard]] OrFault<> parse_amtrelay(RdataText& text);  // RFC 8777 section 4.3

// and single fields.
[[nodiscard]] OrFault<> parse_nxt_bitmap(RdataText& text);  // RFC 2535 section 5.2
[[nodiscard]] OrFault<> parse_locator(RdataText& text);     // RFC 6742 section 2.1.2: four groups of 16 bits
[[nodiscard]] OrFault<> parse_eui(RdataText& text, std::size_t bytes);  // RFC 7043
[[nodiscard]] OrFault<> parse_node_number(RdataText& text);             // of IPN: 64 bits, or 32.32
[[nodiscard]] OrFault<> parse_base64_or_dash(RdataText& text);

}  // namespace swage::zonefile
