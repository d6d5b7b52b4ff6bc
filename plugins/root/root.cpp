#include "plugins/root/root.h"

namespace swage::plugins::root {

Result<> setup(Controller& controller) {
  controller.next();
  TRY(const std::string_view folder, controller.expect_arg("a folder"));
  if (folder.empty()) return std::unexpected(controller.error("directive 'root': the folder's path is empty"));
  TRY(controller.expect_end());
  if (controller.next_block()) return std::unexpected(controller.error("directive 'root' has no block"));
  if (controller.next()) return std::unexpected(controller.error("directive 'root' twice in a server block"));
  controller.block().root = folder;
  return {};
}

}  // namespace swage::plugins::root
