// From a Response to the bytes that are sent: once, at the end, with compression (RFC 1035 section 4.1.4), OPT (RFC
// 6891) and truncation.
#pragma once

#include <span>

#include "core/dns/query.h"
#include "core/dns/response.h"

namespace swage::dns {

// What we offer to take over UDP, and the most that we send there, whatever the client offers: fits every link without
// fragments.
inline constexpr std::uint16_t kUdpSize = 1232;

// The most bytes a response to `query` may have on its transport.
[[nodiscard]] std::size_t size_limit(const Query& query);

// Writes the response into `out` and returns its size in bytes, at most out.size() and response.most_bytes. REQUIRES:
// out.size() >= 512.
//
// What does not fit: where it is a record of the answer or authority section, or glue (a record of the additional
// section that is not optional: RFC 9471), TC is set (and response.truncated), and over UDP no records are sent at all:
// clients ignore them (RFC 2181 section 9), a forged address would get them for nothing. TCP has no larger transport to
// go to, so there what fits is sent. Optional records are left out whole RRsets at a time, without TC. In the
// additional section, what is not optional comes first.
//
// Header: QR; AA, RA and the rcode are the response's; id, opcode and CD the query's, RD too unless the response says
// otherwise; AD the response's, where the query has AD or DO (RFC 6840 section 5.8). An OPT record is sent if, and only
// if, the query has one; an rcode above 15 becomes SERVFAIL without it.
//
// Where it has a signer, room is kept back for the signature, and the message is signed.
[[nodiscard]] std::size_t encode(const Query& query, Response& response, MutableBytes out);

// The answer to a message that parse() refused: its header, with no question, and an OPT record if it has one. Without
// it the client would take us for a server that does not know EDNS (RFC 6891 sections 6.1.1 and 7). REQUIRES:
// out.size() >= 23, and what `options` need.
[[nodiscard]] std::size_t encode_error(const Query& query, Rcode rcode, MutableBytes out,
                                       std::span<const EdnsOption> options = {});

}  // namespace swage::dns
