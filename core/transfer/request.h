// What a secondary asks a primary: SOA, AXFR (RFC 5936) or IXFR (RFC 1995), as messages. No I/O. In the service
// process.
#pragma once

#include <cstdint>
#include <optional>
#include <vector>

#include "core/bytes.h"
#include "core/dns/name.h"
#include "core/dns/types.h"
#include "core/result.h"
#include "core/transfer/receiver.h"

namespace swage::transfer {

// AXFR, or IXFR from Request::serial.
[[nodiscard]] std::vector<std::uint8_t> encode(const Request& request);
[[nodiscard]] std::vector<std::uint8_t> encode_soa_query(const Request& request);

// The serial number of the zone in the answer to a SOA query, whose id and question are the caller's to compare. An
// Error where the answer is not authoritative, or has no SOA record of the zone.
[[nodiscard]] Result<std::uint32_t> read_serial(Bytes answer, dns::NameView zone);

}  // namespace swage::transfer
