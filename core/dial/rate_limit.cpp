#include "core/dial/rate_limit.h"

#include <algorithm>
#include <bit>

#include "core/result.h"

namespace swage::dial {

using std::chrono::microseconds;

crypto::Digest make_seed(crypto::Random& random) {
  crypto::Digest seed;
  random.fill(seed);
  return seed;
}

RateLimit::RateLimit(Rate rate, const crypto::Digest& seed, std::size_t sets)
    : per_(microseconds(rate.per).count()),
      interval_(rate.count == 0 ? 0 : per_ / rate.count),
      seed_(seed),
      last_set_(sets - 1) {
  CHECK(std::has_single_bit(sets) && (rate.count == 0 || interval_ > 0));
  if (interval_ == 0) return;
  sets_.reset(static_cast<Set*>(std::calloc(sets, sizeof(Set))));
  CHECK(sets_ != nullptr);
}

std::uint64_t RateLimit::hash(Bytes key) const {
  const crypto::Digest digest = crypto::hmac_sha256(seed_, key);
  return std::uint64_t{load_u32(digest.data())} << 32 | load_u32(digest.data() + 4);
}

// When the bucket will be full; `now` if it is.
std::int64_t RateLimit::full(std::uint64_t hash, std::int64_t now) const {
  const Set& set = set_of(hash);
  const auto entry = std::ranges::find(set, hash, &Entry::hash);
  return entry == set.end() ? now : std::max(entry->full, now);
}

microseconds RateLimit::wait(Bytes key, Time now, std::int64_t tokens) const {
  if (interval_ == 0) return microseconds(0);
  const std::int64_t time = microseconds(now).count();
  return microseconds(std::max<std::int64_t>(0, full(hash(key), time) + tokens * interval_ - time - per_));
}

void RateLimit::count(Bytes key, Time now, std::int64_t tokens) {
  if (interval_ == 0) return;
  const std::int64_t time = microseconds(now).count();
  const std::uint64_t hashed = hash(key);
  Set& set = set_of(hashed);
  auto entry = std::ranges::find(set, hashed, &Entry::hash);
  if (entry == set.end()) entry = std::ranges::min_element(set, {}, &Entry::full);
  *entry = {hashed, std::min(full(hashed, time) + tokens * interval_, time + per_)};
}

}  // namespace swage::dial
