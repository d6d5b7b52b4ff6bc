// RateTable: how often something happens, by key, counted over all dns processes without a lock. Each counts in its own
// piece of a WorkerMemory, and looks into the others' only where it has counted its share of what is allowed.
//
// An account is credited with `rate` at the beginning of each second, and has `rate` at most; each event costs 1, also
// one that is not allowed, down to -`window` seconds' worth. So whoever goes on at a rate above it stays limited, and
// is free again `window` seconds after he has stopped, at the latest. That is BIND's response rate limiting.
//
//     set: 4 accounts of 24 bytes:  key (8) | second (4) | balance at its beginning (4) | count in it (4) | in the one
//     before (4)
//
// Memory is bounded: where a set is full, the account that was used least lately, and among those of this second the
// one with the fewest events, gives way. What others' pieces say is only added up: a process that was taken over can
// have a client limited, and nothing else.
#pragma once

#include <cstdint>

#include "core/bytes.h"
#include "core/net.h"
#include "core/shm/worker_memory.h"

namespace swage::rates {

// Of keys: unpredictable to clients, and the same in all processes.
class KeyedHash {
 public:
  KeyedHash() = default;
  // 16 bytes; none: a key that everybody knows.
  explicit KeyedHash(Bytes key);
  // Never 0.
  [[nodiscard]] std::uint64_t operator()(std::uint64_t a, std::uint64_t b = 0) const {
    return mix(mix(a ^ first_, kFirst ^ second_) ^ b ^ kSecond, second_ ^ kSecond) | 1;
  }

 private:
  static constexpr std::uint64_t kFirst = 0xA0761D6478BD642F, kSecond = 0xE7037ED1A0B428DB;
  static std::uint64_t mix(std::uint64_t a, std::uint64_t b) {
    __extension__ using Wide = unsigned __int128;
    const Wide product = static_cast<Wide>(a) * b;
    return static_cast<std::uint64_t>(product) ^ static_cast<std::uint64_t>(product >> 64);
  }

  std::uint64_t first_ = 0, second_ = 0;
};

// The first bits of an address as a number: at most 64 of an IPv6 address, which no network of clients is smaller than.
[[nodiscard]] std::uint64_t network_bits(const IpAddress& address, unsigned v4_bits, unsigned v6_bits);

struct Rate {
  std::uint32_t rate = 0;    // a second
  std::uint32_t window = 0;  // seconds
};

class RateTable {
 public:
  // `memory`: of bytes_for(accounts). REQUIRES: it outlives the table.
  explicit RateTable(shm::WorkerMemory& memory) : memory_(memory) {}

  [[nodiscard]] static std::size_t bytes_for(std::size_t accounts);

  // An event: what is left of the account of `key` after it; less than 0: it is not allowed. `second`: of a clock that
  // all processes share. `key`: not 0.
  [[nodiscard]] std::int64_t debit(std::uint64_t key, Rate rate, std::uint32_t second);

 private:
  struct Account {
    std::uint64_t key, time, counts;
  };
  static constexpr std::size_t kSet = 4;

  [[nodiscard]] std::size_t place_of(std::uint64_t key) const;
  [[nodiscard]] std::int64_t others(std::uint64_t key, std::uint32_t second) const;

  shm::WorkerMemory& memory_;
};

}  // namespace swage::rates
