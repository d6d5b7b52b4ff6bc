#include "core/update/edited_zone.h"

#include <algorithm>

#include "core/dns/rdata_check.h"
#include "core/dns/record_types.h"
#include "core/zone/all_records.h"
#include "core/zone/name_records.h"
#include "core/zone/view.h"

namespace swage::update {
namespace {

constexpr std::size_t kSerialFromEnd = 20;  // bytes of a SOA's data from its serial on (RFC 1035 section 3.3.13)

void insert(Rrset& rrset, Bytes rdata) {
  std::vector<std::uint8_t> copy(rdata.begin(), rdata.end());
  rrset.data.insert(std::ranges::upper_bound(rrset.data, copy), std::move(copy));
}

// The bytes of a field at the start of `rest`; 0 where that is not known without a rule of the type.
std::size_t field_size(char field, Bytes rest) {
  if (dns::is_name_field(field)) return dns::name_size_on_wire(rest);
  if (field == 'c' && !rest.empty()) return 1U + rest[0];
  return dns::fixed_size(field);
}

bool same_field(char field, Bytes a, Bytes b) {
  if (dns::is_name_field(field)) return dns::NameView(a.data(), a.size()) == dns::NameView(b.data(), b.size());
  return std::ranges::equal(a, b);
}

std::vector<Change> listed(const dns::Name& owner, const Rrsets& rrsets) {
  std::vector<Change> records;
  for (const auto& [type, rrset] : rrsets) {
    for (const auto& data : rrset.data) records.push_back({owner, type, rrset.ttl, data});
  }
  return records;
}

// Those of `from` that are not among `others`.
void append_missing(const std::vector<Change>& from, const std::vector<Change>& others, std::vector<Change>& to) {
  for (const Change& each : from) {
    if (std::ranges::find(others, each) == others.end()) to.push_back(each);
  }
}

void append_changes(const dns::Name& owner, const Rrsets& before, const Rrsets& now, Changes& changes) {
  if (before == now) return;
  const std::vector<Change> old_records = listed(owner, before), new_records = listed(owner, now);
  append_missing(old_records, new_records, changes.removed);
  append_missing(new_records, old_records, changes.added);
}

}  // namespace

bool same_data(dns::Type type, Bytes a, Bytes b) {
  if (a.size() != b.size()) return false;
  const dns::RecordType* const known = dns::record_type(type);
  for (const char field : known == nullptr ? std::string_view() : known->fields) {
    const std::size_t size = field_size(field, a);
    if (size == 0 || size > a.size() || field_size(field, b) != size) break;
    if (!same_field(field, a.first(size), b.first(size))) return false;
    a = a.subspan(size);
    b = b.subspan(size);
  }
  return std::ranges::equal(a, b);
}

EditedZone::EditedZone(Bytes image) : image_(image), apex_(dns::Name(zone::View(image).apex()).lowercased()) {}

EditedZone::Touched& EditedZone::touch(dns::NameView name) {
  const auto found = names_.find(dns::Name(name));
  if (found != names_.end()) return found->second;
  Touched touched;
  dns::Name owner = name;
  zone::for_each_record_of(image_, name, [&](dns::NameView own, dns::Type type, std::uint32_t ttl, Bytes rdata) {
    owner = own;  // as the zone spells it
    Rrset& rrset = touched.before[type];
    rrset.ttl = ttl;
    insert(rrset, rdata);
  });
  touched.now = touched.before;
  return names_.emplace(owner, std::move(touched)).first->second;
}

const Rrset* EditedZone::find(dns::NameView name, dns::Type type) {
  const Rrsets& rrsets = at(name);
  const auto found = rrsets.find(type);
  return found == rrsets.end() ? nullptr : &found->second;
}

bool EditedZone::has(dns::NameView name, dns::Type type, Bytes rdata) {
  const Rrset* const rrset = find(name, type);
  return rrset != nullptr &&
         std::ranges::any_of(rrset->data, [&](const auto& each) { return same_data(type, each, rdata); });
}

void EditedZone::add(dns::NameView name, dns::Type type, std::uint32_t ttl, Bytes rdata) {
  Rrset& rrset = touch(name).now[type];
  rrset.ttl = ttl;
  std::erase_if(rrset.data, [&](const auto& each) { return same_data(type, each, rdata); });
  insert(rrset, rdata);
}

void EditedZone::remove(dns::NameView name, dns::Type type, Bytes rdata) {
  Rrsets& rrsets = touch(name).now;
  const auto found = rrsets.find(type);
  if (found == rrsets.end()) return;
  std::erase_if(found->second.data, [&](const auto& each) { return same_data(type, each, rdata); });
  if (found->second.data.empty()) rrsets.erase(found);
}

std::uint32_t EditedZone::serial() {
  const std::vector<std::uint8_t>& soa = find(apex_, dns::Type::soa)->data.front();
  return load_u32(&soa[soa.size() - kSerialFromEnd]);
}

void EditedZone::set_serial(std::uint32_t serial) {
  std::vector<std::uint8_t>& soa = touch(apex_).now.at(dns::Type::soa).data.front();
  store_u32(&soa[soa.size() - kSerialFromEnd], serial);
}

Changes EditedZone::changes() const {
  Changes changes;
  for (const auto& [name, touched] : names_) append_changes(name, touched.before, touched.now, changes);
  return changes;
}

Changes EditedZone::changes_since(const std::map<dns::Name, Rrsets>& before) {
  Changes changes;
  for (const auto& [name, rrsets] : before) {
    const Touched& touched = touch(name);
    append_changes(names_.find(name)->first, rrsets, touched.now, changes);  // as the zone spells it
  }
  return changes;
}

Result<> EditedZone::replay(const Changes& changes) {
  for (const Change& each : changes.removed) {
    if (!each.owner.view().is_under(apex_)) return fail("{} is not in the zone", each.owner.to_string());
    Rrsets& rrsets = touch(each.owner).now;
    if (!rrsets.contains(each.type) || std::erase(rrsets.at(each.type).data, each.rdata) == 0) {
      return fail("{} {} is to be removed and not there", each.owner.to_string(), to_string(each.type));
    }
    if (rrsets.at(each.type).data.empty()) rrsets.erase(each.type);
  }
  for (const Change& each : changes.added) {
    if (!each.owner.view().is_under(apex_)) return fail("{} is not in the zone", each.owner.to_string());
    Rrset& rrset = touch(each.owner).now[each.type];
    rrset.ttl = each.ttl;
    insert(rrset, each.rdata);
  }
  return {};
}

Result<> EditedZone::build(zone::Builder& into) const {
  Result<> added;
  const auto add = [&](dns::NameView owner, dns::Type type, std::uint32_t ttl, Bytes rdata) {
    if (added) added = into.add(owner, type, ttl, rdata);
  };
  auto next = names_.begin();
  const auto add_touched = [&] {
    for (const auto& [type, rrset] : next->second.now) {
      for (const auto& data : rrset.data) add(next->first, type, rrset.ttl, data);
    }
    ++next;
  };
  zone::AllRecords records(image_);
  const std::uint8_t* owner = nullptr;
  bool is_touched = false;
  while (const auto record = records.next()) {
    if (record->owner.data() != owner) {
      owner = record->owner.data();
      while (next != names_.end() && next->first.view() < record->owner) add_touched();
      is_touched = next != names_.end() && next->first.view() == record->owner;
    }
    if (!is_touched) add(record->owner, record->type, record->ttl, record->rdata);
  }
  while (next != names_.end()) add_touched();
  TRY(added);
  return into.finish();
}

std::vector<dns::Name> EditedZone::changed_names() const {
  std::vector<dns::Name> names;
  for (const auto& [name, touched] : names_) {
    if (touched.before != touched.now) names.push_back(name);
  }
  return names;
}

Result<> EditedZone::build_changed(zone::Builder& into) const {
  for (const auto& [name, touched] : names_) {
    if (touched.before == touched.now) continue;
    for (const auto& [type, rrset] : touched.now) {
      for (const auto& data : rrset.data) TRY(into.add(name, type, rrset.ttl, data));
    }
  }
  return into.finish();
}

}  // namespace swage::update
