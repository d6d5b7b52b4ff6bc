// The tokens of an expression. See expression.h.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "core/result.h"

namespace swage::plugins::view {

struct Token {
  enum class Type : std::uint8_t {
    word,     // a name, or an operator that is one: "type", "in"
    symbol,   // "==", "("
    integer,  // 53, 0x35, 1_000
    real,     // 1.5, 1e3
    text,     // 'A', "A", `A`
    end,
  };
  Type type = Type::end;
  std::size_t at = 0;  // bytes before it
  std::string text;    // as written; of a text what it means
  std::int64_t integer = 0;
  double real = 0;
};

// The last one is an end. Errors say where: "at 7: …", counted in bytes from 1.
[[nodiscard]] Result<std::vector<Token>> tokenize(std::string_view text);

[[nodiscard]] std::unexpected<Error> fail_at(std::size_t at, std::string_view what);

}  // namespace swage::plugins::view
