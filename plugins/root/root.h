// root: the folder of a server block's files. Acts at setup only; the paths are made by Controller::path().
#pragma once

#include "core/plugin/plugin.h"

namespace swage::plugins::root {

Result<> setup(Controller& controller);

}  // namespace swage::plugins::root
