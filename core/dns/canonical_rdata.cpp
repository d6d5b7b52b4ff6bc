#include "core/dns/canonical_rdata.h"

#include <algorithm>

#include "core/dns/name.h"
#include "core/dns/record_types.h"

namespace swage::dns {
namespace {

// The bytes of the name at the start, lowered; of all of them where there is none, which no check lets pass.
std::size_t lower_name(MutableBytes rdata) {
  std::size_t at = 0;
  while (at < rdata.size() && rdata[at] != 0) {
    const std::size_t end = std::min(at + 1 + rdata[at], rdata.size());
    std::transform(&rdata[at] + 1, rdata.data() + end, &rdata[at] + 1, lower);
    at = end;
  }
  return std::min(at + 1, rdata.size());
}

}  // namespace

void lower_names(Type type, MutableBytes rdata) {
  const RecordType* const known = record_type(type);
  if (known == nullptr || known->fields.find_first_of("nNoO") == std::string_view::npos) return;
  for (const char field : known->fields) {
    std::size_t size = fixed_size(field);
    if (field == 'c' && !rdata.empty()) size = 1U + rdata[0];
    if (is_name_field(field)) size = lower_name(rdata);
    if (size == 0 || size > rdata.size()) return;
    rdata = rdata.subspan(size);
  }
}

int canonical_names(Type type) {
  switch (static_cast<std::uint16_t>(type)) {
    case 2:   // NS
    case 3:   // MD
    case 4:   // MF
    case 5:   // CNAME
    case 7:   // MB
    case 8:   // MG
    case 9:   // MR
    case 12:  // PTR
    case 15:  // MX
    case 18:  // AFSDB
    case 21:  // RT
    case 24:  // SIG
    case 30:  // NXT
    case 33:  // SRV
    case 35:  // NAPTR
    case 36:  // KX
    case 39:  // DNAME
    case 46:  // RRSIG
      return 1;
    case 6:   // SOA
    case 14:  // MINFO
    case 17:  // RP
    case 26:  // PX
      return 2;
    default:
      return 0;
  }
}

void make_canonical(Type type, MutableBytes rdata) {
  int names = canonical_names(type);
  if (names == 0) return;
  const auto first = first_name(type, rdata);
  if (!first) return;
  for (rdata = rdata.subspan(*first); names > 0 && !rdata.empty(); --names) rdata = rdata.subspan(lower_name(rdata));
}

}  // namespace swage::dns
