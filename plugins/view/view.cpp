#include "plugins/view/view.h"

#include <fmt/ranges.h>

#include <algorithm>

namespace swage::plugins::view {

bool View::accepts(const Query& query) const {
  return std::ranges::all_of(expressions_, [&](const Expression& expression) { return expression.holds(query); });
}

namespace {

Result<Expression> read_expression(Controller& controller) {
  const config::Token line = controller.token();
  const std::string text = fmt::format("{}", fmt::join(controller.remaining_args(), " "));
  auto expression = Expression::compile(text, controller.metadata());
  if (!expression) return controller.fail_at(line, "{}", expression.error().text());
  for (std::string& label : expression->labels())
    controller.metadata().expect(controller.directive(), std::move(label), line);
  return expression;
}

}  // namespace

// view NAME { expr EXPRESSION }
Result<> setup(Controller& controller) {
  controller.once();
  TRY(const std::string_view written, controller.expect_arg("a name"));
  const std::string name(written);
  std::vector<Expression> expressions;
  TRY(controller.read_block({{"expr", [&]() -> Result<> {
                                TRY(Expression expression, read_expression(controller));
                                expressions.push_back(std::move(expression));
                                return {};
                              }}}));
  controller.block().view = name;
  controller.metadata().add("view/name", [name](const Query&, std::string& text) { text += name; });
  controller.add(std::unique_ptr<const Filter>(std::make_unique<View>(std::move(expressions))));
  return {};
}

}  // namespace swage::plugins::view
