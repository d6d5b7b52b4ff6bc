// All plugins of this build, in chain order: what plugins.def lists, and those of other repositories that were built in
// (cmake/outside_plugins.cmake).
#pragma once

#include <span>
#include <string_view>

#include "core/plugin/plugin.h"

namespace swage::plugins {

[[nodiscard]] std::span<const PluginType> all();

// The folder that a plugin of another repository was built from; empty for those of plugins/.
[[nodiscard]] std::string_view origin(std::string_view directive);

}  // namespace swage::plugins
