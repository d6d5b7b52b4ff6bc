#include "core/zone/layout.h"

#include <algorithm>
#include <array>

#include <fmt/format.h>

#include "core/dns/label_hash.h"
#include "core/zone/canonical_key.h"
#include "core/zone/lookup.h"

namespace swage::zone {

using image::Header;
using image::kUnit;
using image::Node;
using image::padded;
using image::Ref;
using image::Rrset;

namespace {

std::size_t rrset_size(const PlannedRrset& planned, const RecordStore& store) {
  std::size_t size = sizeof(Rrset);
  if (image::has_targets(planned.type)) size += planned.records.size() * sizeof(Ref);
  for (const auto& refs : {planned.records, planned.sigs}) {
    for (const RecordStore::Ref ref : refs) size += sizeof(std::uint16_t) + store.record(ref).size;
  }
  return padded(size);
}

}  // namespace

dns::NameView target_name(dns::Type type, Bytes rdata, dns::NameView owner) {
  const std::size_t before = dns::host_name(type).before;
  std::size_t end = before;
  while (rdata[end] != 0) end += 1U + rdata[end];
  const dns::NameView name(rdata.data() + before, end + 1 - before);
  const bool is_service = (type == dns::Type::svcb || type == dns::Type::https) && load_u16(rdata.data()) != 0;
  return is_service && name.is_root() ? owner : name;  // RFC 9460 section 2.5.2
}

Layout::Layout(const Plan& plan, const RecordStore& store, Report& report)
    : plan_(plan), store_(store), report_(report) {
  static_cast<void>(place(sizeof(Header)));
  slot_count_ = static_cast<std::uint32_t>(plan.nodes().size() * 5 / 3 + 8);
  slots_ = place(slot_count_ * sizeof(image::Slot), kCacheLine);
  nodes_.reserve(plan.nodes().size() + plan.nsec3s().size());
  const auto place_node = [&](const PlannedNode& node) {
    std::size_t size = sizeof(Node) + padded(plan.name(node).size());
    bool has_nsec = false;
    std::size_t at = 0;
    while (const auto rrset = plan.next_rrset(node, at)) {
      size += rrset_size(*rrset, store);
      has_nsec |= rrset->type == dns::Type::nsec && !rrset->records.empty();
    }
    const auto index = static_cast<std::uint32_t>(nodes_.size());
    nodes_.push_back(place(size));
    const bool occluded = node.cover != Plan::kNoNode && node.cover != index;
    if (has_nsec && !occluded && plan.denial() == image::Denial::nsec) nsec_owners_.push_back(index);
  };
  for (const PlannedNode& node : plan.nodes()) place_node(node);
  for (const PlannedNsec3& nsec3 : plan.nsec3s()) place_node(nsec3.node);
  order_ = place(nsec_owners_.size() * sizeof(Ref));
  const std::size_t steps = (nsec_owners_.size() + image::kOrderStep - 1) / image::kOrderStep;
  order_keys_ = place(steps * sizeof(KeyPrefix), alignof(KeyPrefix));
  while (bucket_bits_ < 31 && (std::size_t{1} << bucket_bits_) < plan.nsec3s().size()) ++bucket_bits_;
  nsec3_buckets_ = place(plan.nsec3s().empty() ? 0 : ((std::size_t{1} << bucket_bits_) + 1) * sizeof(std::uint32_t));
  nsec3_ = place(plan.nsec3s().size() * sizeof(image::Nsec3));
  size_ = (size_ + kCacheLine - 1) / kCacheLine * kCacheLine;
}

Ref Layout::place(std::size_t size, std::size_t alignment) {
  size_ = (size_ + alignment - 1) / alignment * alignment;
  const std::size_t start = size_;
  size_ += padded(size);
  CHECK(size_ / kUnit <= UINT32_MAX);
  return static_cast<Ref>(start / kUnit);
}

class Writer {
 public:
  Writer(const Layout& layout, MutableBytes image)
      : layout_(layout), plan_(layout.plan_), image_(image.data()), header_(*at<Header>(0)) {
    std::fill(image.begin(), image.end(), std::uint8_t{0});
  }

  void write() {
    write_header();
    for (std::size_t i = 0; i < plan_.nodes().size(); ++i) write_node(plan_.nodes()[i], layout_.nodes_[i], true);
    write_order();
    write_nsec3s();
    find_targets();
  }

 private:
  template <typename T>
  T* at(Ref ref) {
    return reinterpret_cast<T*>(image_ + std::size_t{ref} * kUnit);
  }
  void write_header();
  void write_node(const PlannedNode& planned, Ref ref, bool in_table);
  std::uint8_t* write_rrset(const PlannedRrset& planned, std::uint8_t* to);
  void note_expiry(std::uint32_t expires);
  void insert(const PlannedNode& planned, dns::NameView name, Ref ref);
  void write_order();
  void write_nsec3s();
  void find_targets();
  void check_target(const Node& owner, const RecordStore::Record& record, dns::NameView target, const Found& found);
  Ref node_ref(std::uint32_t index) { return index == Plan::kNoNode ? 0 : layout_.nodes_[index]; }

