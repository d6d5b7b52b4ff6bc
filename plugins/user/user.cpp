#include "plugins/user/user.h"

namespace swage::plugins::user {

Result<> setup(Controller& controller) {
  controller.once();
  TRY(const std::string_view name, controller.expect_arg("a user"));
  if (name.empty()) return controller.fail("the user's name is empty");
  std::optional<config::Token>& user = controller.block().server->user;
  if (user) return controller.fail("it is already set at {}:{}", user->file, user->line);
  user = controller.token();
  return {};
}

}  // namespace swage::plugins::user
