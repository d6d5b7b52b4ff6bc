// The digest of a signed zone (ZONEMD, RFC 8976), which is made last, since it covers signatures, and is signed itself.
// Internal to this folder; in the service process.
#pragma once

#include <cstdint>

#include "core/bytes.h"
#include "core/dnssec/zone_keys.h"
#include "core/result.h"

namespace swage::signing {

// Fills in the digest of a zone that was signed with SigningPolicy::zonemd, and makes the signatures of that record
// anew, in place and with the times that they have. An Error where a key cannot sign. `now` in seconds since 1970.
// REQUIRES: `image` is signed with `keys`.
[[nodiscard]] Result<> fill_in_digest(MutableBytes image, const dnssec::ZoneKeys& keys, std::int64_t now);

}  // namespace swage::signing
