#include "core/dnssec/name_walk.h"

#include <algorithm>

namespace swage::dnssec {
namespace {

dns::Type covered(const zone::ZoneRecord& record) {
  return record.type == dns::Type::rrsig ? dns::Type{load_u16(record.rdata.data())} : record.type;
}

}  // namespace

NameWalk::NameWalk(Bytes image) {
  if (image.empty()) return;
  records_.emplace(image);
  ahead_ = records_->next();
}

bool NameWalk::next() {
  of_name_.clear();
  rrsets_.clear();
  if (!ahead_) return false;
  owner_ = ahead_->owner;
  const bool is_apex = ahead_->type == dns::Type::soa;
  for (; ahead_ && ahead_->owner.data() == owner_.data(); ahead_ = records_->next()) of_name_.push_back(*ahead_);
  if (is_apex) std::ranges::stable_sort(of_name_, {}, covered);  // the SOA came first
  for (auto at = of_name_.begin(); at != of_name_.end();) {
    const dns::Type type = covered(*at);
    const auto end = std::find_if(at, of_name_.end(), [&](const auto& each) { return covered(each) != type; });
    const auto signatures = std::find_if(at, end, [](const auto& each) { return each.type == dns::Type::rrsig; });
    rrsets_.push_back({type, at->ttl, {at, signatures}, {signatures, end}});
    at = end;
  }
  return true;
}

}  // namespace swage::dnssec
