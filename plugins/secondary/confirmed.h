// Confirmed: when a primary last confirmed each of the zones that are kept in no folder, so that a reload does not make
// them younger than they are. In the service process; the next one finds what this one has written.
//
//     +-----------------+ 0
//     | Header          |  how many slots were used so far
//     +-----------------+
//     | Slot x kMost    |  which zone, and when; memory that is not used costs nothing
//     +-----------------+
#pragma once

#include <atomic>
#include <cstdint>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "core/result.h"
#include "core/shm/shared.h"

namespace swage::plugins::secondary {

class Confirmed {
 public:
  static constexpr std::size_t kMost = 131'072;  // zones; of more nothing is known after a reload

  // Takes what the service process before has left in `memory`, and provides another one. In prepare(); `memory`
  // outlives it.
  [[nodiscard]] Result<> begin(shm::Shared& memory);

  // A zone's place, until give_back(). `zone` is the same in the next process. REQUIRES: begin() succeeded.
  using Place = std::uint32_t;
  static constexpr Place kNone = UINT32_MAX;
  [[nodiscard]] Place take(std::string_view zone);
  void give_back(Place place);

  // In seconds since 1970; 0: it never was, or nothing is known.
  [[nodiscard]] std::int64_t at(Place place) const;
  void set(Place place, std::int64_t time);

 private:
  struct Slot {
    std::atomic<std::uint64_t> zone;  // a hash; 0: free
    std::atomic<std::int64_t> time;
  };
  struct Header {
    std::atomic<std::uint64_t> used;
    std::uint64_t reserved;
  };

  Header* header_ = nullptr;
  Slot* slots_ = nullptr;
  std::vector<Place> free_;
  std::unordered_map<std::uint64_t, std::int64_t> before_;  // by hash: of the process before
};

}  // namespace swage::plugins::secondary
