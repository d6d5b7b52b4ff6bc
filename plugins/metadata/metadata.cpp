#include "plugins/metadata/metadata.h"

namespace swage::plugins::metadata {

Result<> setup(Controller& controller) {
  controller.once();
  TRY(std::vector<dns::Name> zones, controller.remaining_zones());
  controller.metadata().enable(std::move(zones));
  return {};
}

}  // namespace swage::plugins::metadata