  const Layout& layout_;
  const Plan& plan_;
  std::uint8_t* image_;
  Header& header_;
  std::array<std::uint64_t, dns::kMaxLabels + 1> hashes_;  // of the parents of the node under way, by depth
  struct Targets {
    const Node* owner;
    Rrset* rrset;
    std::span<const RecordStore::Ref> records;  // of the RRset
  };
  std::vector<Targets> with_targets_;
};

void Writer::write_header() {
  header_.magic = image::kMagic;
  header_.version = image::kVersion;
  header_.size = layout_.size();
  header_.nodes = static_cast<std::uint32_t>(plan_.nodes().size());
  header_.records = static_cast<std::uint32_t>(plan_.record_count());
  header_.apex = header_.first_node = layout_.nodes_.front();
  header_.apex_labels = static_cast<std::uint8_t>(plan_.name(plan_.nodes().front()).label_count());
  header_.max_depth = std::ranges::max_element(plan_.nodes(), {}, &PlannedNode::depth)->depth;
  header_.slots = layout_.slots_;
  header_.slot_count = layout_.slot_count_;
  header_.denial = plan_.denial();
  header_.order = layout_.order_;
  header_.order_count = static_cast<std::uint32_t>(layout_.nsec_owners_.size());
  header_.order_keys = layout_.order_keys_;
  header_.nsec3_buckets = layout_.nsec3_buckets_;
  header_.nsec3 = layout_.nsec3_;
  header_.nsec3_count = static_cast<std::uint32_t>(plan_.nsec3s().size());
  header_.nsec3_shift = static_cast<std::uint16_t>(32 - layout_.bucket_bits_);
  const Nsec3Parameters& parameters = plan_.nsec3_parameters();
  header_.nsec3_iterations = parameters.iterations;
  header_.nsec3_salt_size = static_cast<std::uint8_t>(parameters.salt.size());
  std::ranges::copy(parameters.salt, header_.nsec3_salt.begin());
}

void Writer::write_node(const PlannedNode& planned, Ref ref, bool in_table) {
  const dns::NameView name = plan_.name(planned);
  Node& node = *at<Node>(ref);
  node.cover = node_ref(planned.cover);
  node.wildcard = node_ref(planned.wildcard);
  node.flags = planned.flags;
  node.name_size = static_cast<std::uint8_t>(name.size());
  std::uint8_t* to = reinterpret_cast<std::uint8_t*>(&node + 1);
  std::copy_n(name.data(), name.size(), to);
  to += padded(name.size());
  std::size_t next = 0;
  while (const auto rrset = plan_.next_rrset(planned, next)) {
    if (image::has_targets(rrset->type)) {
      with_targets_.push_back({&node, reinterpret_cast<Rrset*>(to), rrset->records});
    }
    if (rrset->type == dns::Type::soa && ref == header_.apex) {
      const Bytes soa = layout_.store_.record(rrset->records.front()).rdata();
      header_.soa = static_cast<Ref>(static_cast<std::size_t>(to - image_) / kUnit);
      header_.serial = load_u32(&soa[soa.size() - 20]);
      header_.negative_ttl = std::min(rrset->ttl, load_u32(&soa[soa.size() - 4]));
    }
    to = write_rrset(*rrset, to);
    ++node.rrsets;
  }
  if (in_table) insert(planned, name, ref);
}

std::uint8_t* Writer::write_rrset(const PlannedRrset& planned, std::uint8_t* to) {
  auto& rrset = *reinterpret_cast<Rrset*>(to);
  const std::size_t size = rrset_size(planned, layout_.store_);
  rrset.type = static_cast<std::uint16_t>(planned.type);
  rrset.count = static_cast<std::uint16_t>(planned.records.size());
  rrset.ttl = planned.ttl;
  rrset.size = (size / kUnit) & 0xFFFFFF;
  rrset.sigs = planned.sigs.size() & 0xFF;
  std::uint8_t* rdata_at = to + sizeof(Rrset);
  if (image::has_targets(planned.type)) rdata_at += planned.records.size() * sizeof(Ref);
  for (const auto& refs : {planned.records, planned.sigs}) {
    for (const RecordStore::Ref ref : refs) {
      const RecordStore::Record& record = layout_.store_.record(ref);
      std::memcpy(rdata_at, &record.size, sizeof record.size);
      std::ranges::copy(record.rdata(), rdata_at + sizeof record.size);
      rdata_at += sizeof record.size + record.size;
    }
  }
  for (const RecordStore::Ref ref : planned.sigs) note_expiry(load_u32(&layout_.store_.record(ref).rdata()[8]));
  return to + size;
}

void Writer::note_expiry(std::uint32_t expires) {
  const bool earlier = static_cast<std::int32_t>(expires - header_.signatures_expire) < 0;  // RFC 1982
  if (header_.signatures == 0 || earlier) header_.signatures_expire = expires;
  ++header_.signatures;
}

void Writer::insert(const PlannedNode& planned, dns::NameView name, Ref ref) {
  std::uint64_t& hash = hashes_[planned.depth];
  if (planned.depth == 0) {
    hash = image::kApexHash;
  } else {
    std::array<std::uint8_t, dns::kMaxLabel + 1> label;
    std::transform(name.data(), name.data() + 1 + name.data()[0], label.begin(), dns::lower);
    hash = dns::hash_label(hashes_[planned.depth - 1U], label.data());
  }
  auto* const slots = at<image::Slot>(layout_.slots_);
  std::uint32_t i = image::first_slot(hash, layout_.slot_count_);
  while (slots[i].node != 0) i = i + 1 == layout_.slot_count_ ? 0 : i + 1;
  slots[i] = {image::slot_tag(hash), ref};
}

void Writer::write_order() {
  auto* const refs = at<Ref>(layout_.order_);
  auto* const keys = at<KeyPrefix>(layout_.order_keys_);
  const std::size_t apex_size = plan_.name(plan_.nodes().front()).size();
  for (std::size_t i = 0; i < layout_.nsec_owners_.size(); ++i) {
    const std::uint32_t index = layout_.nsec_owners_[i];
    refs[i] = layout_.nodes_[index];
    if (i % image::kOrderStep != 0) continue;
    keys[i / image::kOrderStep] = KeyPrefix::of(plan_.name(plan_.nodes()[index]), apex_size);
  }
}

void Writer::write_nsec3s() {
  const auto& nsec3s = plan_.nsec3s();
  if (nsec3s.empty()) return;
  auto* const bucket = at<std::uint32_t>(layout_.nsec3_buckets_);
  auto* const entry = at<image::Nsec3>(layout_.nsec3_);
  std::uint32_t next_bucket = 0;
  for (std::uint32_t i = 0; i < nsec3s.size(); ++i) {
    const Ref ref = layout_.nodes_[plan_.nodes().size() + i];
    write_node(nsec3s[i].node, ref, false);
    entry[i] = {nsec3s[i].hash, ref};
    const std::uint32_t own = load_u32(nsec3s[i].hash.data()) >> header_.nsec3_shift;
    while (next_bucket <= own) bucket[next_bucket++] = i;
  }
  while (next_bucket <= (1U << layout_.bucket_bits_)) bucket[next_bucket++] = header_.nsec3_count;
}

// Answers find the addresses of the hosts in NS, MX, SRV, SVCB and HTTPS without looking up their names.
void Writer::find_targets() {
  const ImageReader reader(image_);
  const dns::NameView apex = reader.apex().name();
  SearchName name(header_);
  for (const auto& [node, rrset, records] : with_targets_) {
    RdataCursor rdata(*rrset);
    auto* const refs = reinterpret_cast<Ref*>(rrset + 1);
    for (unsigned i = 0; i < rrset->count; ++i) {
      const dns::NameView target = target_name(dns::Type{rrset->type}, rdata.next(), node->name());
      if (!target.is_under(apex)) continue;
      name.set(target);
      const Found found = reader.find(name);
      check_target(*node, layout_.store_.record(records[i]), target, found);
      if (found.node == nullptr) continue;
      const auto* const at = reinterpret_cast<const std::uint8_t*>(found.node);
      refs[i] = static_cast<Ref>(static_cast<std::size_t>(at - image_) / kUnit);
    }
  }
}

// RFC 2181 section 10.3, RFC 2782: the hosts that NS, MX and SRV name have addresses and are not aliases.
void Writer::check_target(const Node& owner, const RecordStore::Record& record, dns::NameView target,
                          const Found& found) {
  if ((record.type != dns::Type::ns && record.type != dns::Type::mx && record.type != dns::Type::srv) ||
      target.is_root())
    return;
  const ImageReader reader(image_);
  const Node* const cover = reader.node_or_null(found.encloser->cover);
  const bool is_delegated = cover != nullptr && (cover->flags & image::kCut) != 0;
  if (is_delegated && (cover != &owner || record.type != dns::Type::ns))
    return;  // its address is another zone's matter
  const Node* node = found.node;
  if (node == nullptr && !is_delegated) node = reader.node_or_null(found.encloser->wildcard);
  const bool has_address =
      node != nullptr && (find_rrset(*node, dns::Type::a) != nullptr || find_rrset(*node, dns::Type::aaaa) != nullptr);
  const bool is_redirected =
      !is_delegated && (cover != nullptr || (node == nullptr && (found.encloser->flags & image::kDname) != 0));
  if (has_address && !is_redirected) return;
  const bool is_alias = node != nullptr && find_rrset(*node, dns::Type::cname) != nullptr;
  layout_.report_.warn(Warning::address, record.place, [&] {
    const std::string what =
        fmt::format("{} {}: {}", owner.name().to_string(), to_string(record.type), target.to_string());
    if (is_redirected) return what + " is below a DNAME, and so an alias";
    return what + (is_alias ? " is an alias (CNAME)" : " has no address in the zone");
  });
}

void Layout::write(MutableBytes image) const {
  CHECK(image.size() == size_);
  Writer(*this, image).write();
}

}  // namespace swage::zone
