// What a record must be like before a zone takes it, as far as Zone::answer relies on it. Internal to core/dns.
#pragma once

#include "core/bytes.h"
#include "core/dns/types.h"
#include "core/result.h"

namespace swage::dns {

// That rdata of the types an answer looks into, and of those in RFC 1035, has the form that they have on the wire, and
// that the type may be in a zone at all. An Error starts with the type.
[[nodiscard]] Result<> check_record(Type type, Bytes rdata);

}  // namespace swage::dns
