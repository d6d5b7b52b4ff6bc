#include "core/forge/address_label.h"

#include <algorithm>
#include <array>

#include "core/text.h"

namespace swage::forge {
namespace {

constexpr std::size_t kGroups = 8;

// Takes a decimal number of at most 255, without leading zeros, from the front of `text`.
std::optional<std::uint8_t> take_octet(Bytes& text) {
  unsigned value = 0;
  std::size_t digits = 0;
  for (; digits < text.size() && is_digit(static_cast<char>(text[digits])); ++digits) {
    if (digits > 0 && value == 0) return std::nullopt;
    value = value * 10 + (text[digits] - '0');
    if (value > 255) return std::nullopt;
  }
  if (digits == 0) return std::nullopt;
  text = text.subspan(digits);
  return static_cast<std::uint8_t>(value);
}

// Takes 1 to 4 hexadecimal digits from the front of `text`.
std::optional<std::uint16_t> take_group(Bytes& text) {
  unsigned value = 0;
  std::size_t digits = 0;
  for (; digits < text.size() && text[digits] != '-'; ++digits) {
    const auto c = static_cast<char>(text[digits]);
    if (digits == 4 || is_upper(c) || hex_value(c) < 0) return std::nullopt;
    value = value << 4 | static_cast<unsigned>(hex_value(c));
  }
  if (digits == 0) return std::nullopt;
  text = text.subspan(digits);
  return static_cast<std::uint16_t>(value);
}

bool take_hyphen(Bytes& text) {
  if (text.empty() || text[0] != '-') return false;
  text = text.subspan(1);
  return true;
}

std::optional<IpAddress> parse_v4(Bytes text) {
  std::array<std::uint8_t, 4> octets{};
  for (std::size_t i = 0; i < octets.size(); ++i) {
    if (i > 0 && !take_hyphen(text)) return std::nullopt;
    const auto octet = take_octet(text);
    if (!octet) return std::nullopt;
    octets[i] = *octet;
  }
  if (!text.empty()) return std::nullopt;
  return IpAddress::v4(octets);
}

std::optional<IpAddress> parse_v6(Bytes text) {
  std::array<std::uint8_t, 2 * kGroups> address{};
  std::size_t count = 0;           // groups so far
  std::optional<std::size_t> gap;  // how many of them are before the "--"
  if (text.size() >= 2 && text[0] == '-' && text[1] == '-') {
    gap = 0;
    text = text.subspan(2);
  }
  while (!text.empty()) {
    const auto group = take_group(text);
    if (!group || count == kGroups) return std::nullopt;
    store_u16(&address[2 * count++], *group);
    if (text.empty()) break;
    text = text.subspan(1);  // the hyphen
    if (take_hyphen(text)) {
      if (gap) return std::nullopt;
      gap = count;
    } else if (text.empty()) {
      return std::nullopt;
    }
  }
  if (!gap) return count == kGroups ? std::optional(IpAddress::v6(address)) : std::nullopt;
  if (count == kGroups) return std::nullopt;
  // What follows the gap goes to the end.
  const auto begin = address.begin() + static_cast<std::ptrdiff_t>(2 * *gap);
  std::rotate(begin, address.begin() + static_cast<std::ptrdiff_t>(2 * count), address.end());
  return IpAddress::v6(address);
}

}  // namespace

std::optional<IpAddress> parse_address_label(Bytes label) {
  if (const auto address = parse_v4(label)) return address;
  return parse_v6(label);
}

}  // namespace swage::forge
