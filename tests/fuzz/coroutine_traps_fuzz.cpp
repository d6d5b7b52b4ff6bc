// Sources of any kind, as swage-check-coroutines reads those of others: there is an end, and lines are those of the
// source.
#include <algorithm>
#include <cstdint>
#include <string_view>

#include "core/coroutines/traps.h"
#include "core/result.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view source(reinterpret_cast<const char*>(data), size);
  const auto lines = 1 + std::count(source.begin(), source.end(), '\n');
  for (const swage::coroutines::Trap& trap : swage::coroutines::traps(source)) {
    CHECK(trap.line >= 1 && trap.line <= lines);
  }
  return 0;
}
