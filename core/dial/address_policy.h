// Which IP addresses and ports may be dialled because a stranger asked for it. A value; no I/O, any process.
#pragma once

#include <cstdint>
#include <string_view>
#include <vector>

#include "core/net.h"

namespace swage::dial {

// Public unicast addresses, without those of `deny`, and in addition those of `allow`; deny wins.
//
// Not public: whatever the registries of special-purpose addresses keep out of the Internet (RFC 6890 and IANA's
// tables), 192.88.99.0/24 (RFC 7526), and IPv6 beyond 2000::/3 (RFC 4291, section 2.4). An IPv6 address that has an
// IPv4 address in it (core/embedded_ipv4.h: NAT64, 6to4, Teredo …) must be allowed as both; ::ffff:0:0/96 is judged as
// its IPv4 address alone.
//
// Not this machine: the addresses of its interfaces are refused, unless a network of `allow` has them in it.
//
// Not a cloud's metadata service, which tells a machine its secrets, even if a network of `allow` has it in it; only an
// `allow` of exactly this address lets it be dialled.
//
// Never, regardless of `allow`: unspecified, multicast, broadcast, and fe80::/10, which means nothing without a scope.
//
// Ports: reserved_ports.h.
class AddressPolicy {
 public:
  AddressPolicy() = default;  // public addresses, no exceptions
  AddressPolicy(std::vector<Prefix> allow, std::vector<Prefix> deny, std::vector<std::uint16_t> allowed_ports = {});

  // The addresses of this machine, from now on.
  void set_own(std::vector<IpAddress> own) { own_ = std::move(own); }

  [[nodiscard]] bool allows(const IpAddress& address) const { return objection(address).empty(); }
  // Why it may not be dialled, in a word or two for the log; empty if it may.
  [[nodiscard]] std::string_view objection(const IpAddress& address) const;
  // As above, for a port: the service that it belongs to.
  [[nodiscard]] std::string_view objection(std::uint16_t port) const;

 private:
  std::vector<Prefix> allow_;
  std::vector<Prefix> deny_;
  std::vector<std::uint16_t> allowed_ports_;
  std::vector<IpAddress> own_;
};

}  // namespace swage::dial
