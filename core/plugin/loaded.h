// The entry of a plugin that is a library of its own, loaded when the server starts. swage_add_plugin() of the CMake
// package writes SWAGE_PLUGIN() into a source of the library; a plugin's own code needs nothing of this. Beside
// core/plugin/plugin.h.
#pragma once

#include <cstdint>

#include "core/plugin/controller.h"

namespace swage {

// The version of the contract: what core/plugin/plugin.h includes, as it lies in memory and as it is called. A library
// that was built for another one is refused. It changes whenever that layout does (docs/plugins.md).
inline constexpr std::uint32_t kContract = 6;

// The only symbol that the server looks up, `swage_plugin`. The first member stays what it is in all versions.
struct LoadedPlugin {
  std::uint32_t contract;
  Result<> (*setup)(Controller&);
};

}  // namespace swage

// In a source of the library, outside of all namespaces: SWAGE_PLUGIN(greet) for swage::plugins::greet::setup().
#define SWAGE_PLUGIN(space)                                                                   \
  namespace swage::plugins::space {                                                           \
  Result<> setup(Controller& controller);                                                     \
  }                                                                                           \
  extern "C" {                                                                                \
  extern const swage::LoadedPlugin swage_plugin;                                              \
  const swage::LoadedPlugin swage_plugin = {swage::kContract, &swage::plugins::space::setup}; \
  }
