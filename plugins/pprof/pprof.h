// pprof: accepted for Corefiles written for CoreDNS; says what to use instead. In the service process.
#pragma once

#include "core/plugin/plugin.h"

namespace swage::plugins::pprof {

// pprof [ADDRESS] { block [RATE] }
[[nodiscard]] Result<> setup(Controller& controller);

}  // namespace swage::plugins::pprof
