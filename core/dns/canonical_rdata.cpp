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

}  // namespace swage::dns
