#include "core/zone/all_records.h"

#include "core/zone/image.h"
#include "core/zone/lookup.h"

namespace swage::zone {
namespace {

const image::Node& as_node(const std::uint8_t* at) { return *reinterpret_cast<const image::Node*>(at); }
const image::Rrset& as_rrset(const std::uint8_t* at) { return *reinterpret_cast<const image::Rrset*>(at); }

}  // namespace

AllRecords::AllRecords(Bytes image) : image_(image.data()) {
  const ImageReader reader(image_);
  node_ = reader.at<std::uint8_t>(reader.header().first_node);
  rrset_ = node_;
  nodes_left_ = reader.header().nodes + reader.header().nsec3_count;
  enter_node();
}

void AllRecords::enter_node() {
  rrsets_left_ = as_node(node_).rrsets;
  rrset_ = as_node(node_).name_data() + image::padded(as_node(node_).name_size);
  if (rrsets_left_ > 0) enter_rrset();
}

void AllRecords::enter_rrset() {
  const image::Rrset& rrset = as_rrset(rrset_);
  sigs_ = rrset.sigs;
  left_ = std::uint32_t{rrset.count} + sigs_;
  rdata_ = rrset_ + sizeof rrset;
  if (image::has_targets(dns::Type{rrset.type})) rdata_ += std::size_t{rrset.count} * sizeof(image::Ref);
}

void AllRecords::leave_rrset() {
  rrset_ = reinterpret_cast<const std::uint8_t*>(as_rrset(rrset_).next());
  if (--rrsets_left_ > 0) enter_rrset();
}

std::optional<ZoneRecord> AllRecords::next() {
  const ImageReader reader(image_);
  const auto* const soa = reader.at<std::uint8_t>(reader.header().soa);
  if (!soa_given_) {
    soa_given_ = true;
    RdataCursor rdata(as_rrset(soa));
    return ZoneRecord{reader.apex().name(), dns::Type::soa, as_rrset(soa).ttl, rdata.next()};
  }
  while (nodes_left_ > 0) {
    if (rrsets_left_ == 0) {
      node_ = rrset_;
      if (--nodes_left_ > 0) enter_node();
      continue;
    }
    if (left_ == 0) {
      leave_rrset();
      continue;
    }
    const image::Rrset& rrset = as_rrset(rrset_);
    const bool is_sig = left_ <= sigs_;
    std::uint16_t size;
    std::memcpy(&size, rdata_, sizeof size);
    const Bytes rdata(rdata_ + sizeof size, size);
    rdata_ += sizeof size + size;
    --left_;
    if (rrset_ == soa && !is_sig) continue;
    return ZoneRecord{as_node(node_).name(), is_sig ? dns::Type::rrsig : dns::Type{rrset.type}, rrset.ttl, rdata};
  }
  return std::nullopt;
}

}  // namespace swage::zone
