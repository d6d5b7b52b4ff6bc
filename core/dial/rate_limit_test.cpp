#include "core/dial/rate_limit.h"

#include <string>

#include <catch2/catch.hpp>

using namespace std::chrono_literals;
using swage::as_bytes;
using swage::dial::Rate;
using swage::dial::RateLimit;

namespace {

constexpr RateLimit::Time kStart = 5'000ms;
const swage::crypto::Digest kSeed = swage::crypto::sha256(as_bytes("seed"));

// How many of `count` tries at `now` are let through.
int allowed(RateLimit& limit, std::string_view key, RateLimit::Time now, int count) {
  int passed = 0;
  for (int i = 0; i < count; ++i) {
    if (limit.wait(as_bytes(key), now) != 0us) continue;
    limit.count(as_bytes(key), now);
    ++passed;
  }
  return passed;
}

}  // namespace

TEST_CASE("rate limit, over time") {
  RateLimit limit({10, 1h}, kSeed);
  const struct {
    std::string_view key;
    RateLimit::Time after;
    int tries, passed;
    std::chrono::microseconds wait;  // after the tries
  } steps[] = {
      {"a", 0ms, 20, 10, 6min},           // as many as the limit says, at once
      {"b", 0ms, 3, 3, 0us},              // another key is not concerned
      {"a", 5min + 59999ms, 20, 0, 1ms},  // what was refused is not counted
      {"a", 6min, 20, 1, 6min},           // then one at a time
      {"a", 17min, 20, 1, 1min},          // 11 minutes after the last one
      {"a", 18min, 20, 1, 6min},
      {"b", 30min, 20, 10, 6min},  // full again
      {"a", 24h, 20, 10, 6min},
  };
  for (const auto& step : steps) {
    CAPTURE(step.key, step.after.count());
    CHECK(allowed(limit, step.key, kStart + step.after, step.tries) == step.passed);
    CHECK(limit.wait(as_bytes(step.key), kStart + step.after) == step.wait);
  }
}

TEST_CASE("rate limit, none") {
  RateLimit limit({}, kSeed);
  CHECK(allowed(limit, "a", kStart, 1000) == 1000);
}

TEST_CASE("rate limit, one a day, many a second") {
  RateLimit slow({1, 24h}, kSeed);
  CHECK(allowed(slow, "a", kStart, 5) == 1);
  CHECK(slow.wait(as_bytes("a"), kStart + 1h) == 23h);
  CHECK(allowed(slow, "a", kStart + 24h, 5) == 1);
  RateLimit fast({100'000, 1s}, kSeed);
  CHECK(allowed(fast, "a", kStart, 100'005) == 100'000);
  CHECK(allowed(fast, "a", kStart + 10ms, 1'005) == 1'000);
}

TEST_CASE("rate limit, a flood of new keys forgets those who used least") {
  RateLimit limit({10, 1h}, kSeed, 4);  // 32 keys
  CHECK(allowed(limit, "blocked", kStart, 20) == 10);
  for (int i = 0; i < 10'000; ++i) CHECK(allowed(limit, "x" + std::to_string(i), kStart, 1) == 1);
  CHECK(allowed(limit, "blocked", kStart, 20) == 0);
  CHECK(limit.wait(as_bytes("blocked"), kStart) == 6min);
  // When all that are known have used up theirs, there is no room: the one that has waited longest goes.
  for (int i = 0; i < 200; ++i) CHECK(allowed(limit, "y" + std::to_string(i), kStart + 1min, 20) >= 1);
  CHECK(allowed(limit, "blocked", kStart + 1min, 20) == 10);
}
