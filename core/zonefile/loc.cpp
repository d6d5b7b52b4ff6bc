// LOC in presentation format (RFC 1876 section 3): where a host is, in degrees and metres.
#include <algorithm>
#include <charconv>
#include <optional>

#include "core/text.h"
#include "core/zonefile/rdata.h"

namespace swage::zonefile {
namespace {

// A number with at most `decimals` digits after its point, as a count of its smallest unit.
std::optional<std::uint64_t> parse_decimal(std::string_view text, unsigned decimals) {
  const std::size_t point = text.find('.');
  const std::string_view whole = text.substr(0, point);
  const std::string_view fraction = point == std::string_view::npos ? "" : text.substr(point + 1);
  if (!is_decimal(whole) || whole.size() > 10 || fraction.size() > decimals ||
      (point != std::string_view::npos && !is_decimal(fraction))) {
    return {};
  }
  std::uint64_t value = 0;
  for (const char c : whole) value = value * 10 + static_cast<unsigned>(c - '0');
  for (unsigned i = 0; i < decimals; ++i) {
    value = value * 10 + (i < fraction.size() ? static_cast<unsigned>(fraction[i] - '0') : 0);
  }
  return value;
}

void put_u32(RdataText& text, std::uint64_t value) {
  text.put_u16(static_cast<std::uint16_t>(value >> 16));
  text.put_u16(static_cast<std::uint16_t>(value));
}

struct Angle {
  unsigned degrees;  // the most
  char positive, negative;
  std::string_view expected;
};
constexpr Angle kLatitude{90, 'N', 'S', "a latitude, such as 52 22 23.000 N"};
constexpr Angle kLongitude{180, 'E', 'W', "a longitude, such as 4 53 32.000 E"};

// d [m [s]] and a direction.
OrFault<> parse_angle(RdataText& text, const Angle& angle) {
  constexpr std::uint64_t kMost[] = {180, 59, 59'999};
  constexpr std::uint64_t kUnit[] = {3'600'000, 60'000, 1};
  std::uint64_t value = 0;
  for (std::size_t part = 0;; ++part) {
    TRY(const Token token, text.take(angle.expected));
    const char direction = token.text.size() == 1 ? static_cast<char>(token.text[0] & ~0x20) : '\0';
    if (part > 0 && (direction == angle.positive || direction == angle.negative)) {
      if (value > std::uint64_t{angle.degrees} * kUnit[0]) return text.not_a(angle.expected, token);
      put_u32(text, direction == angle.positive ? (1ULL << 31) + value : (1ULL << 31) - value);
      return {};
    }
    const auto number = part < 3 ? parse_decimal(token.text, part == 2 ? 3 : 0) : std::nullopt;
    if (!number || *number > kMost[part]) return text.not_a(angle.expected, token);
    value += *number * kUnit[part];
  }
}

std::string_view without_metre(std::string_view text) {
  return text.ends_with('m') || text.ends_with('M') ? text.substr(0, text.size() - 1) : text;
}

// In centimetres from 100 km below the reference spheroid.
OrFault<> parse_altitude(RdataText& text) {
  constexpr std::uint64_t kGround = 10'000'000;
  constexpr std::string_view kExpected = "an altitude from -100000.00m to 42849672.95m";
  TRY(const Token token, text.take(kExpected));
  std::string_view metres = without_metre(token.text);
  const bool is_negative = metres.starts_with('-');
  if (is_negative || metres.starts_with('+')) metres.remove_prefix(1);
  const auto value = parse_decimal(metres, 2);
  if (!value || *value > (is_negative ? kGround : UINT32_MAX - kGround)) return text.not_a(kExpected, token);
  put_u32(text, is_negative ? kGround - *value : kGround + *value);
  return {};
}

// A digit and a power of ten, in centimetres: what comes after the first digit is dropped.
OrFault<std::uint8_t> parse_precision(RdataText& text) {
  constexpr std::string_view kExpected = "metres up to 90000000.00m";
  TRY(const Token token, text.take(kExpected));
  auto value = parse_decimal(without_metre(token.text), 2);
  if (!value || *value > 9'000'000'000) return text.not_a(kExpected, token);
  unsigned exponent = 0;
  for (; *value > 9; *value /= 10) ++exponent;
  return static_cast<std::uint8_t>(*value << 4 | exponent);
}

}  // namespace

OrFault<> parse_loc(RdataText& text) {
  text.rdata() = {0, 0x12, 0x16, 0x13};  // version; size 1 m, precision 10 km and 10 m, by default
  TRY(parse_angle(text, kLatitude));
  TRY(parse_angle(text, kLongitude));
  TRY(parse_altitude(text));
  for (std::size_t i = 1; i < 4 && !text.tokens().empty(); ++i) {
    TRY(text.rdata()[i], parse_precision(text));
  }
  return {};
}

}  // namespace swage::zonefile
