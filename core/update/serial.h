// The serial number of a zone after an update (RFC 2136 section 3.6, RFC 1982). No I/O, no clock.
#pragma once

#include <cstdint>

namespace swage::update {

enum class SerialPolicy : std::uint8_t {
  increment,  // the next number
  unixtime,   // seconds since 1970
  date,       // YYYYMMDDnn, in UTC
};

// Whether `a` is greater than `b` (RFC 1982 section 3.2).
[[nodiscard]] constexpr bool is_greater(std::uint32_t a, std::uint32_t b) {
  return static_cast<std::int32_t>(a - b) > 0;
}

// The one after `serial`: as the policy says, where that is greater, else the next number. Never 0. `now` in seconds
// since 1970.
[[nodiscard]] std::uint32_t next_serial(std::uint32_t serial, SerialPolicy policy, std::int64_t now);

}  // namespace swage::update
