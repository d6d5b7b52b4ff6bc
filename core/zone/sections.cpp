// Sections: RRsets of a zone image into the sections of a response.
#include <algorithm>

#include "core/zone/answer.h"

namespace swage::zone {

using image::Node;
using image::Ref;
using image::Rrset;

namespace {

// Hosts whose addresses are offered along with an answer. More would not fit anyway, and a zone may have an RRset of
// thousands.
constexpr unsigned kMaxHosts = 32;

void append(Sections::Section& section, dns::NameView owner, const Rrset& rrset, dns::Type type, Bytes rdata,
            bool optional) {
  section.push_back(
      {.owner = owner, .type = type, .rclass = dns::Class::in, .ttl = rrset.ttl, .rdata = rdata, .optional = optional});
}

}  // namespace

void Sections::add(Section& section, dns::NameView owner, const Rrset& rrset, bool optional) {
  RdataCursor rdata(rrset);
  for (unsigned i = 0; i < rrset.count; ++i)
    append(section, owner, rrset, dns::Type{rrset.type}, rdata.next(), optional);
  if (!dnssec_) return;
  for (unsigned i = 0; i < rrset.sigs; ++i) append(section, owner, rrset, dns::Type::rrsig, rdata.next(), optional);
}

void Sections::add_rrsigs(Section& section, dns::NameView owner, const Rrset& rrset) {
  RdataCursor rdata(rrset);
  for (unsigned i = 0; i < rrset.count; ++i) rdata.next();
  for (unsigned i = 0; i < rrset.sigs; ++i) append(section, owner, rrset, dns::Type::rrsig, rdata.next(), false);
}

void Sections::add_negative_soa() {
  const std::size_t before = response_.authority.size();
  add(response_.authority, zone_.apex().name(), *zone_.at<Rrset>(zone_.header().soa));
  for (std::size_t i = before; i < response_.authority.size(); ++i) {
    response_.authority[i].ttl = zone_.header().negative_ttl;
  }
}

void Sections::add_once(const Node& node, const Rrset& rrset) {
  if (!has(response_.authority, RdataCursor(rrset).next())) add(response_.authority, node.name(), rrset);
}

void Sections::add_addresses(const Node& host, bool optional) {
  for (const dns::Type type : {dns::Type::a, dns::Type::aaaa}) {
    const Rrset* rrset = find_rrset(host, type);
    if (rrset == nullptr) continue;
    const Bytes first = RdataCursor(*rrset).next();
    if (has(response_.additional, first) || has(response_.answer, first)) continue;
    add(response_.additional, host.name(), *rrset, optional);
  }
}

void Sections::add_additional(const Rrset& rrset) {
  if (!image::has_targets(dns::Type{rrset.type})) return;
  unsigned left = kMaxHosts;
  add_targets(rrset, left);
}

// `left`: how many more hosts may be looked at.
void Sections::add_targets(const Rrset& rrset, unsigned& left) {
  const Ref* const hosts = targets(rrset);
  for (unsigned i = 0; i < rrset.count; ++i) {
    if (left == 0) return;
    --left;
    if (const Node* host = zone_.node_or_null(hosts[i])) add_host(*host, dns::Type{rrset.type}, left);
  }
}

// What is offered of a host that a record of `type` names: its addresses and, where it is a service's (RFC 9460 section
// 4.1), what it says of that service, and so on from alias to alias.
void Sections::add_host(const Node& host, dns::Type type, unsigned& left) {
  const Node* cover = zone_.node_or_null(host.cover);
  // Below a delegation only name-server addresses are served.
  const bool glue = cover != nullptr && (cover->flags & image::kCut) != 0 && type == dns::Type::ns;
  if (cover != nullptr && !glue) return;
  add_addresses(host, true);
  if (type != dns::Type::svcb && type != dns::Type::https) return;
  const Rrset* const service = find_rrset(host, type);
  const Rrset* const next = service != nullptr ? service : find_rrset(host, dns::Type::cname);
  if (next == nullptr) return;
  const Bytes first = RdataCursor(*next).next();
  if (has(response_.answer, first) || has(response_.additional, first)) return;
  add(response_.additional, host.name(), *next, true);
  if (service != nullptr) return add_targets(*service, left);
  if (left == 0) return;
  --left;
  if (const Node* target = find_node({first.data(), first.size()})) add_host(*target, type, left);
}

// Nothing where it is not a name of this zone.
const Node* Sections::find_node(dns::NameView name) const {
  if (!name.is_under(zone_.apex().name())) return nullptr;
  SearchName search(zone_.header());
  search.set(name);
  return zone_.find(search).node;
}

void Sections::add_glue(const Node& cut, const Rrset& ns) {
  const Ref* const hosts = targets(ns);
  for (const bool optional : {false, true}) {  // what must be sent comes first
    for (unsigned i = 0; i < ns.count; ++i) {
      const Node* host = zone_.node_or_null(hosts[i]);
      if (host == nullptr) continue;
      const Node* cover = zone_.node_or_null(host->cover);
      if ((cover != &cut) != optional) continue;
      if (cover == nullptr || (cover->flags & image::kCut) != 0) add_addresses(*host, optional);
    }
  }
}

bool Sections::has(const Section& section, Bytes rdata) {
  return std::any_of(section.begin(), section.end(),
                     [&](const dns::Record& record) { return record.rdata.data() == rdata.data(); });
}

}  // namespace swage::zone
