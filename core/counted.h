// Numbers of things in messages: "1 line", "2 lines".
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "core/format.h"

namespace swage {

// The count, and what is counted: counted(count, "entry", "entries").
[[nodiscard]] inline std::string counted(std::uint64_t count, std::string_view one, std::string_view several) {
  return formatted("{} {}", count, count == 1 ? one : several);
}

// The same for a word whose plural ends in -s: counted(count, "line").
[[nodiscard]] inline std::string counted(std::uint64_t count, std::string_view one) {
  return formatted("{} {}{}", count, one, count == 1 ? "" : "s");
}

}  // namespace swage
