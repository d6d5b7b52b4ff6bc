// Which files the service process may use once it is confined (core/server/sandbox.h): what the Corefile names, and
// what lies beside it. In the service process, before it hears a stranger.
#pragma once

#include <string>

#include "core/config/parser.h"
#include "core/config/sources.h"
#include "core/server/configuration.h"
#include "core/server/sandbox.h"

namespace swage::server {

// To write and to read: the folder of each file that a directive names, in whatever way ("list=/srv/list", too), where
// links lead from there, each folder that one names, `root`, and the working directory. A path that is not there yet:
// the nearest folder above it that is. "/" is never among them, unless the process works there and may write there; and
// of /etc, /usr and the like only the file itself, also of /tmp and /var, unless it is still to be made there.
// To read alone: these, and where the Corefile was read from.
// REQUIRES: `configuration` is of this Corefile.
[[nodiscard]] OwnFiles own_files(const Configuration& configuration, config::Sources& sources, const std::string& path,
                                 config::Translations translations);

}  // namespace swage::server
