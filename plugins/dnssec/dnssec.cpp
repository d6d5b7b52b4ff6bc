#include "plugins/dnssec/dnssec.h"

#include <algorithm>

namespace swage::plugins::dnssec {

using dns::Rcode;
using dns::Type;

namespace {

// `query` as a client asks it that wants signatures.
Query with_signatures(const Query& query) {
  Query question = query;
  question.edns.dnssec_ok = true;
  return question;
}

}  // namespace

Dnssec::Dnssec(const std::vector<SignedZone>& zones, const Signatures::Settings& settings, shm::WorkerMemory& memory)
    : signatures_(settings), memory_(memory) {
  for (const SignedZone& zone : zones) zones_.add(zone.apex, std::make_unique<ZoneInForce>(zone.apex, *zone.snapshot));
}

Result<Outcome> Dnssec::serve(const Query& query, Response& response, Next next) const {
  const auto* const found = query.qclass == dns::Class::in ? zones_.authority(query) : nullptr;
  if (found == nullptr) return next(query, response);
  ZoneInForce& zone = **found;
  const bool at_apex = query.qname.size() == zone.apex().size();
  const bool asks_for_keys = at_apex && std::ranges::find(kKeyTypes, query.qtype) != kKeyTypes.end();
  if (!asks_for_keys && !query.edns.dnssec_ok) return next(query, response);
  TRY(zone.refresh());
  if (zone.keys().empty()) return next(query, response);
  if (asks_for_keys && zone.rrset(query.qtype) != nullptr) return serve_keys(zone, query, response, next);
  if (!query.edns.dnssec_ok) return next(query, response);
  response.compact = true;  // to a referral belong the DS records
  const Result<Outcome> outcome = next(query, response);
  response.compact = false;
  if (!outcome || *outcome != Outcome::send) return outcome;
  return sign(zone, query, response, next);
}

// A zone that is signed where it comes from has keys of its own.
Result<Outcome> Dnssec::serve_keys(const ZoneInForce& zone, const Query& query, Response& response, Next next) const {
  TRY(const Outcome outcome, next(with_signatures(query), response));
  if (outcome != Outcome::send) return outcome;
  const bool is_signed =
      std::ranges::any_of(response.answer, [](const auto& each) { return each.type == Type::rrsig; });
  response.clear_answer();
  if (is_signed) return next(query, response);
  response.rcode = Rcode::noerror;
  response.authoritative = true;
  response.compact = query.edns.compact_ok;
  const KeyRrset& rrset = *zone.rrset(query.qtype);
  const std::uint32_t ttl = zone.published().ttl;
  for (const Bytes rdata : rrset.rdata) {
    response.answer.push_back({.owner = query.qname, .type = query.qtype, .ttl = ttl, .rdata = rdata});
  }
  if (!query.edns.dnssec_ok) return Outcome::send;
  for (const Bytes rdata : rrset.rrsigs) {
    response.answer.push_back({.owner = query.qname, .type = Type::rrsig, .ttl = ttl, .rdata = rdata});
  }
  return Outcome::send;
}

Result<Outcome> Dnssec::sign(const ZoneInForce& zone, const Query& query, Response& response, Next next) const {
  const Signatures::Moment moment{
      .now = std::time(nullptr), .received = query.received, .may_wait = query.transport == dns::Transport::tcp};
  AnswerSigner signer(zone, signatures_, scratch_, query, response, moment);
  if (!signer.is_ours()) return Outcome::send;
  if (signer.lacks_soa()) {
    std::vector<dns::Record> additional;
    additional.swap(response.additional);
    const auto ask = response.rcode == Rcode::nxdomain ? &name_error : &no_data;
    TRY(const Outcome outcome, ask(query, response, next, zone.apex()));
    if (outcome != Outcome::send) return outcome;
    additional.swap(response.additional);
  }
  signatures_.use(memory_.own(), memory_.all());
  TRY(const bool is_signed, signer.run());
  if (!is_signed) {
    response.clear_answer();
    response.rcode = Rcode::noerror;
    response.ask_over_tcp = true;
  }
  return Outcome::send;
}

}  // namespace swage::plugins::dnssec
