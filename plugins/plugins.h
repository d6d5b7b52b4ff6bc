// All plugins of this build, in chain order: what plugins.def lists.
#pragma once

#include <span>

#include "core/plugin/plugin.h"

namespace swage::plugins {

[[nodiscard]] std::span<const PluginType> all();

}  // namespace swage::plugins
