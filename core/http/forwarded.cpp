#include "core/http/forwarded.h"

#include <algorithm>
#include <array>
#include <charconv>
#include <optional>
#include <string_view>

#include "core/http/grammar.h"

namespace swage::http {

namespace {

constexpr std::array<std::uint8_t, 12> kMapped = {0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xFF, 0xFF};  // RFC 4291, 2.5.5.2

bool is_mapped(const IpAddress& address) {
  return address.is_v6() && std::ranges::equal(address.bytes().first(kMapped.size()), kMapped);
}

// A network of mapped addresses is one of IPv4. REQUIRES: `address` is unmapped().
bool contains(const Prefix& network, const IpAddress& address) {
  constexpr std::uint8_t kMappedLength = 8 * kMapped.size();
  if (network.length < kMappedLength || !is_mapped(network.address)) return network.contains(address);
  const auto length = static_cast<std::uint8_t>(network.length - kMappedLength);
  return Prefix{unmapped(network.address), length}.contains(address);
}

bool is_port(std::string_view text) {
  std::uint16_t port = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), port);
  return error == std::errc() && end == text.data() + text.size();
}

std::optional<IpAddress> parse_address(std::string_view text, bool v6) {
  const auto address = IpAddress::parse(text);
  if (!address || address->is_v6() != v6) return std::nullopt;
  return unmapped(*address);
}

// An address; one of IPv4 may have a port, one of IPv6 brackets and then a port.
std::optional<IpAddress> parse_entry(std::string_view text) {
  if (text.starts_with('[')) {
    const std::size_t close = text.find(']');
    if (close == std::string_view::npos) return std::nullopt;
    const std::string_view behind = text.substr(close + 1);
    if (!behind.empty() && (behind[0] != ':' || !is_port(behind.substr(1)))) return std::nullopt;
    return parse_address(text.substr(1, close - 1), true);
  }
  const std::size_t colon = text.find(':');
  if (colon == std::string_view::npos) return parse_address(text, false);
  if (text.find(':', colon + 1) != std::string_view::npos) return parse_address(text, true);
  if (!is_port(text.substr(colon + 1))) return std::nullopt;
  return parse_address(text.substr(0, colon), false);
}

bool is_forwarded_for(const Field& field) { return equal_without_case(field.name, "X-Forwarded-For"); }

// Letters of an address; a port's are among them.
bool is_of_address(char c) {
  return is_digit(c) || (c >= 'a' && c <= 'f') || (c >= 'A' && c <= 'F') || c == ':' || c == '.';
}

}  // namespace

IpAddress unmapped(const IpAddress& address) {
  return is_mapped(address) ? IpAddress::v4(address.bytes().subspan(kMapped.size())) : address;
}

bool is_in(std::span<const Prefix> networks, const IpAddress& address) {
  const IpAddress plain = unmapped(address);
  return std::ranges::any_of(networks, [&](const Prefix& network) { return contains(network, plain); });
}

IpAddress client_address(const IpAddress& connection, const Fields& fields, std::span<const Prefix> trusted) {
  IpAddress client = unmapped(connection);
  std::string entries;  // of all fields, in one list
  for (const Field& field : fields) {
    if (!is_forwarded_for(field)) continue;
    if (!entries.empty()) entries += ',';
    entries += field.value;
  }
  std::string_view rest = entries;
  while (is_in(trusted, client) && !rest.empty()) {
    const std::size_t comma = rest.rfind(',');
    const auto entry = parse_entry(trim(rest.substr(comma + 1)));  // npos + 1 is 0
    if (!entry) break;
    client = *entry;
    rest = rest.substr(0, comma == std::string_view::npos ? 0 : comma);
  }
  return client;
}

std::vector<IpAddress> forwarded_addresses(const Fields& fields) {
  std::vector<IpAddress> addresses;
  for (const Field& field : fields) {
    if (!is_forwarded_for(field)) continue;
    for (auto at = field.value.begin(); at != field.value.end();) {
      const auto begin = std::find_if(at, field.value.end(), is_of_address);
      at = std::find_if_not(begin, field.value.end(), is_of_address);
      std::string_view text(begin, at);
      if (std::ranges::count(text, ':') == 1) text = text.substr(0, text.find(':'));  // a port, or what should be one
      const auto address = IpAddress::parse(text);
      if (address) addresses.push_back(unmapped(*address));
    }
  }
  return addresses;
}

}  // namespace swage::http
