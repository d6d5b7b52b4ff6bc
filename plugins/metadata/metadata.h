// metadata: lets others, log formats say, see what the plugins of a server block know of a query; see
// core/plugin/metadata.h. At setup only.
#pragma once

#include "core/plugin/plugin.h"

namespace swage::plugins::metadata {

// metadata [ZONES...]
[[nodiscard]] Result<> setup(Controller& controller);

}  // namespace swage::plugins::metadata
