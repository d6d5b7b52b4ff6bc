// RateLimit: how often something may happen for each of very many keys, which strangers choose. A fixed table; no I/O,
// no clock. In the service process.
//
// Each key has a bucket of `count` tokens, which fills up by one each time that a count-th of `per` has passed. All
// there is to know of it is when it will be full (the "theoretical arrival time" of the generic cell rate algorithm): a
// key whose time has passed is as good as one that never came.
//
//     set of 8 entries, chosen by the key's hash:  hash (8) | full (8: microseconds) | hash | full | …
//
// A new key in a full set takes the entry that is full soonest: it has used the least, so the least is forgotten. To
// evict an exhausted key, a client must exhaust 8 others of its set; which set a key is in only the seed tells. Two
// keys of the same 64-bit hash would share a bucket.
#pragma once

#include <array>
#include <chrono>
#include <cstdint>
#include <cstdlib>
#include <memory>

#include "core/bytes.h"
#include "core/crypto/hash.h"
#include "core/crypto/random.h"

namespace swage::dial {

struct Rate {
  std::uint32_t count = 0;  // 0: no limit
  std::chrono::milliseconds per{1};

  bool operator==(const Rate&) const = default;
};

// An unpredictable seed for a RateLimit.
[[nodiscard]] crypto::Digest make_seed(crypto::Random& random);

class RateLimit {
 public:
  using Time = std::chrono::milliseconds;  // of a clock that never goes back

  static constexpr std::size_t kWays = 8;
  static constexpr std::size_t kSets = 16384;  // for 131072 keys, up to 2 MiB

  // REQUIRES: `per` is at least a microsecond for each of `count`; `seed` is unpredictable; `sets` is a power of two.
  RateLimit(Rate rate, const crypto::Digest& seed, std::size_t sets = kSets);

  // How long until `tokens` more are allowed; 0: they are now. REQUIRES: no more than `count`.
  [[nodiscard]] std::chrono::microseconds wait(Bytes key, Time now, std::int64_t tokens = 1) const;
  // Takes tokens. Where there are too few, the bucket is empty. For those for which wait() was 0.
  void count(Bytes key, Time now, std::int64_t tokens = 1);

 private:
  struct Entry {
    std::uint64_t hash = 0;
    std::int64_t full = 0;  // microseconds
  };
  using Set = std::array<Entry, kWays>;

  [[nodiscard]] std::uint64_t hash(Bytes key) const;
  [[nodiscard]] Set& set_of(std::uint64_t hash) const { return sets_[hash & last_set_]; }
  [[nodiscard]] std::int64_t full(std::uint64_t hash, std::int64_t now) const;

  std::int64_t per_;       // microseconds
  std::int64_t interval_;  // between two tokens; 0: no limit
  crypto::Digest seed_;
  // Straight from the system, where what was never written takes no memory.
  struct Free {
    void operator()(Set* sets) const { std::free(sets); }
  };
  std::size_t last_set_;  // all bits of an index are in it
  std::unique_ptr<Set[], Free> sets_;
};

}  // namespace swage::dial
