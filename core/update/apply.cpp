#include "core/update/apply.h"

#include <algorithm>

#include "core/dns/rdata_check.h"
#include "core/dns/record_types.h"

namespace swage::update {

using dns::Class;
using dns::Rcode;
using dns::Record;
using dns::Type;

namespace {

constexpr std::size_t kWksKey = 5;  // bytes of a WKS record that tell it from others: address and protocol

Rcode expect(bool condition, Rcode otherwise) { return condition ? Rcode::noerror : otherwise; }

// Sections 2.4.1 and 2.4.3 to 2.4.5: of names and RRsets, whatever their data.
Rcode check_existence(const Record& record, EditedZone& zone) {
  const bool is_name = record.type == Type::any;
  const bool there = is_name ? !zone.at(record.owner).empty() : zone.find(record.owner, record.type) != nullptr;
  if (record.rclass == Class::any) return expect(there, is_name ? Rcode::nxdomain : Rcode::nxrrset);
  return expect(!there, is_name ? Rcode::yxdomain : Rcode::yxrrset);
}

// Section 2.4.2: RRsets with exactly these data; TTLs do not count.
Rcode check_data(const std::map<dns::Name, Rrsets>& wanted, EditedZone& zone) {
  for (const auto& [name, rrsets] : wanted) {
    for (const auto& [type, rrset] : rrsets) {
      const Rrset* const there = zone.find(name, type);
      if (there == nullptr || there->data.size() != rrset.data.size()) return Rcode::nxrrset;
      for (const auto& data : rrset.data) {
        if (!zone.has(name, type, data)) return Rcode::nxrrset;
      }
    }
  }
  return Rcode::noerror;
}

void want(const Record& record, std::map<dns::Name, Rrsets>& wanted) {
  auto& data = wanted[dns::Name(record.owner)][record.type].data;
  const auto same = [&](const auto& each) { return same_data(record.type, each, record.rdata); };
  if (std::ranges::none_of(data, same)) data.emplace_back(record.rdata.begin(), record.rdata.end());
}

Rcode prescan(const Record& record, const dns::Name& apex) {
  if (!record.owner.is_under(apex)) return Rcode::notzone;
  const bool is_meta = dns::is_meta_type(record.type);
  switch (record.rclass) {
    case Class::in:
      return expect(!is_meta, Rcode::formerr);
    case Class::any:
      return expect(record.ttl == 0 && record.rdata.empty() && (!is_meta || record.type == Type::any), Rcode::formerr);
    case Class::none:
      return expect(record.ttl == 0 && !is_meta && dns::check_rdata(record.type, record.rdata), Rcode::formerr);
    default:
      return Rcode::formerr;
  }
}

// Of these types a name has one record, which a new one replaces.
bool is_single(Type type) { return type == Type::cname || type == Type::soa || type == Type::dname; }

std::uint32_t serial_of(Bytes soa) { return load_u32(&soa[soa.size() - 20]); }

// Section 3.4.2.2. A SOA counts where its serial is greater than the zone's, and than what that was before the update:
// two of them, each greater than the one before, would lead back (RFC 1982 section 3.2).
void add(const Record& record, std::uint32_t serial_before, EditedZone& zone) {
  const bool has_cname = zone.find(record.owner, Type::cname) != nullptr;
  const bool has_others = !zone.at(record.owner).empty() && !has_cname;
  if (record.type == Type::cname ? has_others : has_cname) return;
  if (record.type == Type::soa && (record.owner != zone.apex() || !is_greater(serial_of(record.rdata), zone.serial()) ||
                                   !is_greater(serial_of(record.rdata), serial_before))) {
    return;
  }
  if (is_single(record.type)) zone.remove(record.owner, record.type);
  if (record.type == Type{11}) {  // WKS
    const Rrset* const there = zone.find(record.owner, record.type);
    for (const auto& data : there == nullptr ? decltype(Rrset::data)() : there->data) {
      if (std::equal(data.begin(), data.begin() + kWksKey, record.rdata.begin())) {
        zone.remove(record.owner, record.type, data);
      }
    }
  }
  zone.add(record.owner, record.type, record.ttl, record.rdata);
}

// Section 3.4.2.3: the zone keeps its SOA and its NS records.
void remove_rrsets(const Record& record, EditedZone& zone) {
  const auto stays = [&](Type type) { return record.owner == zone.apex() && (type == Type::soa || type == Type::ns); };
  if (record.type != Type::any) {
    if (!stays(record.type)) zone.remove(record.owner, record.type);
    return;
  }
  const Rrsets there = zone.at(record.owner);
  for (const auto& [type, rrset] : there) {
    if (!stays(type)) zone.remove(record.owner, type);
  }
}

// Section 3.4.2.4: neither the SOA nor the last NS record of the zone.
void remove_record(const Record& record, EditedZone& zone) {
  if (record.type == Type::soa) return;
  if (record.type == Type::ns && record.owner == zone.apex()) {
    const Rrset* const there = zone.find(record.owner, Type::ns);
    if (there != nullptr && there->data.size() == 1) return;
  }
  zone.remove(record.owner, record.type, record.rdata);
}

}  // namespace

Rcode check_prerequisites(const Request& request, EditedZone& zone) {
  std::map<dns::Name, Rrsets> wanted;
  for (const Record& record : request.prerequisites()) {
    if (record.ttl != 0) return Rcode::formerr;
    if (!record.owner.is_under(zone.apex())) return Rcode::notzone;
    const bool is_of_existence = record.rclass == Class::any || record.rclass == Class::none;
    if (is_of_existence && !record.rdata.empty()) return Rcode::formerr;
    if (!is_of_existence && record.rclass != Class::in) return Rcode::formerr;
    if (dns::is_meta_type(record.type) && !is_of_existence) return Rcode::formerr;
    if (!is_of_existence) {
      want(record, wanted);
      continue;
    }
    if (const Rcode rcode = check_existence(record, zone); rcode != Rcode::noerror) return rcode;
  }
  return check_data(wanted, zone);
}

Rcode prescan(const Request& request, EditedZone& zone) {
  for (const Record& record : request.updates()) {
    if (const Rcode rcode = prescan(record, zone.apex()); rcode != Rcode::noerror) return rcode;
  }
  return Rcode::noerror;
}

void apply(const Request& request, EditedZone& zone) {
  const std::uint32_t serial = zone.serial();
  for (const Record& record : request.updates()) {
    if (record.rclass == Class::any) {
      remove_rrsets(record, zone);
    } else if (record.rclass == Class::none) {
      remove_record(record, zone);
    } else {
      add(record, serial, zone);
    }
  }
}

Updated update(const Request& request, dns::NameView key, const Settings& settings, std::int64_t now,
               EditedZone& zone) {
  if (request.zone() != zone.apex() || request.zone_class() != Class::in) return {Rcode::notauth};
  if (!settings.rules.know(key)) return {Rcode::refused};
  if (const Rcode rcode = check_prerequisites(request, zone); rcode != Rcode::noerror) return {rcode};
  if (const Rcode rcode = prescan(request, zone); rcode != Rcode::noerror) return {rcode};
  if (!settings.rules.allow(key, request.updates())) return {Rcode::refused};
  std::map<dns::Name, Rrsets> before = {{zone.apex(), zone.at(zone.apex())}};
  for (const Record& record : request.updates()) before.try_emplace(dns::Name(record.owner), zone.at(record.owner));
  const std::uint32_t serial = zone.serial();
  apply(request, zone);
  if (zone.changes_since(before).empty()) return {};
  if (zone.serial() == serial) zone.set_serial(next_serial(serial, settings.serial, now));
  return {Rcode::noerror, zone.changes_since(before)};
}

}  // namespace swage::update
