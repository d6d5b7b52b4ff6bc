#include "plugins/transfer/notice.h"

#include <algorithm>

#include "core/dns/parse.h"

namespace swage::plugins::transfer {
namespace {

constexpr std::uint8_t kQr = 0x80, kOpcode = 0x78, kAa = 0x04;

void append_u16(std::vector<std::uint8_t>& to, std::size_t value) {
  to.push_back(static_cast<std::uint8_t>(value >> 8));
  to.push_back(static_cast<std::uint8_t>(value));
}

}  // namespace

std::vector<std::uint8_t> encode_notice(std::uint16_t id, const zone::ZoneRecord& soa) {
  std::vector<std::uint8_t> message(dns::kHeaderSize);
  store_u16(message.data(), id);
  message[2] = static_cast<std::uint8_t>(static_cast<unsigned>(dns::Opcode::notify) << 3 | kAa);
  message[5] = message[7] = 1;  // a question, and an answer
  const Bytes owner = soa.owner.bytes();
  message.insert(message.end(), owner.begin(), owner.end());
  append_u16(message, static_cast<std::uint16_t>(dns::Type::soa));
  append_u16(message, static_cast<std::uint16_t>(dns::Class::in));
  append_u16(message, 0xC000 + dns::kHeaderSize);
  append_u16(message, static_cast<std::uint16_t>(dns::Type::soa));
  append_u16(message, static_cast<std::uint16_t>(dns::Class::in));
  append_u16(message, soa.ttl >> 16);
  append_u16(message, soa.ttl);
  append_u16(message, soa.rdata.size());
  message.insert(message.end(), soa.rdata.begin(), soa.rdata.end());
  return message;
}

Reply judge_reply(Bytes received, Bytes sent) {
  if (received.size() < dns::kHeaderSize || load_u16(received.data()) != load_u16(sent.data())) return Reply::foreign;
  if ((received[2] & kQr) == 0 || (received[2] & kOpcode) != (sent[2] & kOpcode)) return Reply::foreign;
  const std::uint8_t rcode = received[3] & 0x0F;
  if (load_u16(&received[4]) == 0) return rcode == 0 ? Reply::foreign : Reply::declined;  // FORMERR, say
  std::size_t end = dns::kHeaderSize;
  while (sent[end] != 0) end += 1U + sent[end];
  end += 5;  // the root, type and class
  if (received.size() < end) return Reply::foreign;
  const auto lower = [](std::uint8_t byte) { return dns::lower(byte); };
  const auto question = [end](Bytes message) { return message.subspan(dns::kHeaderSize, end - dns::kHeaderSize); };
  if (!std::ranges::equal(question(received), question(sent), {}, lower, lower)) return Reply::foreign;
  return rcode == 0 ? Reply::acknowledged : Reply::declined;
}

}  // namespace swage::plugins::transfer
