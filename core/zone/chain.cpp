// The proofs and signatures of a signed zone: what is missing, and what denies records that are there.
#include <algorithm>

#include <fmt/format.h>

#include "core/dns/nsec3_hash.h"
#include "core/zone/rules.h"

namespace swage::zone {
namespace {

using Ref = RecordStore::Ref;

// Names that are hashed to see whether there is an NSEC3 for them take less than a second.
constexpr std::size_t kMaxHashes = 2'000'000;

dns::NameView name_at(Bytes rdata) {
  std::size_t end = 0;
  while (rdata[end] != 0) end += 1U + rdata[end];
  return {rdata.data(), end + 1};
}

// RFC 4034 section 4.1.2.
bool has_type(Bytes bitmap, dns::Type type) {
  const auto number = static_cast<std::uint16_t>(type);
  for (std::size_t at = 0; at + 2 <= bitmap.size(); at += 2U + bitmap[at + 1]) {
    if (bitmap[at] != number >> 8) continue;
    const std::size_t byte = at + 2 + (number & 0xFF) / 8;
    return (number & 0xFF) / 8 < bitmap[at + 1] && byte < bitmap.size() && (bitmap[byte] & (0x80 >> (number & 7))) != 0;
  }
  return false;
}

class Signing {
 public:
  Signing(const Plan& plan, const RecordStore& store, Report& report) : plan_(plan), store_(store), report_(report) {}

  void check() {
    const bool nsec = plan_.denial() == image::Denial::nsec;
    if (!nsec) check_hashes();
    for (const PlannedNode& node : plan_.nodes()) {
      cut_ = node.cover != Plan::kNoNode;
      if (cut_ && &plan_.nodes()[node.cover] != &node) continue;  // below a delegation or a DNAME
      check_signatures(node);
      if (nsec) check_nsec(node);
      if (!nsec && names_are_hashed_) check_nsec3(node);
    }
    if (nsec) check_next(plan_.nodes().front());
  }

 private:
  void check_signatures(const PlannedNode& node);
  void check_nsec(const PlannedNode& node);
  void check_next(const PlannedNode& node);
  void check_hashes();
  void check_nsec3(const PlannedNode& node);
  void check_bitmap(const PlannedNode& node, Bytes bitmap, Place place);
  [[nodiscard]] bool is_authoritative(dns::Type type) const {
    return !cut_ || type == dns::Type::ds || type == dns::Type::nsec;
  }
  [[nodiscard]] const RecordStore::Record* first_record(const PlannedNode& node, dns::Type type) const;
  [[nodiscard]] Place place_of(const PlannedNode& node) const;

