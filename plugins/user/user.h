// user: whom the service process becomes where the server was started by root. Acts at setup only.
#pragma once

#include "core/plugin/plugin.h"

namespace swage::plugins::user {

Result<> setup(Controller& controller);

}  // namespace swage::plugins::user
