// The clocks by which the times in a Table are. Its header says which one that is (TableWriter::format), so that nobody
// code that reads, writes or copies one has to know which kind of store it belongs to.
#pragma once

#include <cstdint>

namespace swage::shm {

enum class Clock : std::uint64_t {
  wall = 0,  // CLOCK_REALTIME, since 1970: of what may outlive the machine's start, a file say. Whoever sets it moves
             // ends.
  boot =
      1,  // CLOCK_BOOTTIME: of what is read anew after a start. Nobody sets it, and it goes on while a machine sleeps.
};

// What both show at the same moment, in milliseconds.
struct Moment {
  std::int64_t wall = 0, boot = 0;

  [[nodiscard]] std::int64_t by(Clock clock) const { return clock == Clock::boot ? boot : wall; }
};

struct Clocks {
  std::int64_t (*wall)() = nullptr;
  std::int64_t (*boot)() = nullptr;

  [[nodiscard]] std::int64_t by(Clock clock) const { return clock == Clock::boot ? boot() : wall(); }
  [[nodiscard]] Moment moment() const { return {wall(), boot()}; }
};

}  // namespace swage::shm
