// Record types as a short list: those that have a number up to 65 or from 249 to 257, and "other" for all the rest. For
// tables with an entry for each type that clients ask for, and a bound.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>
#include <vector>

#include "core/dns/types.h"

namespace swage::dns {

// The place of `type` in the list; 0: other.
[[nodiscard]] constexpr std::size_t type_index(Type type) {
  const auto number = static_cast<std::size_t>(type);
  if (number <= 65) return number;
  return number >= 249 && number <= 257 ? number - 249 + 66 : 0;
}

// The names of all, each with `prefix` before it.
[[nodiscard]] inline std::vector<std::string> type_index_names(std::string_view prefix) {
  std::vector<std::string> names = {std::string(prefix) + "other"};
  for (std::uint16_t number = 1; number <= 257; ++number) {
    const Type type{number};
    if (type_index(type) != 0) names.push_back(std::string(prefix) + to_string(type));
  }
  return names;
}

}  // namespace swage::dns
