// From a request's bytes to a Query: strict, without I/O, without allocation.
#pragma once

#include "core/dns/query.h"

namespace swage::dns {

inline constexpr std::size_t kHeaderSize = 12;  // bytes (RFC 1035 section 4.1.1)

enum class Parsed : std::uint8_t {
  query,    // opcode QUERY or NOTIFY with one question, or UPDATE with a zone: for the chain
  formerr,  // malformed, or not exactly one question: answered with encode_error
  notimp,   // another opcode, or an UPDATE whose zone cannot be read: answered with encode_error
  badvers,  // EDNS of a version that is not 0 (RFC 6891 section 6.1.3); the question is in the Query
  drop,     // shorter than a header, or itself a response: never answered
};

// Reads `message`, which must outlive `query`. Fills in what the message contains; transport, addresses, zone and time
// are the caller's. Refused as malformed: QDCOUNT other than 1, ANCOUNT or NSCOUNT above 1, ARCOUNT above 2, a
// compressed or too long question name, a second OPT or one that is not at the root, options that do not fit, a TSIG
// record that is not the last one of the additional section, bytes left over. Of an UPDATE (RFC 2136 section 2) the
// header and the first zone are read, as the question; what else it says, and whether that is well formed, is for
// whoever applies it. What is refused has `message`, and in `edns` the first OPT record that could be read, if there is
// one.
[[nodiscard]] Parsed parse(Bytes message, Query& query);

}  // namespace swage::dns
