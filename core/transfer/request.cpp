#include "core/transfer/request.h"

#include <array>

#include "core/dns/decode.h"
#include "core/dns/parse.h"

namespace swage::transfer {
namespace {

using dns::Type;
using Message = std::vector<std::uint8_t>;

void append_u16(Message& to, unsigned value) {
  to.push_back(static_cast<std::uint8_t>(value >> 8));
  to.push_back(static_cast<std::uint8_t>(value));
}

void append_u32(Message& to, std::uint32_t value) {
  append_u16(to, value >> 16);
  append_u16(to, value & 0xFFFF);
}

Message question(const Request& request, Type type, std::uint16_t authorities) {
  Message message;
  message.reserve(512);
  for (const unsigned word : {unsigned{request.id}, 0U, 1U, 0U, unsigned{authorities}, 0U}) append_u16(message, word);
  const Bytes name = request.zone.view().bytes();
  message.insert(message.end(), name.begin(), name.end());
  append_u16(message, static_cast<unsigned>(type));
  append_u16(message, static_cast<unsigned>(dns::Class::in));
  return message;
}

}  // namespace

Message encode(const Request& request) {
  if (!request.serial) return question(request, Type::axfr, 0);
  Message message = question(request, Type::ixfr, 1);
  // The SOA of what is here, of which the serial alone means anything (RFC 1995 section 3).
  append_u16(message, 0xC000 | dns::kHeaderSize);
  append_u16(message, static_cast<unsigned>(Type::soa));
  append_u16(message, static_cast<unsigned>(dns::Class::in));
  append_u32(message, 0);
  append_u16(message, 2 + 20);
  append_u16(message, 0);  // two names, both the root
  for (const std::uint32_t number : {*request.serial, 0U, 0U, 0U, 0U}) append_u32(message, number);
  return message;
}

Message encode_soa_query(const Request& request) { return question(request, Type::soa, 0); }

Result<std::uint32_t> read_serial(Bytes answer, dns::NameView zone) {
  dns::Response response;
  TRY(dns::decode(answer, response));
  if (response.rcode != dns::Rcode::noerror) return fail("says {}", to_string(response.rcode));
  if (!response.authoritative) return fail("its answer is not authoritative");
  for (const dns::Record& record : response.answer) {
    if (record.type == Type::soa && record.owner == zone) return zone::serial_of(record.rdata);
  }
  return fail("does not have the zone");
}

}  // namespace swage::transfer
