#include "plugins/view/view.h"

#include <fmt/ranges.h>

#include <algorithm>

namespace swage::plugins::view {

bool View::accepts(const Query& query) const {
  return std::ranges::all_of(expressions_, [&](const Expression& expression) { return expression.holds(query); });
}

// view NAME { expr EXPRESSION }
Result<> setup(Controller& controller) {
  controller.next();
  TRY(const std::string_view written, controller.expect_arg("a name"));
  const std::string name(written);
  TRY(controller.expect_end());
  std::vector<Expression> expressions;
  while (controller.next_block()) {
    if (controller.val() != "expr") return std::unexpected(controller.unknown_property({"expr"}));
    const config::Token line = controller.token();
    const std::string text = fmt::format("{}", fmt::join(controller.remaining_args(), " "));
    Result<Expression> expression = Expression::compile(text, controller.metadata());
    if (!expression) return std::unexpected(line.error(fmt::format("view: {}", expression.error().text())));
    for (std::string& label : expression->labels()) controller.metadata().expect(std::move(label), line);
    expressions.push_back(*std::move(expression));
  }
  if (controller.next()) return std::unexpected(controller.error("directive 'view' twice in a server block"));
  controller.block().view = name;
  controller.metadata().add("view/name", [name](const Query&, std::string& text) { text += name; });
  controller.add(std::unique_ptr<const Filter>(std::make_unique<View>(std::move(expressions))));
  return {};
}

}  // namespace swage::plugins::view
