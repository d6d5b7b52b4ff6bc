#include "plugins/hosts/reverse_name.h"

#include <array>

#include "core/text.h"

namespace swage::plugins::hosts {
namespace {

constexpr std::array<std::uint8_t, 14> kV4 = {7, 'i', 'n', '-', 'a', 'd', 'd', 'r', 4, 'a', 'r', 'p', 'a', 0};
constexpr std::array<std::uint8_t, 10> kV6 = {3, 'i', 'p', '6', 4, 'a', 'r', 'p', 'a', 0};
constexpr int kNone = -1;

// 0 to 255 in decimal, without leading zeros.
int parse_byte(Bytes label) {
  if (label.size() > 3 || (label.size() > 1 && label[0] == '0')) return kNone;
  int value = 0;
  for (const std::uint8_t digit : label) {
    if (!is_digit(static_cast<char>(digit))) return kNone;
    value = value * 10 + (digit - '0');
  }
  return value <= 255 ? value : kNone;
}

int parse_nibble(Bytes label) {
  if (label.size() != 1) return kNone;
  const int value = hex_value(static_cast<char>(label[0]));
  return value < 0 ? kNone : value;
}

}  // namespace

std::optional<IpAddress> parse_reverse_name(dns::NameView name) {
  std::array<std::uint8_t, 16> bytes{};
  if (name.is_under({kV4.data(), kV4.size()})) {
    if (name.label_count() != 6) return std::nullopt;
    for (std::size_t i = 4; i-- > 0; name = name.parent()) {
      const int value = parse_byte(name.first_label());
      if (value == kNone) return std::nullopt;
      bytes[i] = static_cast<std::uint8_t>(value);
    }
    return IpAddress::v4(Bytes(bytes).first(4));
  }
  if (!name.is_under({kV6.data(), kV6.size()}) || name.label_count() != 34) return std::nullopt;
  for (std::size_t i = 32; i-- > 0; name = name.parent()) {
    const int value = parse_nibble(name.first_label());
    if (value == kNone) return std::nullopt;
    bytes[i / 2] = static_cast<std::uint8_t>(bytes[i / 2] | (i % 2 == 0 ? value << 4 : value));
  }
  return IpAddress::v6(bytes);
}

}  // namespace swage::plugins::hosts
