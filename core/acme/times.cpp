#include "core/acme/times.h"

#include <algorithm>
#include <array>

#include "core/text.h"

namespace swage::acme {
namespace {

constexpr std::chrono::seconds kMostRetryAfter{30 * 86400};

std::int64_t to_seconds(int year, unsigned month, unsigned day, std::int64_t of_day) {
  const std::chrono::year_month_day date{std::chrono::year(year), std::chrono::month(month), std::chrono::day(day)};
  return std::chrono::sys_days(date).time_since_epoch().count() * std::int64_t{86400} + of_day;
}

// "04:05:06", seconds.
std::optional<std::int64_t> parse_time_of_day(std::string_view text) {
  unsigned hour = 0, minute = 0, second = 0;
  if (text.size() != 8 || text[2] != ':' || text[5] != ':' || !parse_number(text.substr(0, 2), hour) ||
      !parse_number(text.substr(3, 2), minute) || !parse_number(text.substr(6, 2), second) || hour > 23 ||
      minute > 59 || second > 60) {
    return std::nullopt;
  }
  return std::int64_t{hour} * 3600 + minute * 60 + second;
}

bool is_date(int year, unsigned month, unsigned day) {
  return std::chrono::year_month_day(std::chrono::year(year), std::chrono::month(month), std::chrono::day(day)).ok();
}

// "Z", "+01:00", seconds.
std::optional<std::int64_t> parse_offset(std::string_view text) {
  if (text == "Z" || text == "z") return 0;
  unsigned hour = 0, minute = 0;
  if (text.size() != 6 || (text[0] != '+' && text[0] != '-') || text[3] != ':' ||
      !parse_number(text.substr(1, 2), hour) || !parse_number(text.substr(4, 2), minute) || hour > 23 || minute > 59) {
    return std::nullopt;
  }
  const std::int64_t offset = std::int64_t{hour} * 3600 + minute * 60;
  return text[0] == '+' ? offset : -offset;
}

// "Sun, 06 Nov 1994 08:49:37 GMT"
std::optional<std::int64_t> parse_http_date(std::string_view text) {
  constexpr std::array<std::string_view, 12> kMonths = {"Jan", "Feb", "Mar", "Apr", "May", "Jun",
                                                        "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"};
  if (text.size() != 29 || text.substr(3, 2) != ", " || !text.ends_with(" GMT")) return std::nullopt;
  unsigned day = 0;
  int year = 0;
  const auto* const month = std::ranges::find(kMonths, text.substr(8, 3));
  const auto of_day = parse_time_of_day(text.substr(17, 8));
  if (!parse_number(text.substr(5, 2), day) || !parse_number(text.substr(12, 4), year) || month == kMonths.end() ||
      !of_day) {
    return std::nullopt;
  }
  const auto number = static_cast<unsigned>(month - kMonths.begin()) + 1;
  if (!is_date(year, number, day)) return std::nullopt;
  return to_seconds(year, number, day, *of_day);
}

}  // namespace

std::optional<std::int64_t> parse_timestamp(std::string_view text) {
  if (text.size() < 20 || text[4] != '-' || text[7] != '-' || (text[10] != 'T' && text[10] != 't')) return std::nullopt;
  int year = 0;
  unsigned month = 0, day = 0;
  const auto of_day = parse_time_of_day(text.substr(11, 8));
  if (!parse_number(text.substr(0, 4), year) || !parse_number(text.substr(5, 2), month) ||
      !parse_number(text.substr(8, 2), day) || !is_date(year, month, day) || !of_day) {
    return std::nullopt;
  }
  text.remove_prefix(19);
  if (text.starts_with('.')) {
    const auto* const end = std::ranges::find_if_not(text.substr(1), is_digit);
    text.remove_prefix(static_cast<std::size_t>(end - text.begin()));
  }
  const auto offset = parse_offset(text);
  if (!offset) return std::nullopt;
  return to_seconds(year, month, day, *of_day) - *offset;
}

std::optional<std::chrono::seconds> parse_retry_after(std::string_view text, std::int64_t now) {
  std::int64_t seconds = 0;
  if (is_decimal(text)) {
    if (!parse_number(text, seconds)) return kMostRetryAfter;
  } else {
    const auto date = parse_http_date(text);
    if (!date) return std::nullopt;
    seconds = *date - now;
  }
  return std::clamp(std::chrono::seconds(seconds), std::chrono::seconds(0), kMostRetryAfter);
}

}  // namespace swage::acme
