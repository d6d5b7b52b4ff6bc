#include "core/net.h"

#include <arpa/inet.h>
#include <limits.h>
#include <unistd.h>

#include <algorithm>
#include <charconv>

#include "core/text.h"

namespace swage {

IpAddress IpAddress::v4(Bytes four) {
  CHECK(four.size() == 4);
  IpAddress address;
  std::copy(four.begin(), four.end(), address.bytes_.begin());
  return address;
}

IpAddress IpAddress::v6(Bytes sixteen) {
  CHECK(sixteen.size() == 16);
  IpAddress address;
  address.v6_ = true;
  std::copy(sixteen.begin(), sixteen.end(), address.bytes_.begin());
  return address;
}

Result<IpAddress> IpAddress::parse(std::string_view text) {
  std::array<std::uint8_t, 16> bytes;
  const std::string terminated(text);
  if (terminated.find('\0') != std::string::npos) return fail("not an IP address: '{}'", text);
  if (inet_pton(AF_INET, terminated.c_str(), bytes.data()) == 1) return v4({bytes.data(), 4});
  if (inet_pton(AF_INET6, terminated.c_str(), bytes.data()) == 1) return v6(bytes);
  return fail("not an IP address: '{}'", text);
}

bool IpAddress::is_unspecified() const {
  return std::all_of(bytes_.begin(), bytes_.end(), [](std::uint8_t byte) { return byte == 0; });
}

std::string IpAddress::to_string() const {
  char text[INET6_ADDRSTRLEN];
  CHECK(inet_ntop(v6_ ? AF_INET6 : AF_INET, bytes_.data(), text, sizeof text) != nullptr);
  return text;
}

HostPort HostPort::of(std::string_view text) {
  if (text.starts_with('[')) {
    const std::size_t end = text.find(']');
    if (end == text.npos) return {text, {}};
    const std::string_view rest = text.substr(end + 1);
    if (rest.empty()) return {text.substr(1, end - 1), {}};
    return rest.starts_with(':') && rest.size() > 1 ? HostPort{text.substr(1, end - 1), rest.substr(1)}
                                                    : HostPort{text, {}};
  }
  const std::size_t colon = text.find(':');
  if (colon == text.npos || colon + 1 == text.size() || text.find(':', colon + 1) != text.npos) return {text, {}};
  return {text.substr(0, colon), text.substr(colon + 1)};
}

Result<std::uint16_t> HostPort::port_or(std::uint16_t usual) const {
  if (port.empty()) return usual;
  std::uint16_t number = 0;
  if (!is_decimal(port) || !parse_number(port, number) || number == 0) return fail("'{}' is not a port", port);
  return number;
}

Result<Endpoint> Endpoint::parse(std::string_view text, std::uint16_t port) {
  const HostPort parts = HostPort::of(text);
  const Result<IpAddress> address = IpAddress::parse(parts.host);
  const bool brackets = text.starts_with('[');
  if (!address || (brackets && !address->is_v6())) return fail("'{}' is not an address with or without a port", text);
  const Result<std::uint16_t> own = parts.port_or(port);
  if (!own) return fail("'{}': {}", text, own.error().text());
  return Endpoint{.address = *address, .port = *own};
}

Endpoint Endpoint::from_sockaddr(const sockaddr* from) {
  Endpoint endpoint;
  if (from->sa_family == AF_INET) {
    const auto* in = reinterpret_cast<const sockaddr_in*>(from);
    endpoint.address = IpAddress::v4({reinterpret_cast<const std::uint8_t*>(&in->sin_addr), 4});
    endpoint.port = ntohs(in->sin_port);
  } else {
    CHECK(from->sa_family == AF_INET6);
    const auto* in6 = reinterpret_cast<const sockaddr_in6*>(from);
    endpoint.address = IpAddress::v6({in6->sin6_addr.s6_addr, 16});
    endpoint.port = ntohs(in6->sin6_port);
    endpoint.scope = in6->sin6_scope_id;
  }
  return endpoint;
}

socklen_t Endpoint::to_sockaddr(sockaddr_storage& to) const {
  std::memset(&to, 0, sizeof to);
  if (!address.is_v6()) {
    auto* in = reinterpret_cast<sockaddr_in*>(&to);
    in->sin_family = AF_INET;
    in->sin_port = htons(port);
    std::memcpy(&in->sin_addr, address.bytes().data(), 4);
    return sizeof *in;
  }
  auto* in6 = reinterpret_cast<sockaddr_in6*>(&to);
  in6->sin6_family = AF_INET6;
  in6->sin6_port = htons(port);
  in6->sin6_scope_id = scope;
  std::memcpy(&in6->sin6_addr, address.bytes().data(), 16);
  return sizeof *in6;
}

std::string Endpoint::to_string() const {
  return address.is_v6() ? formatted("[{}]:{}", address.to_string(), port)
                         : formatted("{}:{}", address.to_string(), port);
}

Result<Prefix> Prefix::parse(std::string_view text) {
  const std::size_t slash = text.find('/');
  Prefix prefix;
  TRY(prefix.address, IpAddress::parse(text.substr(0, slash)));
  const unsigned bits = prefix.address.is_v6() ? 128 : 32;
  unsigned length = bits;
  if (slash != std::string_view::npos) {
    const std::string_view digits = text.substr(slash + 1);
    const auto [end, error] = std::from_chars(digits.begin(), digits.end(), length);
    if (error != std::errc() || end != digits.end() || length > bits) {
      return fail("not a prefix length of 0 to {}: '{}'", bits, digits);
    }
  }
  prefix.length = static_cast<std::uint8_t>(length);
  std::array<std::uint8_t, 16> bytes{};
  std::copy(prefix.address.bytes().begin(), prefix.address.bytes().end(), bytes.begin());
  for (unsigned bit = length; bit < bits; ++bit) bytes[bit / 8] &= static_cast<std::uint8_t>(~(0x80U >> (bit % 8)));
  prefix.address = prefix.address.is_v6() ? IpAddress::v6(bytes) : IpAddress::v4({bytes.data(), 4});
  return prefix;
}

bool Prefix::contains(const IpAddress& other) const {
  if (other.is_v6() != address.is_v6()) return false;
  const unsigned whole = length / 8U;
  if (!std::equal(address.bytes().begin(), address.bytes().begin() + whole, other.bytes().begin())) return false;
  if (length % 8 == 0) return true;
  const auto mask = static_cast<std::uint8_t>(0xFF00U >> (length % 8U));
  return (other.bytes()[whole] & mask) == address.bytes()[whole];
}

std::string Prefix::to_string() const { return formatted("{}/{}", address.to_string(), length); }

std::string host_name() {
  char name[HOST_NAME_MAX + 1] = {};
  return gethostname(name, HOST_NAME_MAX) == 0 && name[0] != '\0' ? name : "localhost";
}

}  // namespace swage
