#include "core/zonemd/canonical.h"

#include <algorithm>

#include "core/dns/canonical_rdata.h"

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

}  // namespace

void write_canonical(dns::Type type, Bytes rdata, std::vector<std::uint8_t>& to) {
  const std::size_t start = to.size();
  to.insert(to.end(), rdata.begin(), rdata.end());
  dns::make_canonical(type, MutableBytes(to).subspan(start));
}

CanonicalNames::CanonicalNames(Bytes image) : names_(AllRecords(image)), nsec3s_(after_names(AllRecords(image))) {}

bool CanonicalNames::less(const ZoneRecord& a, const ZoneRecord& b) {
  if (a.type != b.type) return a.type < b.type;
  if (dns::canonical_names(a.type) == 0) return std::ranges::lexicographical_compare(a.rdata, b.rdata);
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
