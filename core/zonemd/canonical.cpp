#include "core/zonemd/canonical.h"

#include <algorithm>

#include "core/dns/record_types.h"

namespace swage::zonemd {
namespace {

using zone::AllRecords;
using zone::ZoneRecord;

bool is_nsec3(const std::optional<ZoneRecord>& record) { return record && record->type == dns::Type::nsec3; }

// From the first NSEC3 record on; from the end where there is none.
AllRecords after_names(AllRecords records) {
  while (true) {
    const AllRecords here = records;
    const auto record = records.next();
    if (!record || is_nsec3(record)) return here;
  }
}

// How many names begin at first_name(), one after another, that are in lower case in canonical form.
int lower_case_names(dns::Type type) {
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

}  // namespace

void write_canonical(dns::Type type, Bytes rdata, std::vector<std::uint8_t>& to) {
  const std::size_t start = to.size();
  to.insert(to.end(), rdata.begin(), rdata.end());
  int names = lower_case_names(type);
  if (names == 0) return;
  const auto first = dns::first_name(type, rdata);
  if (!first) return;
  for (std::size_t at = start + *first; names > 0; --names) {
    for (; to[at] != 0; at += 1U + to[at]) {
      std::transform(&to[at] + 1, &to[at] + 1 + to[at], &to[at] + 1, dns::lower);
    }
    ++at;
  }
}

CanonicalNames::CanonicalNames(Bytes image) : names_(AllRecords(image)), nsec3s_(after_names(AllRecords(image))) {}

bool CanonicalNames::less(const ZoneRecord& a, const ZoneRecord& b) {
  if (a.type != b.type) return a.type < b.type;
  if (lower_case_names(a.type) == 0) return std::ranges::lexicographical_compare(a.rdata, b.rdata);
  std::vector<std::uint8_t> x, y;
  write_canonical(a.type, a.rdata, x);
  write_canonical(b.type, b.rdata, y);
  return x < y;
}

const std::vector<ZoneRecord>& CanonicalNames::next() {
  records_.clear();
  const bool names_left = names_.ahead() && !is_nsec3(names_.ahead());
  const bool nsec3_first = nsec3s_.ahead() && (!names_left || nsec3s_.ahead()->owner < names_.ahead()->owner);
  if (!names_left && !nsec3_first) return records_;
  Way& way = nsec3_first ? nsec3s_ : names_;
  const dns::NameView owner = way.ahead()->owner;
  for (; way.ahead() && way.ahead()->owner == owner; way.take()) records_.push_back(*way.ahead());
  if (records_.size() > 1 && !std::ranges::is_sorted(records_, less)) std::ranges::sort(records_, less);
  return records_;
}

}  // namespace swage::zonemd
