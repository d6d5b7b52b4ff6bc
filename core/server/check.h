// swage -check: sets a Corefile up as the service process would, tries where stores are kept and, with -ports, the
// ports, and says what would be served. It makes and changes nothing.
#pragma once

#include <span>

#include "core/config/parser.h"
#include "core/config/sources.h"
#include "core/plugin/library.h"
#include "core/server/options.h"

namespace swage::server {

// Libraries are loaded: their constructors run. Prints to standard output, or the error to standard error. Returns the
// exit status.
[[nodiscard]] int check(const Options& options, config::Sources sources, std::span<const PluginType> built_in,
                        FindLibraries find, config::Translations translations);

}  // namespace swage::server
