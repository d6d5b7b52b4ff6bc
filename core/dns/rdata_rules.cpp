#include "core/dns/rdata_rules.h"

#include <algorithm>

#include "core/dns/nsec3_hash.h"
#include "core/text.h"

namespace swage::dns {

// RFC 9276.
Result<std::string_view> check_nsec3param(Bytes rdata) {
  const unsigned iterations = load_u16(&rdata[2]);
  if (iterations > kMaxNsec3Iterations) return fail("{} iterations, more than {}", iterations, kMaxNsec3Iterations);
  return {};
}

// RFC 5155 section 3.
Result<std::string_view> check_nsec3(Bytes rdata) {
  if (rdata[0] == 1 && rdata[5U + rdata[4]] != kNsec3HashSize) {
    return fail("next hash: {} bytes, where SHA-1 has {}", rdata[5U + rdata[4]], kNsec3HashSize);
  }
  return check_nsec3param(rdata);
}

// RFC 4034 section 4.1.2: a name with an NSEC has that type at least.
Result<std::string_view> check_nsec(Bytes rdata) {
  if (name_size_on_wire(rdata) == rdata.size()) return fail("types: missing");
  return {};
}

// RFC 8659 section 4.1. A CA that finds a malformed tag does not issue, whatever the other records say.
Result<std::string_view> check_caa(Bytes rdata) {
  const Bytes tag = rdata.subspan(2, rdata[1]);
  if (tag.empty()) return fail("tag: empty");
  if (!std::ranges::all_of(as_text(tag), is_letter_or_digit)) return fail("tag: not of letters and digits alone");
  if ((rdata[0] & 0x7F) != 0) return "flags: only 128 (critical) has a meaning";
  return {};
}

}  // namespace swage::dns
