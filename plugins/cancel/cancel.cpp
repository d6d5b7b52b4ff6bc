#include "plugins/cancel/cancel.h"

#include "core/config/values.h"

namespace swage::plugins::cancel {

// cancel [TIMEOUT]
Result<> setup(Controller& controller) {
  while (controller.next()) {
    if (controller.next_arg()) {
      const auto timeout = config::parse_duration(controller.val());
      if (!timeout) return std::unexpected(controller.error("cancel: {}", timeout.error().text()));
      if (timeout->count() == 0) return std::unexpected(controller.error("cancel: the time-out must not be 0"));
    }
    TRY(controller.expect_end());
    if (controller.next_block()) return std::unexpected(controller.error("directive 'cancel' has no block"));
  }
  return {};
}

}  // namespace swage::plugins::cancel
