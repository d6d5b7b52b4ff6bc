// The one check of a record's data in wire form by its type. A record from any text or
// source passes it before a zone takes the record or a plugin answers with it. No I/O; faces untrusted bytes.
#pragma once

#include <string_view>

#include "core/bytes.h"
#include "core/dns/types.h"
#include "core/result.h"

namespace swage::dns {

// Fails for types that no zone may hold (OPT, ANY, …) and for data of a known type that are not what its RFC
// requires: "MX: mail server: not a domain name". Data of other types may be anything (RFC 3597). Names are
// uncompressed. The value is a warning about data that other servers serve but that are hardly ever meant; empty if
// there is none. It is a string literal.
[[nodiscard]] Result<std::string_view> check_rdata(Type type, Bytes rdata);

// The size of the uncompressed name at the start of `wire`, its last 0 included; 0 where there is none.
[[nodiscard]] inline std::size_t name_size_on_wire(Bytes wire) {
  for (std::size_t at = 0; at < wire.size() && at < 255; at += 1U + wire[at]) {
    if (wire[at] > 63) return 0;
    if (wire[at] == 0) return at + 1;
  }
  return 0;
}

}  // namespace swage::dns
