#include "plugins/plugins.h"

#include <algorithm>
#include <array>
#include <string>

#define PLUGIN(folder, ...)               \
  namespace swage::plugins::folder {      \
  Result<> setup(Controller& controller); \
  }
#include "plugins/plugins.def"
#undef PLUGIN

namespace swage::plugins {
namespace {

// The directive's name: the folder's, with '-' for '_' and without one at its end. The texts live as long as the
// process.
std::string_view directive(const char* folder) {
  auto* const name = new std::string(folder);
  if (name->ends_with('_')) name->pop_back();
  std::replace(name->begin(), name->end(), '_', '-');
  return *name;
}

}  // namespace

std::span<const PluginType> all() {
  constexpr bool shapes_block = true;
  static const auto list = std::to_array<PluginType>({
#define PLUGIN(folder, ...) {directive(#folder), &folder::setup __VA_OPT__(, __VA_ARGS__)},
#include "plugins/plugins.def"
#undef PLUGIN
  });
  return list;
}

}  // namespace swage::plugins
