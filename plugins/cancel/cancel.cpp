#include "plugins/cancel/cancel.h"

namespace swage::plugins::cancel {

// cancel [TIMEOUT]
Result<> setup(Controller& controller) {
  while (controller.next()) {
    if (!controller.has_arg()) continue;
    TRY(const auto timeout, controller.expect_duration());
    if (timeout.count() == 0) return controller.fail("the time-out must not be 0");
  }
  return {};
}

}  // namespace swage::plugins::cancel
