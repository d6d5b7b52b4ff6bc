// When a certificate is renewed, and when what has failed is tried again. Pure functions; any process.
#pragma once

#include <chrono>
#include <cstdint>
#include <optional>

#include "core/acme/issuance.h"

namespace swage::acme {

// When to renew, seconds since 1970: at a point of what the CA suggests (RFC 9773 section 4.2), but not in the last
// sixth of the life; else where a third of the life is left, some of it earlier. The point is another one for each
// certificate, and always the same for one.
[[nodiscard]] std::int64_t renewal_time(const crypto::Issued& issued, const std::optional<RenewalInfo>& suggested);

// How long to wait after `failures` in a row. Doubles: what the CA refuses is asked for again after a minute at first
// and twelve hours at last, everything else after five seconds and ten minutes; not before the CA says, a day at most.
// `share`: random, from 0 to 1, for a fourth more or less.
[[nodiscard]] std::chrono::seconds pause_after(unsigned failures, const Failure& last, double share);

}  // namespace swage::acme
