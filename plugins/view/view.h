// view: which queries a server block takes, by expressions. In every dns process.
#pragma once

#include <vector>

#include "core/plugin/plugin.h"
#include "plugins/view/expression.h"

namespace swage::plugins::view {

class View : public Filter {
 public:
  explicit View(std::vector<Expression> expressions) : expressions_(std::move(expressions)) {}
  // True where all expressions hold.
  [[nodiscard]] bool accepts(const Query& query) const override;

 private:
  std::vector<Expression> expressions_;
};

[[nodiscard]] Result<> setup(Controller& controller);

}  // namespace swage::plugins::view
