// From the text of an expression to its nodes. See expression.h.
#pragma once

#include "plugins/view/expression.h"

namespace swage::plugins::view {

// Operands stand before their operators; the last node is the whole, a boolean.
[[nodiscard]] Result<std::vector<Node>> parse_expression(std::string_view text);

}  // namespace swage::plugins::view
