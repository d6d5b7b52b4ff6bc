#include "core/zone/plan.h"

#include <algorithm>

#include <fmt/format.h>

#include "core/counted.h"
#include "core/dns/base_encodings.h"
#include "core/dns/nsec3_hash.h"
#include "core/dns/record_types.h"
#include "core/zone/rules.h"

namespace swage::zone {

using Ref = RecordStore::Ref;

namespace {

bool is_one_name(dns::Type type) {
  const dns::RecordType* const known = dns::record_type(type);
  return known != nullptr && known->is_one_name();
}

std::strong_ordering compare_rdata(dns::Type type, Bytes a, Bytes b) {
  if (!is_one_name(type)) return std::lexicographical_compare_three_way(a.begin(), a.end(), b.begin(), b.end());
  return std::lexicographical_compare_three_way(
      a.begin(), a.end(), b.begin(), b.end(),
      [](std::uint8_t x, std::uint8_t y) { return dns::lower(x) <=> dns::lower(y); });
}

// By type, the RRSIGs after the RRset that they cover, and the records of an RRset in canonical order (RFC 4034
// section 6.3).
std::strong_ordering compare(const RecordStore::Record& a, const RecordStore::Record& b) {
  if (a.covered() != b.covered()) return a.covered() <=> b.covered();
  if (a.type != b.type) return (a.type == dns::Type::rrsig) <=> (b.type == dns::Type::rrsig);
  return compare_rdata(a.type, a.rdata(), b.rdata());
}

void sort_records(const RecordStore& store, std::vector<Ref>& records) {
  if (records.size() < 2) return;
  const auto before = [&](Ref a, Ref b) {
    const auto order = compare(store.record(a), store.record(b));
    return order != 0 ? order < 0 : a < b;  // of duplicates the first stays
  };
  std::sort(records.begin(), records.end(), before);
  const auto same = [&](Ref a, Ref b) { return compare(store.record(a), store.record(b)) == 0; };
  records.erase(std::unique(records.begin(), records.end(), same), records.end());
}

std::size_t depth_of(dns::NameView name, dns::NameView apex) { return name.label_count() - apex.label_count(); }

}  // namespace

Plan Plan::make(dns::NameView apex, RecordStore& store, Report& report) {
  Plan plan(apex, store, report);
  plan.records_.reserve(store.record_count());
  const std::vector<std::uint32_t> order = store.canonical_order(apex);
  std::vector<Ref> records;
  for (std::size_t i = 0; i < order.size();) {
    const std::size_t first = i;
    const dns::NameView owner = store.owner(order[first]);
    records.clear();
    for (; i < order.size() && (i == first || store.owner(order[i]) == owner); ++i) {
      const auto of_run = store.records_of(order[i]);
      records.insert(records.end(), of_run.begin(), of_run.end());
    }
    sort_records(store, records);
    plan.add_owner(store.owner_ref(order[first]), records);
  }
  store.forget_runs();
  plan.check_apex();
  if (!report.errors().empty()) return plan;
  plan.choose_denial();
  check_signing(plan, store, report);
  return plan;
}

void Plan::add_owner(Ref owner, std::vector<Ref>& records) {
  const auto is_nsec3 = [this](Ref ref) { return store_->record(ref).covered() == dns::Type::nsec3; };
  const auto first = std::find_if(records.begin(), records.end(), is_nsec3);
  const auto last = std::find_if_not(first, records.end(), is_nsec3);
  const auto middle = std::rotate(first, last, records.end());  // they are sorted by type: the NSEC3s go last
  const std::span<const Ref> usual(records.begin(), middle);
  const std::span<const Ref> nsec3(middle, records.end());
  if (!usual.empty()) {
    check_node(*store_, store_->name(owner), usual, *report_);
    add_node(owner, usual);
    const PlannedNode& node = nodes_.back();
    check_sizes(*this, *store_, node, *report_);
    if (node.cover != kNoNode) check_hidden(*this, *store_, usual, node, nodes_[node.cover], *report_);
  }
  if (!nsec3.empty()) add_nsec3(owner, nsec3);
}

// Adds the node and those parents that have no records: all that have came before, in canonical order.
void Plan::add_node(Ref owner, std::span<const Ref> records) {
  const dns::NameView name = store_->name(owner);
  const std::size_t depth = depth_of(name, apex_);
  const auto suffix = [&](std::size_t of_depth) {
    dns::NameView part = name;
    for (std::size_t i = depth; i > of_depth; --i) part = part.parent();
    return part;
  };
  path_.resize(std::min(path_.size(), depth));
  while (!path_.empty() && this->name(nodes_[path_.back()]) != suffix(path_.size() - 1)) path_.pop_back();
  while (path_.size() <= depth) {
    const dns::NameView part = suffix(path_.size());
    PlannedNode node{};
    node.owner = owner;
    node.skip = static_cast<std::uint8_t>(name.size() - part.size());
    node.depth = static_cast<std::uint8_t>(path_.size());
    node.first_record = static_cast<std::uint32_t>(records_.size());
    if (path_.size() == depth) {
      node.record_count = static_cast<std::uint32_t>(records.size());
      records_.insert(records_.end(), records.begin(), records.end());
    }
    append_node(node);
  }
}

void Plan::append_node(PlannedNode node) {
  const auto index = static_cast<std::uint32_t>(nodes_.size());
  node.parent = path_.empty() ? kNoNode : path_.back();
  node.cover = node.wildcard = kNoNode;
  if (node.parent != kNoNode) {
    PlannedNode& parent = nodes_[node.parent];
    node.cover = (parent.flags & image::kDname) != 0 ? node.parent : parent.cover;
    if (name(node).is_wildcard()) parent.wildcard = index;
    if (node.cover == kNoNode && find(node, dns::Type::ns)) {
      node.cover = index;
      node.flags |= image::kCut;
    }
  }
  if (node.cover == kNoNode && find(node, dns::Type::dname)) node.flags |= image::kDname;
  if (std::ranges::any_of(name(node).bytes(), [](std::uint8_t byte) { return dns::lower(byte) != byte; })) {
    node.flags |= image::kUpperCase;
  }
  nodes_.push_back(node);
  path_.push_back(index);
}

void Plan::add_nsec3(Ref owner, std::span<const Ref> records) {
  const dns::NameView name = store_->name(owner);
  PlannedNsec3 nsec3{};
  if (depth_of(name, apex_) != 1 || !dns::decode_base32hex(as_text(name.first_label()), nsec3.hash)) {
    report_->refuse(store_->record(records.front()).place,
                    fmt::format("{} has an NSEC3 record, but is not the hash of a name", name.to_string()));
    return;
  }
  nsec3.node.owner = owner;
  nsec3.node.first_record = static_cast<std::uint32_t>(records_.size());
  nsec3.node.record_count = static_cast<std::uint32_t>(records.size());
  nsec3.node.parent = nsec3.node.cover = nsec3.node.wildcard = kNoNode;
  records_.insert(records_.end(), records.begin(), records.end());
  nsec3s_.push_back(nsec3);
  check_node(*store_, name, records, *report_);
  check_sizes(*this, *store_, nsec3s_.back().node, *report_);
}

void Plan::check_apex() {
  const std::string apex = apex_.to_string();
  const auto soa = nodes_.empty() ? std::nullopt : find(nodes_.front(), dns::Type::soa);
  if (!soa) {
    const std::size_t outside = report_->warnings_of(Warning::outside);
    const bool is_all = report_->errors().empty();  // else it may be what could not be read
    if (is_all && outside == 0) report_->refuse(0, fmt::format("no SOA record at {}", apex));
    if (is_all && outside != 0) {
      report_->refuse(0, fmt::format("no SOA record at {}; {} outside the zone", apex, counted(outside, "record")));
    }
    return;
  }
  if (soa->records.size() > 1) {
    std::vector<Place> places;
    for (const Ref ref : soa->records) places.push_back(store_->record(ref).place);
    std::ranges::sort(places);
    report_->refuse(places[1], fmt::format("{} SOA records at {}; leave one", places.size(), apex));
  }
  if (!find(nodes_.front(), dns::Type::ns)) {
    report_->warn(Warning::no_ns, store_->record(soa->records.front()).place,
                  [&] { return fmt::format("no NS record at {}", apex); });
  }
  if (const auto ds = find(nodes_.front(), dns::Type::ds)) {  // RFC 4035 section 2.4
    report_->warn(Warning::hidden, store_->record(ds->records.front()).place,
                  [&] { return fmt::format("{} DS belongs in the zone above", apex); });
  }
}

// NSEC3 where the apex has an NSEC3PARAM with a chain to it (RFC 5155 section 4), else NSEC.
void Plan::choose_denial() {
  if (find(nodes_.front(), dns::Type::nsec)) denial_ = image::Denial::nsec;
  const auto rdata_of = [this](Ref ref) { return store_->record(ref).rdata(); };
  const auto parameters = [&](Bytes rdata) { return rdata.subspan(2, 3U + rdata[4]); };
  const auto offered = find(nodes_.front(), dns::Type::nsec3param);
  for (const Ref ref : offered ? offered->records : std::span<const Ref>{}) {
    const Bytes chosen = rdata_of(ref);
    const auto in_chain = [&](const PlannedNsec3& nsec3) {
      const auto rrset = find(nsec3.node, dns::Type::nsec3);
      return rrset && rrset->records.size() == 1 && rdata_of(rrset->records[0])[0] == chosen[0] &&
             std::ranges::equal(parameters(rdata_of(rrset->records[0])), parameters(chosen));
    };
    if (chosen[0] != 1 || chosen[1] != 0 || std::ranges::none_of(nsec3s_, in_chain)) continue;
    denial_ = image::Denial::nsec3;
    nsec3_parameters_ = {load_u16(&chosen[2]), {chosen.begin() + 5, chosen.end()}};
    std::erase_if(nsec3s_, [&](const PlannedNsec3& nsec3) { return !in_chain(nsec3); });
    std::ranges::sort(nsec3s_, {}, &PlannedNsec3::hash);
    return;
  }
  nsec3s_.clear();
}

std::optional<PlannedRrset> Plan::next_rrset(const PlannedNode& node, std::size_t& at) const {
  const std::span<const Ref> all(records_.data() + node.first_record, node.record_count);
  if (at == all.size()) return {};
  PlannedRrset rrset{store_->record(all[at]).covered(), UINT32_MAX, {}, {}};
  std::size_t end = at;
  std::size_t sigs = at;
  for (; end < all.size() && store_->record(all[end]).covered() == rrset.type; ++end) {
    const RecordStore::Record& record = store_->record(all[end]);
    // An RRSIG has the TTL of what it covers (RFC 4034 section 3).
    if (record.type != dns::Type::rrsig) sigs = end + 1;
    if (record.type != dns::Type::rrsig || sigs == at) rrset.ttl = std::min(rrset.ttl, record.ttl);
  }
  rrset.records = all.subspan(at, sigs - at);
  rrset.sigs = all.subspan(sigs, end - sigs);
  at = end;
  return rrset;
}

std::optional<PlannedRrset> Plan::find(const PlannedNode& node, dns::Type type) const {
  std::size_t at = 0;
  while (auto rrset = next_rrset(node, at)) {
    if (rrset->type == type) return rrset->records.empty() ? std::nullopt : rrset;
  }
  return {};
}

}  // namespace swage::zone
