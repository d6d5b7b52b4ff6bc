// When a Keeper does something, by the wall clock, which may be set at any time: so it is never relied on for long.
// Pure functions; any process. Internal to core/certificates.
#pragma once

#include <chrono>
#include <cstdint>

#include "core/certificates/record.h"

namespace swage::certificates {

// How long to wait before anything is looked at again; 0: a certificate is to be got now. `due`: when it is, `now`:
// seconds since 1970. `is_missing`: there is none.
[[nodiscard]] std::chrono::milliseconds pause_until(std::int64_t due, const OrderRecord& record, bool is_missing,
                                                    std::int64_t now);

}  // namespace swage::certificates
