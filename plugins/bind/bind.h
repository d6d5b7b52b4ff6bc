// bind: the addresses on which a server block listens. Acts at setup only; it opens nothing itself.
#pragma once

#include "core/plugin/plugin.h"

namespace swage::plugins::bind {

Result<> setup(Controller& controller);

}  // namespace swage::plugins::bind
