// Values in a Corefile: durations, TTLs, integers, switches, sizes. The Errors say what is wrong with the text and what
// was expected, without file and line. A setup() has them from its Dispenser: expect_duration(), expect_number() ….
#pragma once

#include <chrono>
#include <concepts>
#include <cstdint>
#include <limits>
#include <string>
#include <string_view>

#include "core/result.h"

namespace swage::config {

// As Go's time.ParseDuration: "10s", "1h30m", "1.5h", "500ms", "0"; units ns, us (µs), ms, s, m, h. Not negative; at
// most 2^63-1 ns, which is 292 years.
[[nodiscard]] Result<std::chrono::nanoseconds> parse_duration(std::string_view text);

// "2s", "1h": in the largest unit that has no fraction.
[[nodiscard]] std::string duration_text(std::chrono::milliseconds duration);

// Seconds, 0 to 2^31-1 (RFC 2181 section 8).
[[nodiscard]] Result<std::uint32_t> parse_ttl(std::string_view text);

// Decimal, `min` to `max`.
[[nodiscard]] Result<std::int64_t> parse_integer(std::string_view text, std::int64_t min, std::int64_t max);

// REQUIRES: `min` and `max` fit into 64 bits with sign.
template <std::integral T>
[[nodiscard]] Result<T> parse_integer(std::string_view text, T min, T max) {
  TRY(const std::int64_t value, parse_integer(text, static_cast<std::int64_t>(min), static_cast<std::int64_t>(max)));
  return static_cast<T>(value);
}

// "on" or "true", "off" or "false".
[[nodiscard]] Result<bool> parse_switch(std::string_view text);

// As Go's strconv.ParseBool: "1", "t", "T", "TRUE", "true", "True" or the like of "false".
[[nodiscard]] Result<bool> parse_bool(std::string_view text);

// Bytes: "4096", "64K" or "64KiB" (65,536), "1M" or "1MiB", "2G" or "2GiB".
[[nodiscard]] Result<std::uint64_t> parse_size(std::string_view text);

}  // namespace swage::config
