#include "plugins/dnssec/answer_signer.h"

#include <algorithm>

#include "core/dnssec/compact.h"

namespace swage::plugins::dnssec {

using dns::NameView;
using dns::Rcode;
using dns::Record;
using dns::Type;

namespace {

constexpr std::size_t kSoaNumbers = 20;  // bytes: the minimum is the last of them
constexpr int kMaxChain = 16;            // names

bool same_rrset(const Record& a, const Record& b) { return a.type == b.type && a.owner == b.owner; }

bool has(const std::vector<Record>& section, Type type) {
  return std::ranges::any_of(section, [type](const Record& each) { return each.type == type; });
}

const Record* find(const std::vector<Record>& section, NameView owner, Type type) {
  const auto found =
      std::ranges::find_if(section, [&](const Record& each) { return each.type == type && each.owner == owner; });
  return found == section.end() ? nullptr : &*found;
}

bool covers(const Record& record, const Record& rrsig) {
  return rrsig.type == Type::rrsig && rrsig.rdata.size() >= 2 &&
         load_u16(rrsig.rdata.data()) == static_cast<std::uint16_t>(record.type) && rrsig.owner == record.owner;
}

// A CNAME that was made from a DNAME is not signed: whoever checks it makes it again (RFC 6672 section 5.3.1).
bool is_synthesised(const std::vector<Record>& section, const Record& record) {
  if (record.type != Type::cname) return false;
  return std::ranges::any_of(section, [&](const Record& each) {
    return each.type == Type::dname && record.owner.size() > each.owner.size() && record.owner.is_under(each.owner);
  });
}

// These are about the record that stands at the name itself.
bool asks_for_proof(Type qtype) { return qtype == Type::nsec || qtype == Type::rrsig; }

}  // namespace

bool AnswerSigner::is_ours() const {
  if (response_.origin.port != 0 || response_.stream != nullptr) return false;
  const bool is_answer =
      response_.rcode == Rcode::noerror || response_.rcode == Rcode::nxdomain || response_.rcode == Rcode::yxdomain;
  return is_answer && (response_.authoritative || is_referral());
}

bool AnswerSigner::lacks_soa() const {
  return response_.answer.empty() && response_.rcode != Rcode::yxdomain && !has(response_.authority, Type::ns) &&
         std::ranges::none_of(response_.authority, [this](const Record& each) {
           return each.type == Type::soa && query_.qname.is_under(each.owner);
         });
}

// The NS record of a zone below.
const Record* AnswerSigner::referral() const {
  const auto found = std::ranges::find_if(response_.authority, [this](const Record& each) {
    return each.type == Type::ns && each.owner.size() > zone_.apex().size() && each.owner.is_under(zone_.apex());
  });
  return found == response_.authority.end() ? nullptr : &*found;
}

const Record* AnswerSigner::soa() const { return find(response_.authority, zone_.apex(), Type::soa); }

void AnswerSigner::follow_chain() {
  for (int names = 0; names < kMaxChain; ++names) {
    const Record* const cname = find(response_.answer, target_, Type::cname);
    if (cname == nullptr || query_.qtype == Type::cname) return;
    target_ = {cname->rdata.data(), cname->rdata.size()};
  }
}

// The types of target_, or of nothing that exists. Those that every name has are added where it is written.
void AnswerSigner::list_types(bool exists) {
  std::vector<Type>& types = scratch_.types;
  types.clear();
  if (!exists) return types.push_back(Type::nxname);
  const auto known = response_.types.value_or(swage::dnssec::usual_types());
  types.assign(known.begin(), known.end());
  if (target_ == zone_.apex()) {
    types.insert(types.end(), {Type::ns, Type::soa});
    for (std::size_t i = 0; i < kKeyTypes.size(); ++i) {
      if (!zone_.published().rrsets[i].rdata.empty()) types.push_back(kKeyTypes[i]);
    }
  }
  std::erase_if(types, [this](Type type) { return type == query_.qtype || type == Type::opt; });
}

void AnswerSigner::add_nsec(Section& section, NameView owner, std::uint32_t ttl) {
  std::vector<Type>& types = scratch_.types;
  types.insert(types.end(), {Type::rrsig, Type::nsec});
  const MutableBytes rdata = response_.arena.allocate(swage::dnssec::nsec_room(types));
  const std::size_t size = swage::dnssec::write_nsec(owner, zone_.apex(), types, rdata);
  section.push_back({.owner = owner, .type = Type::nsec, .ttl = ttl, .rdata = rdata.first(size)});
}

// RFC 9824 sections 3.1 to 3.3: that a name does not exist is said as that it has no type but NXNAME.
void AnswerSigner::deny() {
  const Record& soa = *this->soa();
  const bool exists = response_.rcode != Rcode::nxdomain || target_ == zone_.apex();
  const std::uint32_t ttl = std::min(soa.ttl, load_u32(&soa.rdata[soa.rdata.size() - 4]));  // RFC 9077
  list_types(exists);
  if (!query_.edns.compact_ok || exists) response_.rcode = Rcode::noerror;
  const bool is_answer = asks_for_proof(query_.qtype) && response_.answer.empty();
  add_nsec(is_answer ? response_.answer : response_.authority, target_, ttl);
  if (!is_answer) return;
  response_.rcode = Rcode::noerror;
  response_.authority.clear();
}

// Section 3.4: the name has NS records and no DS records.
void AnswerSigner::prove_unsigned(const Record& ns) {
  scratch_.types.assign(1, Type::ns);
  const NameView owner = ns.owner;
  add_nsec(response_.authority, owner, ns.ttl);
}

Result<bool> AnswerSigner::run() {
  response_.compact = query_.edns.compact_ok;
  follow_chain();
  const bool is_denied = has(response_.authority, Type::nsec) || has(response_.authority, Type::nsec3);
  if (!is_denied && target_.is_under(zone_.apex())) {
    const Record* const cut = referral();
    if (const Record* const soa = this->soa(); soa != nullptr && soa->rdata.size() > kSoaNumbers) {
      deny();
    } else if (cut != nullptr && find(response_.authority, cut->owner, Type::ds) == nullptr) {
      prove_unsigned(*cut);
    }
  }
  TRY(const bool answered, sign(response_.answer));
  if (!answered) return false;
  if (query_.qtype == Type::rrsig && has(response_.answer, Type::nsec)) {
    std::erase_if(response_.answer, [](const Record& each) { return each.type == Type::nsec; });
  }
  return sign(response_.authority);
}

bool AnswerSigner::is_to_be_signed(const Section& section, const Record& record) const {
  if (record.type == Type::rrsig || !record.owner.is_under(zone_.apex())) return false;
  if (record.type == Type::ns && &section == &response_.authority && record.owner != zone_.apex()) return false;
  if (is_synthesised(section, record)) return false;
  return std::ranges::none_of(section, [&](const Record& each) { return covers(record, each); });
}

// The records of an RRset mostly stand together; it is signed where the last of them stands.
Result<bool> AnswerSigner::sign(Section& section) {
  Section& out = scratch_.section;
  out.clear();
  for (std::size_t i = 0; i < section.size(); ++i) {
    out.push_back(section[i]);
    const auto rest = std::span(section).subspan(i + 1);
    const auto same = [&](const Record& each) { return same_rrset(each, section[i]); };
    if (!rest.empty() && same(rest.front())) continue;
    if (std::ranges::any_of(rest, same) || !is_to_be_signed(section, section[i])) continue;
    TRY(const bool is_signed, sign_rrset(section, i));
    if (!is_signed) return false;
  }
  section.swap(out);
  return true;
}

Result<bool> AnswerSigner::sign_rrset(const Section& section, std::size_t last) {
  const Record& record = section[last];
  scratch_.rdata.clear();
  for (const Record& each : std::span(section).first(last + 1)) {
    if (same_rrset(each, record)) scratch_.rdata.push_back(each.rdata);
  }
  signatures_.signer().set({.owner = record.owner, .type = record.type, .ttl = record.ttl, .rdata = scratch_.rdata});
  const auto kind = record.type == Type::nsec ? shm::AnswerKind::denial : shm::AnswerKind::success;
  for (const SigningKey& key : zone_.keys()) {
    TRY(const std::optional<Bytes> rrsig, signatures_.rrsig(key, kind, moment_, response_.arena));
    if (!rrsig) return false;
    scratch_.section.push_back({.owner = record.owner, .type = Type::rrsig, .ttl = record.ttl, .rdata = *rrsig});
  }
  return true;
}

}  // namespace swage::plugins::dnssec
