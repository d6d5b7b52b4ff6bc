#include "core/transfer/receiver.h"

#include <algorithm>

#include "core/dns/decode.h"
#include "core/dns/parse.h"
#include "core/dns/serial.h"

namespace swage::transfer {
namespace {

using dns::Type;

constexpr std::uint8_t kQr = 0x80, kOpcode = 0x78, kTc = 0x02;

bool is_soa(const dns::Record& record) { return record.type == Type::soa; }

zone::ZoneRecord of_zone(const dns::Record& record) { return {record.owner, record.type, record.ttl, record.rdata}; }

}  // namespace

Result<bool> Receiver::take(Bytes message) {
  CHECK(next_ != Next::nothing);
  bytes_ += message.size();
  if (bytes_ > limits_.bytes) return fail("the transfer has more than {} bytes", limits_.bytes);
  TRY(check_header(message));
  message_.clear();
  TRY(began_ ? dns::decode_next(message, message_) : dns::decode(message, message_));
  if (message_.rcode != dns::Rcode::noerror) return fail("the primary says {}", to_string(message_.rcode));
  if (message_.answer.empty()) return fail("a message without a record");
  began_ = true;
  for (const dns::Record& record : message_.answer) {
    if (next_ == Next::nothing) return fail("records after the end of the zone");
    if (++records_ > limits_.records) return fail("the transfer has more than {} records", limits_.records);
    TRY(take(record));
  }
  // A SOA that is not newer is all that there is to say (RFC 1995 section 2).
  if (next_ == Next::second && request_.serial && !dns::serial_after(serial_, *request_.serial)) {
    form_ = Form::current;
    next_ = Next::nothing;
  }
  return next_ == Next::nothing;
}

// Id, flags and question, where there is one: RFC 5936 section 2.2.1. AA, which it wants, Knot DNS does not set.
Result<> Receiver::check_header(Bytes message) const {
  if (message.size() < dns::kHeaderSize) return fail("shorter than a header");
  if (load_u16(message.data()) != request_.id) return fail("a message with another id");
  if ((message[2] & kQr) == 0 || (message[2] & kOpcode) != 0) return fail("not a response to a query");
  if ((message[2] & kTc) != 0) return fail("a truncated message");
  if (load_u16(&message[4]) != 1) return {};
  const Bytes question = message.subspan(dns::kHeaderSize);
  const std::size_t size = request_.zone.size();
  if (question.size() < size + 4) return fail("the question is cut short");
  const auto same = [](std::uint8_t a, std::uint8_t b) { return dns::lower(a) == dns::lower(b); };
  const auto type = static_cast<Type>(load_u16(&question[size]));
  const bool is_ours = std::ranges::equal(question.first(size), request_.zone.view().bytes(), same) &&
                       type == (request_.serial ? Type::ixfr : Type::axfr) &&
                       load_u16(&question[size + 2]) == static_cast<std::uint16_t>(dns::Class::in);
  if (!is_ours) return fail("answers another question");
  return {};
}

Result<> Receiver::take(const dns::Record& record) {
  if (record.rclass != dns::Class::in) return fail("a record of class {}", to_string(record.rclass));
  if (is_soa(record) && record.owner != request_.zone.view()) {
    return fail("the SOA record of another zone, {}", record.owner.to_string());
  }
  if (next_ == Next::first) return take_first(record);
  if (next_ == Next::second) return take_second(record);
  if (is_soa(record)) return form_ == Form::whole ? take_end(record) : take_soa_of_changes(record);
  if (!record.owner.is_under(request_.zone)) {
    ++outside_;
    return {};
  }
  if (next_ == Next::record) return builder_->add(record.owner, record.type, record.ttl, record.rdata);
  next_ == Next::removed ? change_->remove(of_zone(record)) : change_->add(of_zone(record));
  return {};
}

Result<> Receiver::take_first(const dns::Record& record) {
  if (!is_soa(record)) return fail("it begins with {} instead of a SOA record", to_string(record.type));
  soa_ttl_ = record.ttl;
  soa_.assign(record.rdata.begin(), record.rdata.end());
  serial_ = zone::serial_of(record.rdata);
  next_ = Next::second;
  return {};
}

// What comes after the SOA says what it is.
Result<> Receiver::take_second(const dns::Record& record) {
  if (request_.serial && !dns::serial_after(serial_, *request_.serial)) {
    return fail("serial {} is not newer than {}, and yet records follow", serial_, *request_.serial);
  }
  const bool is_changes = request_.serial && is_soa(record) && zone::serial_of(record.rdata) != serial_;
  if (is_changes) {
    form_ = Form::changes;
    step_ = *request_.serial;
    return begin_change(record);
  }
  form_ = Form::whole;
  next_ = Next::record;
  builder_.emplace(request_.zone);
  TRY(builder_->add(request_.zone, Type::soa, soa_ttl_, soa_));
  return take(record);
}

Result<> Receiver::begin_change(const dns::Record& soa) {
  const std::uint32_t from = zone::serial_of(soa.rdata);
  if (from != step_) return fail("changes of serial {}, where {} comes next", from, step_);
  change_.emplace(of_zone(soa));
  next_ = Next::removed;
  return {};
}

// After what is removed, that of the version that comes of it; after what is added, the one that changes next, or the
// last.
Result<> Receiver::take_soa_of_changes(const dns::Record& soa) {
  const std::uint32_t serial = zone::serial_of(soa.rdata);
  if (next_ == Next::removed) {
    if (!dns::serial_after(serial, step_)) return fail("changes from serial {} back to {}", step_, serial);
    if (dns::serial_after(serial, serial_)) return fail("changes to serial {}, beyond {}", serial, serial_);
    change_->set_new_soa(of_zone(soa));
    step_ = serial;
    next_ = Next::added;
    return {};
  }
  changes_.push_back(change_->finish());
  return step_ == serial_ && serial == serial_ ? take_end(soa) : begin_change(soa);
}

std::vector<zone::Change> Receiver::changes() const {
  std::vector<zone::Change> all;
  for (const std::vector<std::uint8_t>& change : changes_) all.emplace_back(change.data());
  return all;
}

Result<> Receiver::take_end(const dns::Record& soa) {
  if (!std::ranges::equal(soa.rdata, soa_)) return fail("it ends with another SOA record than it began with");
  next_ = Next::nothing;
  return {};
}

}  // namespace swage::transfer
