// The numbers of the DNS: record types, classes, opcodes, response codes, and their mnemonics (IANA "DNS Parameters").
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "core/result.h"

namespace swage::dns {

// Record types that the server itself looks at; every other 16-bit value is as good a Type (RFC 3597).
enum class Type : std::uint16_t {
  a = 1,
  ns = 2,
  md = 3,
  mf = 4,
  cname = 5,
  soa = 6,
  mb = 7,
  mg = 8,
  mr = 9,
  ptr = 12,
  hinfo = 13,
  minfo = 14,
  mx = 15,
  txt = 16,
  rp = 17,
  afsdb = 18,
  rt = 21,
  sig = 24,
  key = 25,
  px = 26,
  aaaa = 28,
  nxt = 30,
  srv = 33,
  naptr = 35,
  kx = 36,
  dname = 39,
  opt = 41,
  ds = 43,
  rrsig = 46,
  nsec = 47,
  dnskey = 48,
  nsec3 = 50,
  nsec3param = 51,
  tlsa = 52,
  cds = 59,
  cdnskey = 60,
  zonemd = 63,
  svcb = 64,
  https = 65,
  nxname = 128,
  tkey = 249,
  tsig = 250,
  ixfr = 251,
  axfr = 252,
  mailb = 253,
  maila = 254,
  any = 255,
  caa = 257,
};

enum class Class : std::uint16_t { in = 1, ch = 3, hs = 4, none = 254, any = 255 };

enum class Opcode : std::uint8_t { query = 0, iquery = 1, status = 2, notify = 4, update = 5, dso = 6 };

// With the extended ones of EDNS (RFC 6891).
enum class Rcode : std::uint16_t {
  noerror = 0,
  formerr = 1,
  servfail = 2,
  nxdomain = 3,
  notimp = 4,
  refused = 5,
  yxdomain = 6,
  yxrrset = 7,
  nxrrset = 8,
  notauth = 9,
  notzone = 10,
  badvers = 16,
  badcookie = 23,
};

// Why an answer is what it is, beside the rcode: the codes of RFC 8914 section 4 that are said here.
enum class ExtendedError : std::uint16_t {
  other = 0,
  stale_answer = 3,
  signature_expired = 7,
  cached_error = 13,
  not_ready = 14,
  blocked = 15,
  filtered = 17,
  prohibited = 18,
  not_authoritative = 20,
  no_reachable_authority = 22,
  network_error = 23,
};

// The mnemonic of a type, "A", "AAAA", or "TYPE65280" where there is none (RFC 3597 section 5).
[[nodiscard]] std::string to_string(Type type);
[[nodiscard]] std::string to_string(Class value);   // "IN", "CH", "CLASS32"
[[nodiscard]] std::string to_string(Opcode value);  // "QUERY", "OPCODE3"
[[nodiscard]] std::string to_string(Rcode value);   // "NOERROR", "RCODE20"

// From a mnemonic, in any case, or TYPE followed by a number.
[[nodiscard]] Result<Type> parse_type(std::string_view text);
[[nodiscard]] Result<Class> parse_class(std::string_view text);

}  // namespace swage::dns
