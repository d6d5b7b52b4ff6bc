// What the data of each record type look like: one table for their text (zone_rdata) and for their wire form
// (rdata_check). Internal to core/dns.
#pragma once

#include <string_view>

#include "core/dns/rdata_rules.h"
#include "core/dns/types.h"

namespace swage::dns {

// The fields, one letter each:
//   n name   1 2 4 8 number of so many bytes   t seconds   d timestamp   a IPv4 address   q IPv6 address
//   c character-string   C character-string or nothing   s all the character-strings that follow, one or more
//   l text up to the end   L the same, not empty   b base64   B base64 or nothing   D base64 or "-"   x hexadecimal
//   g DNSSEC algorithm   y type   m type bitmap   v type bitmap of NXT   z salt   h hash
//   T type of certificate   S scheme of DSYNC   k 64 bits as in an IPv6 address   6 EUI-48   E EUI-64
//   w gateway of IPSECKEY   W relay of AMTRELAY   r whatever follows: rdata_rules and a text parser of its own know it
struct RdataFormat {
  Type type;
  std::string_view fields;
  std::string_view names;    // of the fields, with commas between
  RdataRule rule = nullptr;  // what the data must be beyond that

  // Of the field at `index`, for messages.
  [[nodiscard]] std::string_view field_name(std::size_t index) const;
};

// nullptr for a type whose data may be anything.
[[nodiscard]] const RdataFormat* rdata_format(Type type);

// RFC 6895 section 3.1: 0, OPT and 128 to 255 are for queries and for the message itself.
[[nodiscard]] constexpr bool is_meta_type(Type type) {
  const auto number = static_cast<std::uint16_t>(type);
  return number == 0 || type == Type::opt || (number >= 128 && number <= 255);
}

}  // namespace swage::dns
