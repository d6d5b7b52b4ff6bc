// Addresses: IpAddress, Endpoint (address and port) and Prefix (CIDR), as values, without any socket.
#pragma once

#include <netinet/in.h>
#include <sys/socket.h>

#include <array>
#include <compare>
#include <cstdint>
#include <string>
#include <string_view>

#include "core/bytes.h"
#include "core/result.h"

namespace swage {

// An IPv4 or IPv6 address. IPv4 uses the first 4 of the 16 bytes; the rest is 0.
class IpAddress {
 public:
  IpAddress() = default;  // 0.0.0.0
  [[nodiscard]] static IpAddress v4(Bytes four);
  [[nodiscard]] static IpAddress v6(Bytes sixteen);
  // "192.0.2.1" or "2001:db8::1"; no zone id, no brackets, no port.
  [[nodiscard]] static Result<IpAddress> parse(std::string_view text);

  [[nodiscard]] bool is_v6() const { return v6_; }
  [[nodiscard]] bool is_unspecified() const;
  [[nodiscard]] Bytes bytes() const { return {bytes_.data(), v6_ ? 16U : 4U}; }
  [[nodiscard]] std::string to_string() const;  // RFC 5952

  auto operator<=>(const IpAddress&) const = default;

 private:
  bool v6_ = false;
  std::array<std::uint8_t, 16> bytes_{};
};

// Where a socket is: an address, its scope (link-local IPv6 only) and a port in host byte order.
struct Endpoint {
  IpAddress address;
  std::uint16_t port = 0;
  std::uint32_t scope = 0;

  // "192.0.2.1", "2001:db8::1": with `port`; or with a port of their own: "192.0.2.1:5300", "[2001:db8::1]:5300".
  [[nodiscard]] static Result<Endpoint> parse(std::string_view text, std::uint16_t port);
  // REQUIRES: `from` is an AF_INET or AF_INET6 address.
  [[nodiscard]] static Endpoint from_sockaddr(const sockaddr* from);
  // Fills `to`; returns the length of the address.
  socklen_t to_sockaddr(sockaddr_storage& to) const;
  [[nodiscard]] std::string to_string() const;  // "192.0.2.1:53", "[2001:db8::1]:53"

  auto operator<=>(const Endpoint&) const = default;
};

// "HOST", "HOST:PORT", "[HOST]" or "[HOST]:PORT" taken apart, whatever HOST and PORT are. One with several colons has
// no port, unless it is in brackets: an IPv6 address.
struct HostPort {
  std::string_view host, port;  // `port` is empty where there is none

  [[nodiscard]] static HostPort of(std::string_view text);
  // `port` as a number, 1 to 65535; `usual` where there is none.
  [[nodiscard]] Result<std::uint16_t> port_or(std::uint16_t usual) const;
};

// A network in CIDR notation; the bits after `length` are 0.
struct Prefix {
  IpAddress address;
  std::uint8_t length = 0;  // bits

  // "192.0.2.0/24", "2001:db8::/32"; an address without a length is a network of one. Bits after the length are
  // cleared.
  [[nodiscard]] static Result<Prefix> parse(std::string_view text);
  [[nodiscard]] bool contains(const IpAddress& address) const;
  [[nodiscard]] std::string to_string() const;

  auto operator<=>(const Prefix&) const = default;
};

// The host name; "localhost" if the machine has no name.
[[nodiscard]] std::string host_name();

}  // namespace swage
