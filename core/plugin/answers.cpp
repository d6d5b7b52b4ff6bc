#include "core/plugin/answers.h"

#include <algorithm>

namespace swage {
namespace {

using dns::Record;
using dns::Type;

constexpr std::uint32_t kDay = 86400;
constexpr std::size_t kSoaNumbers = 20;  // bytes: serial, refresh, retry, expire, minimum (RFC 1035 section 3.3.13)
constexpr std::size_t kMaxReason = 64;   // bytes: what a client gets for asking must stay small
constexpr std::size_t kMaxString = 255;  // bytes of a character-string (RFC 1035 section 3.3)

bool is_soa(const Record& record, dns::NameView zone) {
  return record.type == Type::soa && record.rdata.size() > kSoaNumbers && record.owner == zone;
}

// The answer to the question for the SOA record becomes the authority section. False where it has none.
bool take_soa(Response& response, dns::NameView zone, bool negative) {
  const auto soa = std::ranges::find_if(response.answer, [&](const Record& each) { return is_soa(each, zone); });
  if (response.rcode != dns::Rcode::noerror || soa == response.answer.end()) return false;
  const std::uint32_t minimum = load_u32(&soa->rdata[soa->rdata.size() - 4]);
  const std::uint32_t ttl = negative ? std::min(soa->ttl, minimum) : soa->ttl;
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

// An empty response with the SOA record as authority. `negative`: its TTL is that of a negative answer.
Result<Outcome> fetch_soa(const Query& query, Response& response, Next next, dns::NameView zone, bool negative) {
  const std::uint8_t self = response.plugin;
  const auto types = response.types;
  response.clear_answer();
  Query question = query;
  question.ask(zone);
  question.qtype = Type::soa;
  TRY(const Outcome outcome, next(question, response));
  if (outcome != Outcome::send) return outcome;
  response.plugin = self;
  response.types = types;
  if (!take_soa(response, zone, negative)) {
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

}  // namespace

Outcome answer_record(const Query& query, Response& response, Type type, std::uint32_t ttl, Bytes rdata) {
  response.rcode = dns::Rcode::noerror;
  response.authoritative = true;
  response.answer.push_back({.owner = query.qname, .type = type, .rclass = query.qclass, .ttl = ttl, .rdata = rdata});
  return Outcome::send;
}

Outcome answer_address(const Query& query, Response& response, std::uint32_t ttl, const IpAddress& address) {
  const Type type = address.is_v6() ? Type::aaaa : Type::a;
  return answer_record(query, response, type, ttl, response.arena.copy(address.bytes()));
}

// A longer text is several character-strings.
Outcome answer_text(const Query& query, Response& response, std::uint32_t ttl, std::string_view text) {
  const std::size_t strings = std::max<std::size_t>(1, (text.size() + kMaxString - 1) / kMaxString);
  const MutableBytes rdata = response.arena.allocate(text.size() + strings);
  std::uint8_t* at = rdata.data();
  do {
    const std::string_view string = text.substr(0, kMaxString);
    *at++ = static_cast<std::uint8_t>(string.size());
    at = std::copy(string.begin(), string.end(), at);
    text.remove_prefix(string.size());
  } while (!text.empty());
  return answer_record(query, response, Type::txt, ttl, rdata);
}

Outcome answer_failure(Response& response, dns::ExtendedError code, std::string_view text) {
  response.clear_answer();
  response.rcode = dns::Rcode::servfail;
  add_extended_error(response, code, text);
  return Outcome::send;
}

void add_extended_error(Response& response, dns::ExtendedError code, std::string_view text) {
  const auto number = static_cast<std::uint16_t>(code);
  const bool said = std::ranges::any_of(response.options, [&](const dns::EdnsOption& each) {
    return each.code == dns::kOptionExtendedError && load_u16(each.data.data()) == number;
  });
  if (said) return;
  text = text.substr(0, kMaxReason);
  const MutableBytes data = response.arena.allocate(2 + text.size());
  store_u16(data.data(), number);
  std::copy(text.begin(), text.end(), data.begin() + 2);
  response.options.push_back({dns::kOptionExtendedError, data});
}

Result<Outcome> no_data(const Query& query, Response& response, Next next, dns::NameView zone) {
  return fetch_soa(query, response, next, zone, true);
}

Result<Outcome> name_error(const Query& query, Response& response, Next next, dns::NameView zone) {
  TRY(const Outcome outcome, fetch_soa(query, response, next, zone, true));
  if (outcome == Outcome::send) response.rcode = dns::Rcode::nxdomain;
  return outcome;
}

Result<Outcome> answer_soa(const Query& query, Response& response, Next next, dns::NameView zone) {
  TRY(const Outcome outcome, fetch_soa(query, response, next, zone, false));
  if (outcome == Outcome::send) response.answer.swap(response.authority);
  return outcome;
}

}  // namespace swage
