// ZoneSections: RRsets of a zone image into the sections of a response.
#include <algorithm>

#include "core/zone/answer.h"

namespace swage::dns {

using zone_image::Node;
using zone_image::Ref;
using zone_image::Rrset;

namespace {

// Hosts whose addresses are offered along with an answer. More would not fit anyway, and a zone may have an RRset of
// thousands.
constexpr unsigned kMaxHosts = 32;

void append(ZoneSections::Section& section, NameView owner, const Rrset& rrset, Type type, Bytes rdata, bool optional) {
  section.push_back(
      {.owner = owner, .type = type, .rclass = Class::in, .ttl = rrset.ttl, .rdata = rdata, .optional = optional});
}

}  // namespace

void ZoneSections::add(Section& section, NameView owner, const Rrset& rrset, bool optional) {
  RdataCursor rdata(rrset);
  for (unsigned i = 0; i < rrset.count; ++i) append(section, owner, rrset, Type{rrset.type}, rdata.next(), optional);
  if (!dnssec_) return;
  for (unsigned i = 0; i < rrset.sigs; ++i) append(section, owner, rrset, Type::rrsig, rdata.next(), optional);
}

void ZoneSections::add_rrsigs(Section& section, NameView owner, const Rrset& rrset) {
  RdataCursor rdata(rrset);
  for (unsigned i = 0; i < rrset.count; ++i) rdata.next();
  for (unsigned i = 0; i < rrset.sigs; ++i) append(section, owner, rrset, Type::rrsig, rdata.next(), false);
}

void ZoneSections::add_negative_soa() {
  const std::size_t before = response_.authority.size();
  add(response_.authority, zone_.apex().name(), *zone_.at<Rrset>(zone_.header().soa));
  for (std::size_t i = before; i < response_.authority.size(); ++i) {
    response_.authority[i].ttl = zone_.header().negative_ttl;
  }
}

void ZoneSections::add_once(const Node& node, const Rrset& rrset) {
  if (!has(response_.authority, RdataCursor(rrset).next())) add(response_.authority, node.name(), rrset);
}

void ZoneSections::add_addresses(const Node& host, bool optional) {
  for (const Type type : {Type::a, Type::aaaa}) {
    const Rrset* rrset = find_rrset(host, type);
    if (rrset == nullptr) continue;
    const Bytes first = RdataCursor(*rrset).next();
    if (has(response_.additional, first) || has(response_.answer, first)) continue;
    add(response_.additional, host.name(), *rrset, optional);
  }
}

void ZoneSections::add_additional(const Rrset& rrset) {
  const Type type{rrset.type};
  if (!zone_image::has_targets(type)) return;
  const Ref* const hosts = targets(rrset);
  for (unsigned i = 0; i < std::min<unsigned>(rrset.count, kMaxHosts); ++i) {
    const Node* host = zone_.node_or_null(hosts[i]);
    if (host == nullptr) continue;
    const Node* cover = zone_.node_or_null(host->cover);
    // Data below a delegation are not ours to tell, but for name servers.
    const bool glue = cover != nullptr && (cover->flags & zone_image::kCut) != 0 && type == Type::ns;
    if (cover == nullptr || glue) add_addresses(*host, true);
  }
}

void ZoneSections::add_glue(const Node& cut, const Rrset& ns) {
  const Ref* const hosts = targets(ns);
  for (const bool optional : {false, true}) {  // what must be sent comes first
    for (unsigned i = 0; i < ns.count; ++i) {
      const Node* host = zone_.node_or_null(hosts[i]);
      if (host == nullptr) continue;
      const Node* cover = zone_.node_or_null(host->cover);
      if ((cover != &cut) != optional) continue;
      if (cover == nullptr || (cover->flags & zone_image::kCut) != 0) add_addresses(*host, optional);
    }
  }
}

bool ZoneSections::has(const Section& section, Bytes rdata) {
  return std::any_of(section.begin(), section.end(),
                     [&](const Record& record) { return record.rdata.data() == rdata.data(); });
}

}  // namespace swage::dns
