#include "core/plugin/relay.h"

#include "core/plugin/answers.h"

namespace swage {
namespace {

// A request: the size of the client's address (1 byte), the address, the message.
constexpr std::size_t kIpv4 = 4, kIpv6 = 16;

Bytes address_of(const std::string& request) {
  const Bytes bytes = as_bytes(request);
  const bool sound = !bytes.empty() && (bytes[0] == kIpv4 || bytes[0] == kIpv6) && bytes.size() > bytes[0];
  return sound ? bytes.subspan(1, bytes[0]) : Bytes();
}

}  // namespace

Result<Outcome> Relay::hand_over(const Query& query, Response& response) const {
  if (const Bytes answer = response.later.answer; answer.size() > 3) {
    response.rcode = static_cast<dns::Rcode>(answer[3] & 0x0F);  // for observers
    return Outcome::whole;
  }
  if (query.message.size() > Fetch::kMaxMessage) {
    add_extended_error(response, dns::ExtendedError::other, "the request is too long");
    return swage::fail("{}: a request of {} bytes, more than {}", fetch_.name(), query.message.size(),
                       Fetch::kMaxMessage);
  }
  const Bytes address = query.client.address.bytes();
  std::string request(1, static_cast<char>(address.size()));
  request.append(as_text(address)).append(as_text(query.message));
  return fetch_.later(response, as_bytes(request));
}

IpAddress Relay::client(const std::string& request) {
  const Bytes address = address_of(request);
  if (address.size() == kIpv6) return IpAddress::v6(address);
  return address.empty() ? IpAddress() : IpAddress::v4(address);
}

Bytes Relay::message(const std::string& request) {
  const Bytes address = address_of(request);
  return address.empty() ? Bytes() : as_bytes(request).subspan(1 + address.size());
}

}  // namespace swage
