#include "core/dnssec/zone_signer.h"

#include <algorithm>
#include <optional>

#include "core/dnssec/last_signed.h"
#include "core/dnssec/name_walk.h"
#include "core/dnssec/nsec3_chain.h"
#include "core/dnssec/signing_batch.h"
#include "core/dnssec/type_bitmap.h"
#include "core/zone/view.h"

namespace swage::dnssec {
namespace {

using dns::Type;

constexpr std::size_t kSerialAt = 20, kMinimumAt = 4;  // bytes from the end of a SOA (RFC 1035 section 3.3.13)

// An RRset of the name under way, as it is to be.
struct Planned {
  Type type;
  std::uint32_t ttl;
  std::vector<Bytes> data;
};

class Signing {
 public:
  Signing(Bytes zone, Bytes before, std::uint32_t serial, const ZoneKeys& keys, const SigningPolicy& policy,
          std::int64_t now, zone::Builder& into)
      : names_(zone),
        apex_(zone::View(zone).apex()),
        serial_(serial),
        keys_(keys),
        policy_(policy),
        last_(before, keys, now, now + policy.validity.renew_before),
        records_before_(before.empty() ? 0 : zone::View(before).records()),
        batch_(keys, policy.validity, now, std::max(1U, policy.threads), into),
        nsec3s_(apex_, policy.opt_out, policy.salt) {}

  [[nodiscard]] Result<SignedZone> run() {
    while (names_.next()) {
      take_name();
      TRY(make_room());
    }
    if (policy_.nsec3) {
      TRY(add_nsec3s());
    } else {
      add_nsec(apex_);
    }
    TRY(batch_.flush());
    const SigningBatch::Figures& figures = batch_.figures();
    return SignedZone{figures.made, figures.kept, figures.changed || figures.records != records_before_};
  }

 private:
  [[nodiscard]] Result<> make_room() {
    if (!batch_.is_full()) return {};
    if (policy_.stop != nullptr && *policy_.stop) return fail("signing was stopped");
    return batch_.flush();
  }

  void take_name();
  void plan_rrsets();
  void plan_apex();
  void plan(Type type, std::uint32_t ttl, std::vector<Bytes> data) { planned_.push_back({type, ttl, std::move(data)}); }
  void add_to_chain(dns::NameView owner, bool is_cut);
  void add_nsec(dns::NameView next);
  void add_empty_names(dns::NameView owner);
  [[nodiscard]] Result<> add_nsec3s();
  [[nodiscard]] bool has(Type type) const {
    return std::ranges::find(planned_, type, &Planned::type) != planned_.end();
  }
  [[nodiscard]] bool is_hidden(dns::NameView name) const { return cover_ && name.is_under(*cover_) && name != *cover_; }
  [[nodiscard]] const std::vector<std::size_t>& signers_of(Type type) const {
    const bool by_entry = type == Type::dnskey || type == Type::cds || type == Type::cdnskey;
    return by_entry ? keys_.sign_keys : keys_.sign_zone;
  }

  NameWalk names_;
  const dns::Name apex_;
  const std::uint32_t serial_;
  const ZoneKeys& keys_;
  const SigningPolicy& policy_;
  LastSigned last_;
  const std::size_t records_before_;
  SigningBatch batch_;
  Nsec3Chain nsec3s_;
  std::uint32_t negative_ttl_ = 0;  // of NSEC and NSEC3 records (RFC 9077)
  std::vector<Planned> planned_;
  std::optional<dns::NameView> cover_;  // the delegation, or the name with a DNAME, that was met last

