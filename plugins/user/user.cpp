#include "plugins/user/user.h"

namespace swage::plugins::user {

Result<> setup(Controller& controller) {
  controller.next();
  TRY(const std::string_view name, controller.expect_arg("a user"));
  if (name.empty()) return std::unexpected(controller.error("directive 'user': the user's name is empty"));
  const config::Token user = controller.token();
  TRY(controller.expect_end());
  if (controller.next_block()) return std::unexpected(controller.error("directive 'user' has no block"));
  if (controller.next()) return std::unexpected(controller.error("directive 'user' twice in a server block"));
  std::optional<config::Token>& said = controller.block().server->user;
  if (said) {
    return std::unexpected(user.error(fmt::format("directive 'user': {}:{} says it already", said->file, said->line)));
  }
  said = user;
  return {};
}

}  // namespace swage::plugins::user
