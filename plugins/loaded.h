// Finds plugins that are libraries of their own: those in PREFIX/lib/swage/plugins, where the program is
// PREFIX/bin/swage, and those that a Corefile names. Reads plugin.yaml and copies the library; runs nothing of it
// (core/plugin/library.h does). In the supervisor, and for -check and -plugins.
#pragma once

#include <span>
#include <vector>

#include "core/plugin/library.h"

namespace swage::plugins {

// A FindLibraries. A path of the Corefile is that of a folder with plugin.yaml and DIRECTIVE.so, as each folder of
// lib/swage/plugins is, or of a library, with or without a plugin.yaml beside it; a relative one is beside the file
// that says so. What others than root and the user that swage runs as own or may write is refused: they would run as
// the server.
[[nodiscard]] Result<std::vector<PluginLibrary>> find_libraries(std::span<const config::Token> named);

}  // namespace swage::plugins
