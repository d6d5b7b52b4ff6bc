#include "plugins/root/root.h"

namespace swage::plugins::root {

Result<> setup(Controller& controller) {
  controller.once();
  TRY(const std::string_view folder, controller.expect_arg("a folder"));
  if (folder.empty()) return controller.fail("the folder's path is empty");
  controller.block().root = folder;
  return {};
}

}  // namespace swage::plugins::root
