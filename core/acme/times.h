// Times as CAs write them. No I/O; any process.
#pragma once

#include <chrono>
#include <cstdint>
#include <optional>
#include <string_view>

namespace swage::acme {

// "2026-01-02T04:00:00Z", "2026-01-02T04:00:00.123+01:00" (RFC 3339): seconds since 1970.
[[nodiscard]] std::optional<std::int64_t> parse_timestamp(std::string_view text);

// Retry-After (RFC 9110 section 10.2.3): seconds, or a date, "Sun, 06 Nov 1994 08:49:37 GMT". From `now`, seconds since
// 1970; never negative, and at most 30 days. nullopt where it is neither.
[[nodiscard]] std::optional<std::chrono::seconds> parse_retry_after(std::string_view text, std::int64_t now);

}  // namespace swage::acme