  // The name in the chain that was met last: its NSEC record is made when the next one is known.
  std::optional<dns::NameView> link_;
  std::vector<std::uint8_t> link_bitmap_;
  std::vector<zone::ZoneRecord> link_nsecs_, link_signatures_;  // of the version before
  std::uint32_t link_ttl_ = 0;
};

void Signing::take_name() {
  plan_rrsets();
  if (planned_.empty()) return;
  const dns::NameView owner = names_.owner();
  last_.go_to(owner);
  const bool hidden = is_hidden(owner);
  const bool is_cut = !hidden && owner != apex_ && has(Type::ns);
  if (!hidden && (is_cut || has(Type::dname))) cover_ = owner;
  if (!hidden) add_to_chain(owner, is_cut);
  for (const Planned& each : planned_) {
    const Rrset rrset{owner, each.type, each.ttl, each.data};
    const RrsetView* const before = last_.find(each.type);
    if (hidden || (is_cut && each.type != Type::ds)) {
      batch_.add_unsigned(rrset, before);
    } else {
      batch_.add(rrset, signers_of(each.type), last_, before);
    }
  }
}

void Signing::plan_rrsets() {
  planned_.clear();
  for (const RrsetView& each : names_.rrsets()) {
    if (is_of_signer(each.type) || each.records.empty()) continue;
    std::vector<Bytes> data;
    for (const zone::ZoneRecord& record : each.records) data.push_back(record.rdata);
    plan(each.type, each.ttl, std::move(data));
  }
  if (has(Type::soa)) plan_apex();
}

void Signing::plan_apex() {
  Planned& soa = *std::ranges::find(planned_, Type::soa, &Planned::type);
  std::vector<std::uint8_t> data(soa.data.front().begin(), soa.data.front().end());
  store_u32(&data[data.size() - kSerialAt], serial_);
  negative_ttl_ = std::min(soa.ttl, load_u32(&data[data.size() - kMinimumAt]));
  soa.data.front() = batch_.copy(data);
  const std::uint32_t soa_ttl = soa.ttl;

  const auto sorted_copies = [this](auto all) {
    std::ranges::sort(all);
    std::vector<Bytes> copies;
    for (const std::vector<std::uint8_t>& each : all) copies.push_back(batch_.copy(each));
    return copies;
  };
  std::vector<std::vector<std::uint8_t>> dnskeys;
  for (const Key& key : keys_.dnskeys()) dnskeys.emplace_back(key.dnskey().begin(), key.dnskey().end());
  plan(Type::dnskey, keys_.dnskey_ttl, sorted_copies(dnskeys));
  if (!keys_.cds.empty()) plan(Type::cds, keys_.dnskey_ttl, sorted_copies(keys_.cds));
  if (!keys_.cdnskey.empty()) plan(Type::cdnskey, keys_.dnskey_ttl, sorted_copies(keys_.cdnskey));
  if (!policy_.zonemd.empty()) plan(Type::zonemd, soa_ttl, {batch_.copy(policy_.zonemd)});
  if (policy_.nsec3) plan(Type::nsec3param, 0, {batch_.copy(nsec3s_.parameters())});
  std::ranges::sort(planned_, {}, &Planned::type);
}

// NSEC of a name whose RRsets are planned (RFC 4034 section 4), or NSEC3 (RFC 5155 section 7.1).
void Signing::add_to_chain(dns::NameView owner, bool is_cut) {
  std::vector<Type> types;
  for (const Planned& each : planned_) {
    if (!is_cut || each.type == Type::ns || each.type == Type::ds) types.push_back(each.type);
  }
  const bool is_insecure = is_cut && !has(Type::ds);
  if (!policy_.nsec3 || !is_insecure) types.push_back(Type::rrsig);
  if (!policy_.nsec3) types.push_back(Type::nsec);
  std::ranges::sort(types);
  if (policy_.nsec3) {
    if (is_insecure && policy_.opt_out) return;
    add_empty_names(owner);
    link_bitmap_.clear();
    append_type_bitmap(types, link_bitmap_);
    nsec3s_.add(owner, link_bitmap_);
    link_ = owner;
    return;
  }
  add_nsec(owner);
  link_ = owner;
  link_bitmap_.clear();
  append_type_bitmap(types, link_bitmap_);
  const RrsetView* const nsec = last_.find(Type::nsec);
  link_nsecs_.clear();
  link_signatures_.clear();
  if (nsec == nullptr) return;
  link_nsecs_.assign(nsec->records.begin(), nsec->records.end());
  link_signatures_.assign(nsec->signatures.begin(), nsec->signatures.end());
  link_ttl_ = nsec->ttl;
}

// Of the name that was met last: it leads to `next`.
void Signing::add_nsec(dns::NameView next) {
  if (!link_) return;
  std::vector<std::uint8_t> data(next.bytes().begin(), next.bytes().end());
  data.insert(data.end(), link_bitmap_.begin(), link_bitmap_.end());
  const Bytes copy = batch_.copy(data);
  const RrsetView before{Type::nsec, link_ttl_, link_nsecs_, link_signatures_};
  batch_.add({*link_, Type::nsec, negative_ttl_, {&copy, 1}}, keys_.sign_zone, last_,
             link_nsecs_.empty() ? nullptr : &before);
}

// Names without records between the one that was met last and `owner`: in canonical order a name comes before all that
// are below it, so those above `owner` that the last one is not below, too, have no records.
void Signing::add_empty_names(dns::NameView owner) {
  if (owner == apex_) return;
  for (dns::NameView name = owner.parent(); name != apex_ && !link_->is_under(name); name = name.parent()) {
    nsec3s_.add(name, {});
  }
}

Result<> Signing::add_nsec3s() {
  return nsec3s_.close([this](dns::NameView owner, Bytes rdata) -> Result<> {
    last_.go_to_nsec3(owner);
    const Bytes name = batch_.copy(owner.bytes()), copy = batch_.copy(rdata);
    batch_.add({dns::NameView(name.data(), name.size()), Type::nsec3, negative_ttl_, {&copy, 1}}, keys_.sign_zone,
               last_, last_.find(Type::nsec3));
    return make_room();
  });
}

Result<> check_keys(const ZoneKeys& keys) {
  if (keys.sign_zone.empty() || keys.sign_keys.empty()) return fail("no key signs the zone");
  for (const auto* const all : {&keys.sign_keys, &keys.sign_zone}) {
    for (const std::size_t index : *all) {
      const Key& key = keys.published[index];
      if (!key.can_sign()) return fail("{} has no private half", describe(key));
    }
  }
  return {};
}

}  // namespace

bool is_of_signer(Type type) {
  switch (type) {
    case Type::rrsig:
    case Type::nsec:
    case Type::nsec3:
    case Type::nsec3param:
    case Type::dnskey:
    case Type::cds:
    case Type::cdnskey:
    case Type::zonemd:
      return true;
    default:
      return false;
  }
}

Result<SignedZone> sign_zone(Bytes zone, Bytes before, std::uint32_t serial, const ZoneKeys& keys,
                             const SigningPolicy& policy, std::int64_t now, zone::Builder& into) {
  TRY(check_keys(keys));
  TRY(const SignedZone result, Signing(zone, before, serial, keys, policy, now, into).run());
  TRY(into.finish());
  return result;
}

}  // namespace swage::dnssec
