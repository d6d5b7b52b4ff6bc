#include "core/zone/answer.h"

#include <algorithm>

#include "core/zone/denial.h"

namespace swage::dns {

using zone_image::Node;
using zone_image::Rrset;

namespace {

// Names that one answer goes through, from CNAME to CNAME. Resolvers go on from where we stop.
constexpr int kMaxChain = 16;

// DNSSEC's own types are beside a CNAME, not behind it (RFC 4035 section 2.5).
bool follows_cname(Type qtype) {
  constexpr Type kKey{25};
  return qtype != Type::cname && qtype != Type::rrsig && qtype != Type::nsec && qtype != kKey && qtype != Type::any;
}

}  // namespace

void ZoneAnswer::run() {
  response_.rcode = Rcode::noerror;
  response_.authoritative = true;
  for (int names = 0; names < kMaxChain; ++names) {
    if (step() == Step::done) return;
  }
}

ZoneAnswer::Step ZoneAnswer::step() {
  const Found found = zone_.find(name_);
  const Node* cover = zone_.node_or_null(found.encloser->cover);
  if (cover == nullptr && found.node == nullptr && (found.encloser->flags & zone_image::kDname) != 0) {
    cover = found.encloser;
  }
  if (cover != nullptr && (cover->flags & zone_image::kCut) == 0) return substitute(*cover);
  if (cover != nullptr && !(cover == found.node && query_.qtype == Type::ds)) {
    refer(*cover);
    return Step::done;
  }
  if (found.node != nullptr) return from_node(*found.node, nullptr);
  if (const Node* wildcard = zone_.node_or_null(found.encloser->wildcard)) return from_node(*wildcard, &found);
  nxdomain(found);
  return Step::done;
}

// `synthesised`: the node is a wildcard and stands for name_, of which this was found.
ZoneAnswer::Step ZoneAnswer::from_node(const Node& node, const Found* synthesised) {
  const std::size_t before = response_.answer.size();
  if (query_.qtype == Type::any) {
    add_everything(node, name_.spelling());
  } else if (query_.qtype == Type::rrsig) {
    add_all_rrsigs(node, name_.spelling());
  } else if (const Rrset* rrset = find_rrset(node, query_.qtype)) {
    add(response_.answer, name_.spelling(), *rrset);
    add_additional(*rrset);
  } else if (follows_cname(query_.qtype)) {
    if (const Rrset* cname = find_rrset(node, Type::cname)) return follow_cname(*cname, synthesised);
  }
  if (response_.answer.size() == before) {
    nodata(node, synthesised);
  } else if (synthesised != nullptr && dnssec_) {
    Denial(zone_, *this).wildcard_answer(name_, *synthesised);
  }
  return Step::done;
}

ZoneAnswer::Step ZoneAnswer::follow_cname(const Rrset& cname, const Found* synthesised) {
  if (loops()) return Step::done;
  add(response_.answer, name_.spelling(), cname);
  if (synthesised != nullptr && dnssec_) Denial(zone_, *this).wildcard_answer(name_, *synthesised);
  const Bytes target = RdataCursor(cname).next();
  return follow({target.data(), target.size()});
}

// RFC 6672 section 3.2: the DNAME and a CNAME made from it.
ZoneAnswer::Step ZoneAnswer::substitute(const Node& dname_owner) {
  if (loops()) return Step::done;
  const Rrset& dname = *find_rrset(dname_owner, Type::dname);
  const Bytes target = RdataCursor(dname).next();
  if (!has(response_.answer, target)) add(response_.answer, dname_owner.name(), dname);
  const std::size_t prefix = name_.spelling().size() - dname_owner.name_size;
  if (prefix + target.size() > kMaxName) {
    response_.rcode = Rcode::yxdomain;
    return Step::done;
  }
  const MutableBytes cname = response_.arena.allocate(prefix + target.size());
  std::copy_n(name_.spelling().data(), prefix, cname.begin());
  std::copy(target.begin(), target.end(), cname.begin() + static_cast<std::ptrdiff_t>(prefix));
  response_.answer.push_back(
      {.owner = name_.spelling(), .type = Type::cname, .rclass = Class::in, .ttl = dname.ttl, .rdata = cname});
  if (query_.qtype == Type::cname) return Step::done;  // that was it
  return follow({cname.data(), cname.size()});
}

ZoneAnswer::Step ZoneAnswer::follow(NameView target) {
  if (!target.is_under(zone_.apex().name())) return Step::done;
  name_.set(target);
  return Step::next_name;
}

// Whether this name was in the chain before. Its CNAME would be in the answer twice.
bool ZoneAnswer::loops() const {
  return std::any_of(response_.answer.begin(), response_.answer.end(), [this](const Record& record) {
    return record.type == Type::cname && record.owner == name_.spelling();
  });
}

void ZoneAnswer::add_everything(const Node& node, NameView owner) {
  for (const Rrset& rrset : Rrsets(node)) add(response_.answer, owner, rrset);
}

void ZoneAnswer::add_all_rrsigs(const Node& node, NameView owner) {
  for (const Rrset& rrset : Rrsets(node)) add_rrsigs(response_.answer, owner, rrset);
}

void ZoneAnswer::refer(const Node& cut) {
  const Rrset& ns = *find_rrset(cut, Type::ns);
  response_.authoritative = !response_.answer.empty();
  add(response_.authority, cut.name(), ns);
  if (dnssec_ && zone_.header().denial != zone_image::Denial::none) {
    if (const Rrset* ds = find_rrset(cut, Type::ds)) {
      add(response_.authority, cut.name(), *ds);
    } else {
      Denial(zone_, *this).nodata(cut);
    }
  }
  add_glue(cut, ns);
}

void ZoneAnswer::nodata(const Node& node, const Found* synthesised) {
  add_negative_soa();
  if (!dnssec_) return;
  Denial denial(zone_, *this);
  if (synthesised != nullptr) {
    denial.wildcard_nodata(name_, *synthesised, node);
  } else {
    denial.nodata(node);
  }
}

void ZoneAnswer::nxdomain(const Found& found) {
  response_.rcode = Rcode::nxdomain;
  add_negative_soa();
  if (dnssec_) Denial(zone_, *this).nxdomain(name_, found);
}

}  // namespace swage::dns
