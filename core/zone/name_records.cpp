#include "core/zone/name_records.h"

#include "core/zone/lookup.h"

namespace swage::zone {

void for_each_record_of(Bytes image, dns::NameView name, const TakeRecord& take) {
  const ImageReader reader(image.data());
  SearchName search(reader.header());
  search.set(name);
  const image::Node* const node = reader.find(search).node;
  if (node == nullptr) return;
  for (const image::Rrset& rrset : Rrsets(*node)) {
    RdataCursor cursor(rrset);
    for (unsigned i = 0; i < rrset.count + 0U + rrset.sigs; ++i) {
      const Bytes rdata = cursor.next();
      take(node->name(), i < rrset.count ? dns::Type{rrset.type} : dns::Type::rrsig, rrset.ttl, rdata);
    }
  }
}

}  // namespace swage::zone
