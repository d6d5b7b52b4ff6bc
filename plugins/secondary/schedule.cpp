#include "plugins/secondary/schedule.h"

#include <algorithm>

#include "core/zone/all_records.h"

namespace swage::plugins::secondary {
namespace {

using std::chrono::milliseconds;
using std::chrono::seconds;

constexpr seconds kFirstRetry{5}, kLongestRetry{3600};
constexpr unsigned kMostDoublings = 16;

milliseconds shortened(seconds time, double by) {
  return milliseconds(static_cast<std::int64_t>(static_cast<double>(milliseconds(time).count()) * (1 - by)));
}

}  // namespace

SoaTimes SoaTimes::of(Bytes image) {
  const Bytes soa = zone::AllRecords(image).next()->rdata;
  const auto number = [end = soa.data() + soa.size()](std::ptrdiff_t before_end) { return load_u32(end - before_end); };
  return {number(20), seconds(number(16)), seconds(number(12)), seconds(number(8))};
}

seconds until_expiry(const SoaTimes& soa, const Bounds& bounds) {
  const auto bounded = [&bounds](seconds time) { return std::clamp(time, bounds.least, bounds.most); };
  return std::max(soa.expire, bounded(soa.refresh) + bounded(soa.retry));
}

milliseconds after_success(const SoaTimes& soa, const Bounds& bounds, double random) {
  return shortened(std::clamp(soa.refresh, bounds.least, bounds.most), random / 10);
}

milliseconds after_failure(const std::optional<SoaTimes>& soa, unsigned failures, const Bounds& bounds, double random) {
  const seconds first = soa ? std::clamp(soa->retry, bounds.least, bounds.most) : std::min(bounds.least, kFirstRetry);
  const seconds longest = soa ? std::clamp(soa->refresh, first, bounds.most) : std::min(bounds.most, kLongestRetry);
  const seconds time = first * (std::int64_t{1} << std::min(failures - 1, kMostDoublings));
  return shortened(std::min(time, longest), random / 4);
}

}  // namespace swage::plugins::secondary
