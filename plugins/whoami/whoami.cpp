#include "plugins/whoami/whoami.h"

#include <algorithm>

namespace swage::plugins::whoami {

using dns::NameView;
using dns::Transport;
using dns::Type;

namespace {

// `qname` with the transport's label in front; the root where that would be longer than a name can be.
NameView service_name(const Query& query, dns::Arena& arena) {
  constexpr std::string_view kUdp = "\x04_udp";
  constexpr std::string_view kTcp = "\x04_tcp";
  const std::string_view label = query.transport == Transport::tcp ? kTcp : kUdp;
  const std::size_t size = label.size() + query.qname.size();
  if (size > dns::kMaxName) return {};
  const MutableBytes name = arena.allocate(size);
  std::copy(label.begin(), label.end(), name.begin());
  std::copy_n(query.qname.data(), query.qname.size(), name.begin() + static_cast<std::ptrdiff_t>(label.size()));
  return {name.data(), size};
}

// SRV (RFC 2782): priority, weight, port, target. Only the port is not 0; the target's one byte is the root.
Bytes service_data(std::uint16_t port, dns::Arena& arena) {
  const MutableBytes data = arena.allocate(7);
  std::fill(data.begin(), data.end(), 0);
  store_u16(&data[4], port);
  return data;
}

}  // namespace

Result<Outcome> Whoami::serve(const Query& query, Response& response, Next) const {
  const IpAddress& address = query.client.address;
  response.rcode = dns::Rcode::noerror;
  response.authoritative = true;
  response.additional.push_back({.owner = query.qname,
                                 .type = address.is_v6() ? Type::aaaa : Type::a,
                                 .rclass = query.qclass,
                                 .rdata = address.bytes()});
  const NameView service = service_name(query, response.arena);
  if (!service.is_root()) {
    response.additional.push_back({.owner = service,
                                   .type = Type::srv,
                                   .rclass = query.qclass,
                                   .rdata = service_data(query.client.port, response.arena)});
  }
  return Outcome::send;
}

Result<> setup(Controller& controller) {
  controller.once();
  controller.add(std::make_unique<const Whoami>());
  return {};
}

}  // namespace swage::plugins::whoami
