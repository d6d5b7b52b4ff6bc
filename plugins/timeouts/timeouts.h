// timeouts: how long TCP connections of clients may take. In every dns process.
#pragma once

#include "core/plugin/plugin.h"

namespace swage::plugins::timeouts {

[[nodiscard]] Result<> setup(Controller& controller);

}  // namespace swage::plugins::timeouts
