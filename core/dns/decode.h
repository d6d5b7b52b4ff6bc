// From the bytes of another nameserver's response to a Response: the other way than encode(). Strict, without I/O.
// Faces untrusted bytes.
#pragma once

#include "core/bytes.h"
#include "core/dns/response.h"
#include "core/result.h"

namespace swage::dns {

// Reads `message`, whose id and question are the caller's to compare, into `response`: rcode (with the upper bits of
// OPT), AA, RA, AD, TC, all records and the options of OPT. Names are uncompressed, in the data of those types as well
// that RFC 1035 and its successors have compressed (RFC 3597 section 4); OPT, TSIG and SIG(0) are left out. What is in
// it lies in response.arena, or in `message`, which must outlive it.
//
// An Error where it is not a response, has no question or more than one, does not end where it should, has a pointer
// that does not lead back, a name or data that are not what their type requires (check_rdata), or a TTL that is no
// number of 31 bits counts as 0 (RFC 2181 section 8). `response` has rubbish in it then.
[[nodiscard]] Result<> decode(Bytes message, Response& response);

// The same for a message of a zone transfer after the first, which may leave the question out (RFC 5936 section 2.2.1).
[[nodiscard]] Result<> decode_next(Bytes message, Response& response);

// The same for a request of opcode UPDATE (RFC 2136 section 2) with one zone, whose name stands at byte 12: the
// prerequisites become response.answer, the updates response.authority. Data of classes ANY and NONE may be empty: such
// records name an RRset, or all RRsets of a name.
[[nodiscard]] Result<> decode_update(Bytes message, Response& response);

}  // namespace swage::dns
