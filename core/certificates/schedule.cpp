#include "core/certificates/schedule.h"

#include <algorithm>

namespace swage::certificates {
namespace {

using namespace std::chrono_literals;

constexpr auto kLook = 60s;                                   // at most between two looks at files and clock
constexpr auto kSoonLook = 5s;                                // where something is wrong: the operator may mend it
constexpr std::int64_t kMostPause = std::int64_t{2} * 86400;  // seconds; a record that says more is of another clock

}  // namespace

std::chrono::milliseconds pause_until(std::int64_t due, const OrderRecord& record, bool is_missing, std::int64_t now) {
  const std::int64_t pause = record.not_before - now > kMostPause ? 0 : record.not_before - now;
  const std::int64_t wait = std::max(due - now, pause);
  if (wait <= 0) return 0ms;
  return std::min<std::chrono::milliseconds>(std::chrono::seconds(wait),
                                             record.failures > 0 || is_missing ? kSoonLook : kLook);
}

}  // namespace swage::certificates
