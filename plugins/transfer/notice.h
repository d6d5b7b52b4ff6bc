// NOTIFY as a primary sends it (RFC 1996): the message, and what comes back. No I/O. In the service process; faces
// whatever anybody may send to the port that it was sent from.
#pragma once

#include <cstdint>
#include <vector>

#include "core/bytes.h"
#include "core/dns/name.h"
#include "core/zone/all_records.h"

namespace swage::plugins::transfer {

// "The zone whose SOA record this is has changed" (section 3.7). REQUIRES: `soa` is that record.
[[nodiscard]] std::vector<std::uint8_t> encode_notice(std::uint16_t id, const zone::ZoneRecord& soa);

enum class Reply : std::uint8_t {
  foreign,       // not a response to this notice
  acknowledged,  // NOERROR
  declined,      // another rcode: the secondary does not want to be told
};

// `sent` by encode_notice(). A response has the id, the opcode and the question of what was sent (section 4.7).
[[nodiscard]] Reply judge_reply(Bytes received, Bytes sent);

}  // namespace swage::plugins::transfer