  const Plan& plan_;
  const RecordStore& store_;
  Report& report_;
  bool cut_ = false;                             // the node under way is a delegation
  const RecordStore::Record* before_ = nullptr;  // the NSEC before this one,
  const PlannedNode* before_node_ = nullptr;     // and its node
  bool names_are_hashed_ = false;
};

const RecordStore::Record* Signing::first_record(const PlannedNode& node, dns::Type type) const {
  std::size_t at = 0;
  while (const auto rrset = plan_.next_rrset(node, at)) {
    if (rrset->type == type && !rrset->records.empty()) return &store_.record(rrset->records.front());
  }
  return nullptr;
}

Place Signing::place_of(const PlannedNode& node) const {
  std::size_t at = 0;
  const auto rrset = plan_.next_rrset(node, at);
  return rrset && !rrset->records.empty() ? store_.record(rrset->records.front()).place : 0;
}

void Signing::check_signatures(const PlannedNode& node) {
  std::size_t at = 0;
  while (const auto rrset = plan_.next_rrset(node, at)) {
    if (!rrset->sigs.empty() || !is_authoritative(rrset->type)) continue;
    report_.warn(Warning::unsigned_data, store_.record(rrset->records.front()).place, [&] {
      return fmt::format("{} {} has no signature, in a signed zone", plan_.name(node).to_string(),
                         to_string(rrset->type));
    });
  }
}

void Signing::check_nsec(const PlannedNode& node) {
  if (node.record_count == 0) return;
  const RecordStore::Record* nsec = first_record(node, dns::Type::nsec);
  if (nsec == nullptr) {
    report_.warn(Warning::chain, place_of(node), [&] {
      return fmt::format("{} has no NSEC record, in a zone with NSEC", plan_.name(node).to_string());
    });
    return;
  }
  if (before_ != nullptr) check_next(node);
  before_ = nsec;
  before_node_ = &node;
  check_bitmap(node, nsec->rdata().subspan(name_at(nsec->rdata()).size()), nsec->place);
}

// That the NSEC before this node's ends at it.
void Signing::check_next(const PlannedNode& node) {
  if (before_ == nullptr || name_at(before_->rdata()) == plan_.name(node)) return;
  report_.warn(Warning::chain, before_->place, [&] {
    return fmt::format("broken chain: the NSEC record of {} says that {} is next, but that is {}",
                       plan_.name(*before_node_).to_string(), name_at(before_->rdata()).to_string(),
                       plan_.name(node).to_string());
  });
}

// That each NSEC3 ends where the next one is (RFC 5155 section 7.1).
void Signing::check_hashes() {
  const auto& nsec3s = plan_.nsec3s();
  for (std::size_t i = 0; i < nsec3s.size(); ++i) {
    const RecordStore::Record& record = *first_record(nsec3s[i].node, dns::Type::nsec3);
    const Bytes rdata = record.rdata();
    const std::size_t at = 5U + rdata[4];
    const dns::Nsec3Hash& next = nsec3s[(i + 1) % nsec3s.size()].hash;
    if (rdata[at] == next.size() && std::ranges::equal(rdata.subspan(at + 1, next.size()), next)) continue;
    report_.warn(Warning::chain, record.place, [&] {
      return fmt::format("broken chain: the NSEC3 record of {} does not end at the next one, {}",
                         plan_.name(nsec3s[i].node).to_string(),
                         plan_.name(nsec3s[(i + 1) % nsec3s.size()].node).to_string());
    });
  }
  names_are_hashed_ = plan_.nodes().size() * (1U + plan_.nsec3_parameters().iterations) <= kMaxHashes;
}

void Signing::check_nsec3(const PlannedNode& node) {
  const Nsec3Parameters& parameters = plan_.nsec3_parameters();
  const dns::Nsec3Hash hash = nsec3_hash(plan_.name(node), parameters.salt, parameters.iterations);
  const auto& nsec3s = plan_.nsec3s();
  const auto after = std::ranges::upper_bound(nsec3s, hash, {}, &PlannedNsec3::hash);
  const PlannedNsec3& found = after == nsec3s.begin() ? nsec3s.back() : *std::prev(after);
  const RecordStore::Record& record = *first_record(found.node, dns::Type::nsec3);
  const Bytes rdata = record.rdata();
  if (found.hash == hash) {
    check_bitmap(node, rdata.subspan(6U + rdata[4] + rdata[5U + rdata[4]]), record.place);
    return;
  }
  const bool opted_out = (rdata[1] & 1) != 0;  // what lies between may be delegations without DS, and names above them
  if (opted_out && (node.record_count == 0 || (cut_ && first_record(node, dns::Type::ds) == nullptr))) return;
  report_.warn(Warning::chain, place_of(node), [&] {
    return fmt::format("{} has no NSEC3 record, in a zone with NSEC3", plan_.name(node).to_string());
  });
}

// That the types of the node are not denied.
void Signing::check_bitmap(const PlannedNode& node, Bytes bitmap, Place place) {
  std::size_t at = 0;
  while (const auto rrset = plan_.next_rrset(node, at)) {
    const bool is_there = !rrset->records.empty() && (is_authoritative(rrset->type) || rrset->type == dns::Type::ns);
    if (!is_there || has_type(bitmap, rrset->type)) continue;
    report_.warn(Warning::chain, place, [&] {
      return fmt::format("{} {} exists, but is denied here", plan_.name(node).to_string(), to_string(rrset->type));
    });
  }
}

}  // namespace

void check_signing(const Plan& plan, const RecordStore& store, Report& report) {
  if (plan.denial() != image::Denial::none) Signing(plan, store, report).check();
}

}  // namespace swage::zone
