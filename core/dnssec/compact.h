// Compact denial of existence (RFC 9824): an NSEC record made for one answer, which says of one name which types it
// has, and of no other name anything. No I/O; in dns processes.
#pragma once

#include <span>
#include <vector>

#include "core/bytes.h"
#include "core/dns/name.h"
#include "core/dns/types.h"

namespace swage::dnssec {

// The name that comes right after `name` in canonical order (RFC 4034 section 6.1), whatever the zone holds: no name
// can be between them (RFC 4471 section 3.1.1). After the last one of all comes the apex. Lower case. REQUIRES: `name`
// is under `apex`.
[[nodiscard]] dns::Name successor(dns::NameView name, dns::NameView apex);

// Bytes of an NSEC record's data at most.
[[nodiscard]] std::size_t nsec_room(std::span<const dns::Type> types);
// Writes the data of the NSEC record of `owner` and returns their size: its successor, and `types`, which are sorted,
// each once, for it. REQUIRES: `rdata` has nsec_room(types) bytes.
[[nodiscard]] std::size_t write_nsec(dns::NameView owner, dns::NameView apex, std::vector<dns::Type>& types,
                                     MutableBytes rdata);

// What a name may have of which nobody knows what it has: the types of usual data. To claim one too many does no harm;
// one too few would deny what is there to whoever uses the record for other questions (RFC 8198). None of them changes
// what is below the name or stands for another name (NS, DNAME, CNAME).
[[nodiscard]] std::span<const dns::Type> usual_types();

}  // namespace swage::dnssec
