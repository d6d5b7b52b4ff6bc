#include "core/config/values.h"

#include <algorithm>
#include <array>
#include <charconv>
#include <optional>

#include <fmt/format.h>

namespace swage::config {
namespace {

struct Unit {
  std::string_view name;
  std::uint64_t size;
};

// Both spellings of µ: U+00B5 and U+03BC.
constexpr std::array<Unit, 8> kDurations = {{{"ns", 1},
                                             {"us", 1'000},
                                             {"\xC2\xB5s", 1'000},
                                             {"\xCE\xBCs", 1'000},
                                             {"ms", 1'000'000},
                                             {"s", 1'000'000'000},
                                             {"m", 60'000'000'000},
                                             {"h", 3'600'000'000'000}}};
constexpr std::array<Unit, 7> kSizes = {{{"", 1},
                                         {"K", 1U << 10},
                                         {"KiB", 1U << 10},
                                         {"M", 1U << 20},
                                         {"MiB", 1U << 20},
                                         {"G", 1U << 30},
                                         {"GiB", 1U << 30}}};
constexpr std::uint64_t kMaxDuration = std::numeric_limits<std::int64_t>::max();

template <std::size_t count>
std::optional<std::uint64_t> find_unit(const std::array<Unit, count>& units, std::string_view name) {
  for (const Unit& unit : units) {
    if (unit.name == name) return unit.size;
  }
  return std::nullopt;
}

std::string_view take_digits(std::string_view& text) {
  const std::size_t end = std::min(text.find_first_not_of("0123456789"), text.size());
  const std::string_view digits = text.substr(0, end);
  text.remove_prefix(end);
  return digits;
}

// Digits to a number; nullopt if it does not fit. "" is 0.
std::optional<std::uint64_t> number(std::string_view digits) {
  std::uint64_t value = 0;
  const auto [end, error] = std::from_chars(digits.begin(), digits.end(), value);
  if (error == std::errc::result_out_of_range) return std::nullopt;
  return value;
}

// What "1.25" of a unit is; nullopt above kMaxDuration.
std::optional<std::uint64_t> scaled(std::string_view whole, std::string_view fraction, std::uint64_t unit) {
  const auto count = number(whole);
  if (!count || *count > kMaxDuration / unit) return std::nullopt;
  const std::string_view digits = fraction.substr(0, 15);  // more do not change a double
  double parts = 0;
  double scale = 1;
  for (const char digit : digits) {
    parts = parts * 10 + (digit - '0');
    scale *= 10;
  }
  const std::uint64_t value = *count * unit + static_cast<std::uint64_t>(parts * (static_cast<double>(unit) / scale));
  if (value > kMaxDuration) return std::nullopt;
  return value;
}

std::unexpected<Error> not_a_duration(std::string_view text) {
  return fail("'{}' is not a duration; expected a number with a unit, such as 500ms, 30s or 1h30m", text);
}

}  // namespace

Result<std::chrono::nanoseconds> parse_duration(std::string_view text) {
  if (text.starts_with('-')) return fail("'{}' is not a duration: it is negative", text);
  std::string_view rest = text;
  if (rest.starts_with('+')) rest.remove_prefix(1);
  if (rest == "0") return std::chrono::nanoseconds(0);
  if (rest.empty()) return not_a_duration(text);
  std::uint64_t total = 0;
  while (!rest.empty()) {
    const std::string_view whole = take_digits(rest);
    std::string_view fraction;
    if (rest.starts_with('.')) {
      rest.remove_prefix(1);
      fraction = take_digits(rest);
    }
    if (whole.empty() && fraction.empty()) return not_a_duration(text);
    const std::string_view unit_name = rest.substr(0, std::min(rest.find_first_of(".0123456789"), rest.size()));
    if (unit_name.empty()) return fail("'{}' is not a duration: a unit is missing; expected, say, {}s", text, text);
    rest.remove_prefix(unit_name.size());
    const auto unit = find_unit(kDurations, unit_name);
    if (!unit) return fail("'{}' is not a duration: expected ns, us, ms, s, m or h, not '{}'", text, unit_name);
    const auto value = scaled(whole, fraction, *unit);
    if (!value || *value > kMaxDuration - total)
      return fail("'{}' is not a duration: it is longer than 292 years", text);
    total += *value;
  }
  return std::chrono::nanoseconds(static_cast<std::int64_t>(total));
}

std::string duration_text(std::chrono::milliseconds duration) {
  constexpr std::array<std::pair<std::int64_t, std::string_view>, 3> kUnits = {
      {{3'600'000, "h"}, {60'000, "m"}, {1000, "s"}}};
  for (const auto& [size, unit] : kUnits) {
    if (duration.count() % size == 0) return fmt::format("{}{}", duration.count() / size, unit);
  }
  return fmt::format("{}ms", duration.count());
}

Result<std::uint32_t> parse_ttl(std::string_view text) {
  const auto seconds = parse_integer(text, std::int64_t{0}, std::int64_t{0x7FFF'FFFF});
  if (!seconds) return fail("'{}' is not a TTL; expected seconds, 0 to 2147483647", text);
  return static_cast<std::uint32_t>(*seconds);
}

Result<std::int64_t> parse_integer(std::string_view text, std::int64_t min, std::int64_t max) {
  std::int64_t value = 0;
  const auto [end, error] = std::from_chars(text.begin(), text.end(), value);
  if (error != std::errc() || end != text.end() || value < min || value > max) {
    return fail("'{}' is not a number from {} to {}", text, min, max);
  }
  return value;
}

Result<bool> parse_switch(std::string_view text) {
  if (text == "on" || text == "true") return true;
  if (text == "off" || text == "false") return false;
  return fail("'{}' is neither 'on' nor 'off'", text);
}

Result<bool> parse_bool(std::string_view text) {
  constexpr std::array<std::string_view, 6> kTrue = {"1", "t", "T", "TRUE", "true", "True"};
  constexpr std::array<std::string_view, 6> kFalse = {"0", "f", "F", "FALSE", "false", "False"};
  if (std::ranges::find(kTrue, text) != kTrue.end()) return true;
  if (std::ranges::find(kFalse, text) != kFalse.end()) return false;
  return fail("'{}' is not true or false", text);
}

Result<std::uint64_t> parse_size(std::string_view text) {
  std::string_view unit_name = text;
  const std::string_view digits = take_digits(unit_name);
  const auto count = number(digits);
  const auto unit = find_unit(kSizes, unit_name);
  if (digits.empty() || !count || !unit || *count > std::numeric_limits<std::uint64_t>::max() / *unit) {
    return fail("'{}' is not a size; expected bytes, such as 4096, 64KiB or 1GiB", text);
  }
  return *count * *unit;
}

}  // namespace swage::config
