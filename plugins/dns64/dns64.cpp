#include "plugins/dns64/dns64.h"

#include <algorithm>

namespace swage::plugins::dns64 {
namespace {

using dns::Record;
using dns::Type;

constexpr std::uint32_t kTtlWithoutSoa = 600;  // seconds (RFC 6147 section 5.1.7)
constexpr std::size_t kReserved = 8;           // the byte of an address that is 0 (RFC 6052 section 2.2)
constexpr std::array<std::uint8_t, 12> kMapped = {0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xFF, 0xFF};  // ::ffff:0:0/96

// An address that a client of IPv6 can reach: IPv4-mapped ones are not (RFC 6147 section 5.1.4).
bool is_usable(const Record& record) {
  return record.type == Type::aaaa && !std::ranges::equal(record.rdata.first(kMapped.size()), kMapped);
}

std::uint32_t negative_ttl(const Response& response) {
  const auto soa = std::ranges::find(response.authority, Type::soa, &Record::type);
  return soa == response.authority.end() ? kTtlWithoutSoa : soa->ttl;
}

bool signs_addresses(const Record& record) {
  return record.type == Type::rrsig && load_u16(record.rdata.data()) == static_cast<std::uint16_t>(Type::a);
}

}  // namespace

Address embed(const Prefix& prefix, Bytes ipv4) {
  Address address{};
  const std::size_t size = prefix.length / 8;
  std::copy_n(prefix.address.bytes().begin(), size, address.begin());
  std::size_t at = size;
  for (const std::uint8_t byte : ipv4) {
    if (at == kReserved) ++at;
    address[at++] = byte;
  }
  return address;
}

bool Dns64::takes(const Query& query) const {
  if (query.qtype != Type::aaaa || query.qclass != dns::Class::in) return false;
  if (!settings_.takes_ipv4 && !query.client.address.is_v6()) return false;
  // Who verifies by himself must see what is signed, and makes addresses by himself (RFC 6147 section 3).
  return !(query.edns.dnssec_ok && query.checking_disabled);
}

bool Dns64::is_to_be_translated(const Response& response) const {
  if (response.rcode == dns::Rcode::nxdomain) return false;
  return settings_.translates_all || std::ranges::none_of(response.answer, is_usable);
}

Result<Outcome> Dns64::serve(const Query& query, Response& response, Next next) const {
  TRY(const Outcome outcome, next(query, response));
  if (outcome != Outcome::send || !takes(query) || !is_to_be_translated(response)) return outcome;
  const std::uint32_t most_ttl = negative_ttl(response);
  response.clear_answer();
  response.recursion_available = response.authentic = false;
  Query question = query;
  question.qtype = Type::a;
  TRY(const Outcome found, next(question, response));
  if (found != Outcome::send) return found;
  translate(response, most_ttl);
  const std::size_t server = servers_.index_of(query);
  if (server < servers_.names().size()) translated_.at(server).add();
  return Outcome::send;
}

// What is made up is neither signed nor the zone's.
void Dns64::translate(Response& response, std::uint32_t most_ttl) const {
  std::erase_if(response.answer, signs_addresses);
  for (Record& record : response.answer) {
    if (record.type != Type::a) continue;
    const Address address = embed(settings_.prefix, record.rdata);
    record.type = Type::aaaa;
    record.ttl = std::min(record.ttl, most_ttl);
    record.rdata = response.arena.copy(address);
  }
  response.authoritative = response.authentic = false;
}

}  // namespace swage::plugins::dns64
