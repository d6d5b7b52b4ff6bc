// Clocks: what a broker's parts read the time from.
#pragma once

#include <cstdint>

namespace swage::plugins::broker {

struct Clocks {
  using Read = std::int64_t (*)();  // milliseconds
  Read wall;                        // since 1970
  Read steady;
  [[nodiscard]] static Clocks system();
};

}  // namespace swage::plugins::broker
