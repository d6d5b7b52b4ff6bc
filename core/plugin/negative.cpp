#include "core/plugin/negative.h"

#include <algorithm>

namespace swage {
namespace {

using dns::Record;
using dns::Type;

constexpr std::uint32_t kDay = 86400;
constexpr std::size_t kSoaNumbers = 20;  // bytes: serial, refresh, retry, expire, minimum (RFC 1035 section 3.3.13)

// Empty, but for the options and what is in the arena.
void clear_sections(Response& response) {
  response.rcode = dns::Rcode::refused;
  response.authoritative = false;
  response.answer.clear();
  response.authority.clear();
  response.additional.clear();
}

bool is_soa(const Record& record, dns::NameView zone) {
  return record.type == Type::soa && record.rdata.size() > kSoaNumbers && record.owner == zone;
}

// The answer to the question for the SOA record becomes the authority section. False where it has none.
bool take_soa(Response& response, dns::NameView zone) {
  const auto soa = std::ranges::find_if(response.answer, [&](const Record& each) { return is_soa(each, zone); });
  if (response.rcode != dns::Rcode::noerror || soa == response.answer.end()) return false;
  const std::uint32_t ttl = std::min(soa->ttl, load_u32(&soa->rdata[soa->rdata.size() - 4]));
  response.authority.clear();
  for (Record record : response.answer) {
    if (!is_soa(record, zone) && !(record.type == Type::rrsig && record.owner == zone)) continue;
    // The question was ours, and is gone when the response is encoded: nothing may point into it.
    record.owner = response.arena.copy(record.owner);
    record.rdata = response.arena.copy(record.rdata);
    record.ttl = ttl;
    response.authority.push_back(record);
  }
  return true;
}

Result<Record> made_up_soa(Response& response, dns::NameView zone) {
  TRY(const dns::Name mname, dns::Name(zone).child(as_bytes("ns")));
  TRY(const dns::Name rname, dns::Name(zone).child(as_bytes("hostmaster")));
  const MutableBytes rdata = response.arena.allocate(mname.size() + rname.size() + kSoaNumbers);
  std::uint8_t* at = std::copy_n(mname.data(), mname.size(), rdata.data());
  at = std::copy_n(rname.data(), rname.size(), at);
  for (const std::uint32_t number : {1U, kDay, 2400U, 604800U, kDay}) {
    store_u32(at, number);
    at += sizeof number;
  }
  return Record{.owner = zone, .type = Type::soa, .ttl = kDay, .rdata = rdata};
}

}  // namespace

Result<Outcome> no_data(const Query& query, Response& response, Next next, dns::NameView zone) {
  const std::uint8_t self = response.plugin;
  clear_sections(response);
  Query question = query;
  question.ask(zone);
  question.qtype = Type::soa;
  TRY(const Outcome outcome, next(question, response));
  if (outcome == Outcome::drop) return outcome;
  response.plugin = self;
  if (!take_soa(response, zone)) {
    response.authority.clear();
    TRY(const Record soa, made_up_soa(response, zone));
    response.authority.push_back(soa);
  }
  response.rcode = dns::Rcode::noerror;
  response.authoritative = true;
  response.answer.clear();
  response.additional.clear();
  return Outcome::send;
}

}  // namespace swage
