#include "plugins/debug/debug.h"

#include "core/log.h"

namespace swage::plugins::debug {

// The processes of the next configuration are new ones: nobody has to take it back.
Result<> setup(Controller& controller) {
  while (controller.next()) continue;  // no arguments
  log::show_debug(true);
  return {};
}

}  // namespace swage::plugins::debug
