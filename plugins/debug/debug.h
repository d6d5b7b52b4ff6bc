// debug: has the log show lines of level debug. In all processes of the server.
#pragma once

#include "core/plugin/plugin.h"

namespace swage::plugins::debug {

[[nodiscard]] Result<> setup(Controller& controller);

}  // namespace swage::plugins::debug
