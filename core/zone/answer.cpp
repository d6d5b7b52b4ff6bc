#include "core/zone/answer.h"

#include <algorithm>

#include "core/zone/denial.h"

namespace swage::zone {

using image::Node;
using image::Rrset;

namespace {

// Names that one answer goes through, from CNAME to CNAME. Resolvers go on from where we stop.
constexpr int kMaxChain = 16;

// DNSSEC's own types stand beside a CNAME: they are not looked for at its target (RFC 4035 section 2.5).
bool follows_cname(dns::Type qtype) {
  return qtype != dns::Type::cname && qtype != dns::Type::rrsig && qtype != dns::Type::nsec &&
         qtype != dns::Type::key && qtype != dns::Type::any;
}

}  // namespace

void Answer::run() {
  response_.rcode = dns::Rcode::noerror;
  response_.authoritative = true;
  for (int names = 0; names < kMaxChain; ++names) {
    if (step() == Step::done) return;
  }
}

Answer::Step Answer::step() {
  const Found found = zone_.find(name_);
  const Node* cover = zone_.node_or_null(found.encloser->cover);
  if (cover == nullptr && found.node == nullptr && (found.encloser->flags & image::kDname) != 0) {
    cover = found.encloser;
  }
  if (cover != nullptr && (cover->flags & image::kCut) == 0) return substitute(*cover);
  if (cover != nullptr && !(cover == found.node && query_.qtype == dns::Type::ds)) {
    refer(*cover);
    return Step::done;
  }
  if (found.node != nullptr) return from_node(*found.node, nullptr);
  if (const Node* wildcard = zone_.node_or_null(found.encloser->wildcard)) return from_node(*wildcard, &found);
  nxdomain(found);
  return Step::done;
}

// `synthesised`: the node is a wildcard and stands for name_, of which this was found.
Answer::Step Answer::from_node(const Node& node, const Found* synthesised) {
  const std::size_t before = response_.answer.size();
  if (synthesised != nullptr) response_.wildcard = node.name();
  if (query_.qtype == dns::Type::any) {
    add_everything(node, name_.spelling());
  } else if (query_.qtype == dns::Type::rrsig) {
    add_all_rrsigs(node, name_.spelling());
  } else if (const Rrset* rrset = find_rrset(node, query_.qtype)) {
    add(response_.answer, name_.spelling(), *rrset);
    add_additional(*rrset);
  } else if (follows_cname(query_.qtype)) {
    if (const Rrset* cname = find_rrset(node, dns::Type::cname)) return follow_cname(*cname, synthesised);
  }
  if (response_.answer.size() == before) {
    nodata(node, synthesised);
  } else if (synthesised != nullptr && dnssec_) {
    Denial(zone_, *this).wildcard_answer(name_, *synthesised);
  }
  return Step::done;
}

Answer::Step Answer::follow_cname(const Rrset& cname, const Found* synthesised) {
  if (loops()) return Step::done;
  add(response_.answer, name_.spelling(), cname);
  if (synthesised != nullptr && dnssec_) Denial(zone_, *this).wildcard_answer(name_, *synthesised);
  const Bytes target = RdataCursor(cname).next();
  return follow({target.data(), target.size()});
}

// RFC 6672 section 3.2: the DNAME and a CNAME made from it.
Answer::Step Answer::substitute(const Node& dname_owner) {
  if (loops()) return Step::done;
  const Rrset& dname = *find_rrset(dname_owner, dns::Type::dname);
  const Bytes target = RdataCursor(dname).next();
  if (!has(response_.answer, target)) add(response_.answer, dname_owner.name(), dname);
  const std::size_t prefix = name_.spelling().size() - dname_owner.name_size;
  if (prefix + target.size() > dns::kMaxName) {
    response_.rcode = dns::Rcode::yxdomain;
    return Step::done;
  }
  const MutableBytes cname = response_.arena.allocate(prefix + target.size());
  std::copy_n(name_.spelling().data(), prefix, cname.begin());
  std::copy(target.begin(), target.end(), cname.begin() + static_cast<std::ptrdiff_t>(prefix));
  response_.answer.push_back({.owner = name_.spelling(),
                              .type = dns::Type::cname,
                              .rclass = dns::Class::in,
                              .ttl = dname.ttl,
                              .rdata = cname});
  if (query_.qtype == dns::Type::cname) return Step::done;  // the synthesised CNAME is the answer
  return follow({cname.data(), cname.size()});
}

Answer::Step Answer::follow(dns::NameView target) {
  if (!target.is_under(zone_.apex().name())) return Step::done;
  name_.set(target);
  return Step::next_name;
}

// Whether this name was in the chain before. Its CNAME would be in the answer twice.
bool Answer::loops() const {
  return std::any_of(response_.answer.begin(), response_.answer.end(), [this](const dns::Record& record) {
    return record.type == dns::Type::cname && record.owner == name_.spelling();
  });
}

void Answer::add_everything(const Node& node, dns::NameView owner) {
  for (const Rrset& rrset : Rrsets(node)) add(response_.answer, owner, rrset);
}

void Answer::add_all_rrsigs(const Node& node, dns::NameView owner) {
  for (const Rrset& rrset : Rrsets(node)) add_rrsigs(response_.answer, owner, rrset);
}

void Answer::refer(const Node& cut) {
  const Rrset& ns = *find_rrset(cut, dns::Type::ns);
  response_.authoritative = !response_.answer.empty();
  add(response_.authority, cut.name(), ns);
  // Of a zone without signatures for whoever signs in its stead, and says so by Response::compact.
  const bool is_signed = zone_.header().denial != image::Denial::none;
  if (dnssec_ && (is_signed || response_.compact)) {
    if (const Rrset* ds = find_rrset(cut, dns::Type::ds)) {
      add(response_.authority, cut.name(), *ds);
    } else if (is_signed) {
      Denial(zone_, *this).nodata(cut);
    }
  }
  add_glue(cut, ns);
}

void Answer::nodata(const Node& node, const Found* synthesised) {
  add_negative_soa();
  if (!dnssec_) return;
  if (zone_.header().denial == image::Denial::none) return tell_types(node);
  Denial denial(zone_, *this);
  if (synthesised != nullptr) {
    denial.wildcard_nodata(name_, *synthesised, node);
  } else {
    denial.nodata(node);
  }
}

// For whoever proves it in the zone's stead.
void Answer::tell_types(const Node& node) {
  const MutableBytes memory = response_.arena.allocate(node.rrsets * sizeof(dns::Type));
  auto* const types = reinterpret_cast<dns::Type*>(memory.data());
  std::size_t count = 0;
  const bool cut = (node.flags & image::kCut) != 0;  // all else there is the child's
  for (const Rrset& rrset : Rrsets(node)) {
    const dns::Type type{rrset.type};
    if (rrset.count > 0 && (!cut || type == dns::Type::ns || type == dns::Type::ds)) types[count++] = type;
  }
  response_.types = std::span<const dns::Type>(types, count);
}

void Answer::nxdomain(const Found& found) {
  response_.rcode = dns::Rcode::nxdomain;
  add_negative_soa();
  if (dnssec_) Denial(zone_, *this).nxdomain(name_, found);
}

}  // namespace swage::zone
