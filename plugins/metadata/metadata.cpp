#include "plugins/metadata/metadata.h"

namespace swage::plugins::metadata {

Result<> setup(Controller& controller) {
  controller.next();
  TRY(std::vector<dns::Name> zones, controller.remaining_zones());
  if (controller.next_block()) return std::unexpected(controller.error("directive 'metadata' has no block"));
  if (controller.next()) return std::unexpected(controller.error("directive 'metadata' twice in a server block"));
  controller.metadata().enable(std::move(zones));
  return {};
}

}  // namespace swage::plugins::metadata
