#include "plugins/transfer/transfer.h"

#include <algorithm>

#include <fmt/format.h>

#include "core/dns/encode.h"
#include "core/dns/parse.h"
#include "core/dns/serial.h"
#include "core/zone/journal.h"
#include "core/zone/view.h"

namespace swage::plugins::transfer {
namespace {

using dns::Rcode;

constexpr std::int64_t kBetweenRefusals = 60'000'000'000;  // nanoseconds

// What encode() may add to the records of a response: header, question, OPT, signature.
std::size_t overhead(const Query& query, const Response& response) {
  std::size_t size = dns::kHeaderSize + query.qname.size() + 4 + 11;
  for (const dns::EdnsOption& option : response.options) size += 4 + option.data.size();
  return size + (response.signer == nullptr ? 0 : response.signer->room());
}

// The client's serial, in the SOA record of the authority section (RFC 1995 section 3). nullopt: there is none. parse()
// has been over the message: what is there is whole.
std::optional<std::uint32_t> serial_of_request(const Query& query) {
  constexpr std::size_t kFixed = 10;  // bytes between owner and data
  const Bytes message = query.message;
  if (load_u16(&message[6]) != 0 || load_u16(&message[8]) != 1) return {};
  std::size_t at = dns::kHeaderSize + query.qname.size() + 4;
  while (message[at] != 0 && message[at] < 0xC0) at += 1U + message[at];
  at += message[at] == 0 ? 1 : 2;
  const std::size_t size = load_u16(&message[at + 8]);
  if (load_u16(&message[at]) != static_cast<std::uint16_t>(dns::Type::soa) || size < 22) return {};
  return load_u32(&message[at + kFixed + size - 20]);
}

void add(Response& response, const zone::ZoneRecord& record) {
  response.answer.push_back({record.owner, record.type, dns::Class::in, record.ttl, record.rdata});
}

void answer_records(Response& response) {
  response.rcode = Rcode::noerror;
  response.authoritative = true;
}

}  // namespace

std::optional<ZoneVersion> find_zone(const ServerBlock& block, dns::NameView apex) {
  for (const ZoneSource* const source : block.zone_sources) {
    if (auto version = source->find(apex)) return version;
  }
  return {};
}

Result<Outcome> Transfer::serve(const Query& query, Response& response, Next next) const {
  const Rule* const rule = query.qclass == dns::Class::in ? rule_for(rules_, query.key) : nullptr;
  if (rule == nullptr) return next(query, response);
  const Answer given = answer(query, response, *rule);
  counts_.requests.at(static_cast<std::size_t>(given)).add();
  if (given == Answer::refused) tell_refused(query);
  return Outcome::send;
}

Answer Transfer::answer(const Query& query, Response& response, const Rule& rule) const {
  if (!rule.allows(query)) {
    response.rcode = Rcode::refused;
    add_extended_error(response, dns::ExtendedError::prohibited);
    return Answer::refused;
  }
  std::optional<ZoneVersion> version = find_zone(block_, query.key);
  if (!version) {  // RFC 5936 section 2.2.1
    response.rcode = Rcode::notauth;
    return Answer::notauth;
  }
  return query.qtype == dns::Type::axfr ? answer_axfr(query, response, *std::move(version))
                                        : answer_ixfr(query, response, *std::move(version));
}

// Not over UDP (RFC 5936 section 4.2).
Answer Transfer::answer_axfr(const Query& query, Response& response, ZoneVersion version) const {
  if (query.transport == dns::Transport::udp) {
    response.rcode = Rcode::formerr;
    return Answer::formerr;
  }
  Sequence whole = Sequence::whole(version.image.bytes);
  return begin(query, response, std::move(version), std::move(whole), Answer::axfr);
}

// RFC 1995 sections 2 and 4: the SOA alone where the client is up to date, and over UDP where there is too much to say.
Answer Transfer::answer_ixfr(const Query& query, Response& response, ZoneVersion version) const {
  const std::optional<std::uint32_t> from = serial_of_request(query);
  if (!from) {
    response.rcode = Rcode::formerr;
    return Answer::formerr;
  }
  const Bytes image = version.image.bytes;
  const std::uint32_t serial = zone::View(image).serial();
  const bool over_udp = query.transport == dns::Transport::udp;
  const bool is_current = !dns::serial_after(serial, *from);
  std::vector<zone::Change> changes;
  if (!is_current) changes = zone::Journal(version.journal.bytes).between(*from, serial);
  Sequence sequence = changes.empty() ? Sequence::whole(image) : Sequence::incremental(image, std::move(changes));
  if (!is_current && !over_udp) {
    return begin(query, response, std::move(version), std::move(sequence), Answer::ixfr);
  }
  answer_records(response);
  const std::size_t room = dns::size_limit(query), taken = overhead(query, response);
  if (is_current || taken > room || !fits(sequence, room - taken)) {
    add(response, *Sequence::whole(image).next());
    return is_current ? Answer::current : Answer::ixfr;
  }
  while (const auto record = sequence.next()) add(response, *record);
  return Answer::ixfr;
}

Answer Transfer::begin(const Query& query, Response& response, ZoneVersion version, Sequence sequence,
                       Answer kind) const {
  Places::Place place = places_.take(query.client.address);
  if (!place) {  // secondaries come again
    response.rcode = Rcode::servfail;
    add_extended_error(response, dns::ExtendedError::other, "too many transfers");
    return Answer::busy;
  }
  answer_records(response);
  response.stream =
      std::make_unique<ZoneStream>(std::move(version), std::move(sequence), std::move(place), counts_.streams);
  static_cast<void>(response.stream->next(response));
  return kind;
}

void Transfer::tell_refused(const Query& query) const {
  ++untold_;
  if (told_ != 0 && query.received - told_ < kBetweenRefusals) return;
  const std::string more = untold_ > 1 ? fmt::format("; and {} more since the last such line", untold_ - 1) : "";
  log::warning("plugin/transfer: {} of {} refused to {}{}", to_string(query.qtype), query.key.to_string(),
               query.client.address.to_string(), more);
  told_ = query.received;
  untold_ = 0;
}

}  // namespace swage::plugins::transfer
