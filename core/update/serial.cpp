#include "core/update/serial.h"

#include <ctime>

namespace swage::update {
namespace {

std::uint32_t first_of_day(std::int64_t now) {
  const std::time_t time = now;
  std::tm parts{};
  gmtime_r(&time, &parts);
  return static_cast<std::uint32_t>(((parts.tm_year + 1900) * 10000 + (parts.tm_mon + 1) * 100 + parts.tm_mday) * 100);
}

}  // namespace

std::uint32_t next_serial(std::uint32_t serial, SerialPolicy policy, std::int64_t now) {
  std::uint32_t wanted = serial;
  if (policy == SerialPolicy::unixtime) wanted = static_cast<std::uint32_t>(now);
  if (policy == SerialPolicy::date) wanted = first_of_day(now);
  if (is_greater(wanted, serial) && wanted != 0) return wanted;
  return serial + 1 == 0 ? 1 : serial + 1;
}

}  // namespace swage::update
