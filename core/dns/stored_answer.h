// A response of another nameserver as it is kept in memory, to be answered with again and again: its records without
// compression, names that the question has too by reference. No I/O, no clock.
//
//     flags (2 bytes): rcode (12 bits), AA, RA, AD          records of each section (3 times 2 bytes)
//     where it is from: size (1): 0, 6 or 18 bytes, address, port
//     extended errors (RFC 8914): number (1), of each size (1), data
//     each record: type (2), class (2), TTL (4), RDLENGTH (2), owner (1, or 1 + name), data
//
// The owner's first byte is the number of labels of the question's name that are left out (0: it is the name), or 255
// and a name follows, lower and upper case as it came. So it is answered in the spelling of whoever asks.
#pragma once

#include <cstdint>
#include <vector>

#include "core/bytes.h"
#include "core/dns/query.h"
#include "core/dns/response.h"
#include "core/result.h"

namespace swage::dns {

struct StoredAnswer {
  enum class Kind : std::uint8_t { success, denial, failure };
  static constexpr std::uint32_t kAnyTime = 0xFFFF'FFFF;

  Kind kind = Kind::success;
  // Seconds for which it holds, as the nameserver has said: the least of its records, for a denial of the minimum in
  // its SOA record as well (RFC 2308 section 5), 5 where it has no answer, as a referral. Of failures: kAnyTime of
  // SERVFAIL and NOTIMP (RFC 2308 section 7), 0 of all others: they are not to be told to anybody else.
  std::uint32_t ttl = 0;
  std::vector<std::uint8_t> bytes;
};

// `qname`: of the question that `response` answers. An Error where it is longer than 65,535 bytes.
[[nodiscard]] Result<StoredAnswer> store(const Response& response, NameView qname);

// Fills in the records, the rcode, the flags, Response::origin and the extended errors, with the TTLs as they were.
// They lie in `stored` and in the query, which must outlive the response. Nothing is allocated. False, with rubbish in
// `response`, where `stored` is not such an answer: what encode() relies on is checked.
[[nodiscard]] bool load(Bytes stored, const Query& query, Response& response);

}  // namespace swage::dns
