// cancel: accepted, checked, and without effect: no query waits here.
#pragma once

#include "core/plugin/plugin.h"

namespace swage::plugins::cancel {

[[nodiscard]] Result<> setup(Controller& controller);

}  // namespace swage::plugins::cancel
