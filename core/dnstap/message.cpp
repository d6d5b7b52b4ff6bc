#include "core/dnstap/message.h"

#include <algorithm>

#include <protozero/pbf_writer.hpp>

namespace swage::dnstap {
namespace {

// Fields of Dnstap, of Message, and values.
enum DnstapTag : protozero::pbf_tag_type { kIdentity = 1, kVersion = 2, kExtra = 3, kMessage = 14, kType = 15 };
enum MessageTag : protozero::pbf_tag_type {
  kMessageType = 1,
  kFamily = 2,
  kProtocol = 3,
  kQueryAddress = 4,
  kResponseAddress = 5,
  kQueryPort = 6,
  kResponsePort = 7,
  kQuerySeconds = 8,
  kQueryNanoseconds = 9,
  kQueryMessage = 10,
  kQueryZone = 11,
  kResponseSeconds = 12,
  kResponseNanoseconds = 13,
  kResponseMessage = 14,
};
constexpr int kTypeMessage = 1;
constexpr int kAuthQuery = 1, kClientQuery = 5, kUpdateQuery = 13;  // the response is the next one
constexpr int kInet = 1, kInet6 = 2, kUdp = 1, kTcp = 2;

// Reads what another process wrote: any number may come.
struct Time {
  Time(std::int64_t steady, std::int64_t clock) {
    constexpr std::uint64_t kSecond = 1'000'000'000;
    const auto since_1970 = static_cast<std::uint64_t>(std::max<std::int64_t>(
        static_cast<std::int64_t>(static_cast<std::uint64_t>(steady) + static_cast<std::uint64_t>(clock)), 0));
    seconds = since_1970 / kSecond;
    nanoseconds = static_cast<std::uint32_t>(since_1970 % kSecond);
  }
  std::uint64_t seconds;
  std::uint32_t nanoseconds;
};

void add(protozero::pbf_writer& to, protozero::pbf_tag_type tag, Bytes bytes) {
  to.add_bytes(tag, reinterpret_cast<const char*>(bytes.data()), bytes.size());
}

int query_type(const Event& event, Role role) {
  if (role == Role::client) return kClientQuery;
  return event.is_update ? kUpdateQuery : kAuthQuery;
}

void write(const Event& event, const Sender& sender, bool response, std::string& payload) {
  payload.clear();
  protozero::pbf_writer dnstap(payload);
  if (!sender.identity.empty()) dnstap.add_bytes(kIdentity, sender.identity);
  if (!sender.version.empty()) dnstap.add_bytes(kVersion, sender.version);
  if (!event.extra.empty()) add(dnstap, kExtra, event.extra);
  {
    protozero::pbf_writer message(dnstap, kMessage);
    message.add_enum(kMessageType, query_type(event, sender.role) + (response ? 1 : 0));
    message.add_enum(kFamily, event.client.address.is_v6() ? kInet6 : kInet);
    message.add_enum(kProtocol, event.is_tcp ? kTcp + static_cast<unsigned>(event.scheme) : kUdp);
    add(message, kQueryAddress, event.client.address.bytes());
    if (event.server.address.is_v6() == event.client.address.is_v6()) {
      add(message, kResponseAddress, event.server.address.bytes());
    }
    message.add_uint32(kQueryPort, event.client.port);
    message.add_uint32(kResponsePort, event.server.port);
    const Time received(event.received, sender.clock);
    message.add_uint64(kQuerySeconds, received.seconds);
    message.add_fixed32(kQueryNanoseconds, received.nanoseconds);
    if (!response && !event.query.empty()) add(message, kQueryMessage, event.query);
    if (!event.zone.empty()) add(message, kQueryZone, event.zone);
    if (response) {
      const Time sent(event.sent, sender.clock);
      message.add_uint64(kResponseSeconds, sent.seconds);
      message.add_fixed32(kResponseNanoseconds, sent.nanoseconds);
      if (!event.response.empty()) add(message, kResponseMessage, event.response);
    }
  }
  dnstap.add_enum(kType, kTypeMessage);
}

}  // namespace

void write_query(const Event& event, const Sender& sender, std::string& payload) {
  write(event, sender, false, payload);
}

void write_response(const Event& event, const Sender& sender, std::string& payload) {
  write(event, sender, true, payload);
}

}  // namespace swage::dnstap
