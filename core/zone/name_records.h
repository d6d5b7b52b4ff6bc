// The records of one name of a zone image: for what changes a zone. Any process; no I/O. Owners of NSEC3 records are no
// names of the zone.
#pragma once

#include <cstdint>
#include <functional>

#include "core/bytes.h"
#include "core/dns/name.h"
#include "core/dns/types.h"

namespace swage::zone {

using TakeRecord = std::function<void(dns::NameView owner, dns::Type type, std::uint32_t ttl, Bytes rdata)>;

// Calls `take` for each record of exactly `name`, RRset by RRset; nothing where the zone does not have it. What it is
// handed lies in the image. REQUIRES: View::check(image) succeeded; `name` is under the apex.
void for_each_record_of(Bytes image, dns::NameView name, const TakeRecord& take);

}  // namespace swage::zone
