// CacheRules: for how long what was fetched may be answered. The plugin `cache` says it of a query, in Response::cache;
// FetchedAnswers (core/plugin/fetched_answers.h) keeps to it.
#pragma once

#include <array>
#include <chrono>
#include <cstdint>
#include <optional>

#include "core/bytes.h"
#include "core/metrics/handles.h"
#include "core/plugin/server_label.h"

namespace swage {

// How often each key was asked for of late, as far as this process was asked. Of a fixed size; keys that share a place
// push each other out.
class Popularity {
 public:
  // Counts one more at `now`. Returns how many there were with no gap of `gap` or more between them (nanoseconds).
  std::uint32_t count(Bytes key, std::int64_t now, std::int64_t gap);

 private:
  struct Place {
    std::uint64_t key = 0;  // hash
    std::int64_t last = 0;
    std::uint32_t count = 0;
  };
  static constexpr std::size_t kPlaces = 4096;
  std::array<Place, kPlaces> places_{};
};

struct CacheRules {
  // Seconds. What the nameserver has said is brought between the two. Not kept: it is for those alone who waited.
  struct Times {
    std::uint32_t most = 3600, least = 5;
    bool kept = true;

    [[nodiscard]] std::uint32_t of(std::uint32_t ttl) const { return ttl < least ? least : ttl > most ? most : ttl; }
  };
  // What is counted, by ServerLabel::index_of(); hits by kind as well: success, then all others.
  struct Counts {
    std::optional<ServerLabel> server;
    metrics::Counters requests, hits, misses, prefetches, stale;
  };

  Times success{};
  Times denial{.most = 1800};
  std::uint32_t failure = 5;  // seconds, at most

  // What is soon too old is fetched ahead where it was asked for so many times; 0: never.
  std::uint32_t prefetch_amount = 0;
  std::int64_t prefetch_gap = 60'000'000'000;  // nanoseconds
  unsigned prefetch_percentage = 10;           // of its time, that is left
  Popularity* popularity = nullptr;            // where there is prefetch_amount

  std::uint32_t stale = 0;      // seconds after its time, in which an answer may still be told
  std::uint32_t stale_ttl = 0;  // seconds, of the records of such an answer
  bool verify = false;          // and only when it cannot be fetched
  // Within this time, that is; 0: within all the time that there is. Clients wait little longer (RFC 8767 section 5).
  std::chrono::milliseconds verify_time{1800};
  std::uint32_t recheck = 0;     // seconds in which an answer that could not be fetched is not fetched again; 0: none
  bool prefer_positive = false;  // an answer is told for as long as it may be, whatever else was said since
  bool keep_ttl = false;         // TTLs do not count down

  Counts counts{};
};

}  // namespace swage
