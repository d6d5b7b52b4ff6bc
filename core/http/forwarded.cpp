#include "core/http/forwarded.h"

#include <algorithm>
#include <optional>
#include <string_view>

#include "core/embedded_ipv4.h"
#include "core/http/grammar.h"
#include "core/http/written_address.h"
#include "core/text.h"

namespace swage::http {

namespace {

bool is_port(std::string_view text) {
  std::uint16_t port = 0;
  return parse_number(text, port);
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
    const std::string_view rest = text.substr(close + 1);
    if (!rest.empty() && (rest[0] != ':' || !is_port(rest.substr(1)))) return std::nullopt;
    return parse_address(text.substr(1, close - 1), true);
  }
  const std::size_t colon = text.find(':');
  if (colon == std::string_view::npos) return parse_address(text, false);
  if (text.find(':', colon + 1) != std::string_view::npos) return parse_address(text, true);
  if (!is_port(text.substr(colon + 1))) return std::nullopt;
  return parse_address(text.substr(0, colon), false);
}

bool is_forwarded_for(const Field& field) { return equal_without_case(field.name, "X-Forwarded-For"); }

}  // namespace

bool is_in(std::span<const Prefix> networks, const IpAddress& address) {
  const IpAddress plain = unmapped(address);
  return std::ranges::any_of(networks, [&](const Prefix& network) { return unmapped(network).contains(plain); });
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
    if (is_forwarded_for(field)) find_addresses(field.value, addresses);
  }
  return addresses;
}

}  // namespace swage::http
