#include "core/update/request.h"

#include <array>

#include "core/dns/decode.h"
#include "core/dns/parse.h"
#include "core/dns/rdata_check.h"

namespace swage::update {
namespace {

constexpr std::size_t kTypeAndClass = 4;  // bytes, after the zone's name

// The size of the zone section: one entry with an uncompressed name; 0 where there is none.
std::size_t zone_section_size(Bytes message) {
  if (message.size() < dns::kHeaderSize || load_u16(&message[4]) != 1) return 0;
  const std::size_t name = dns::name_size_on_wire(message.subspan(dns::kHeaderSize));
  const std::size_t size = name + kTypeAndClass;
  return name == 0 || message.size() - dns::kHeaderSize < size ? 0 : size;
}

}  // namespace

std::expected<Request, dns::Rcode> Request::read(Bytes message) {
  Request request;
  const std::size_t section = zone_section_size(message);
  if (section == 0 || !dns::decode_update(message, *request.records_)) return std::unexpected(dns::Rcode::formerr);
  request.zone_ = {&message[dns::kHeaderSize], section - kTypeAndClass};
  const std::uint8_t* const after = &message[dns::kHeaderSize + section - kTypeAndClass];
  if (dns::Type{load_u16(after)} != dns::Type::soa) return std::unexpected(dns::Rcode::formerr);
  request.zone_class_ = dns::Class{load_u16(after + 2)};
  return request;
}

std::vector<std::uint8_t> response_to(Bytes message, dns::Rcode rcode) {
  const std::size_t section = zone_section_size(message);
  std::vector<std::uint8_t> response(message.begin(),
                                     message.begin() + static_cast<std::ptrdiff_t>(dns::kHeaderSize + section));
  response[2] = static_cast<std::uint8_t>(0x80 | (message[2] & 0x78));  // QR and the opcode
  response[3] = static_cast<std::uint8_t>(rcode);
  store_u16(&response[4], section == 0 ? 0 : 1);
  for (const std::size_t count : {6U, 8U, 10U}) store_u16(&response[count], 0);
  return response;
}

}  // namespace swage::update
