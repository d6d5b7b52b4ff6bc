// The words of C++ as far as core/coroutines/traps.cpp needs them. Internal to core/coroutines.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "core/text.h"

namespace swage::coroutines {

struct Token {
  std::string text;  // "\"" for any string or character literal
  int line;          // from 1

  [[nodiscard]] bool is_word() const { return is_letter_or_digit(text[0]) || text[0] == '_'; }
};

using Tokens = std::vector<Token>;

// The tokens of a source, in parts: first what stands outside of preprocessor directives, then each #define. Any bytes
// will do.
[[nodiscard]] std::vector<Tokens> tokens_of(std::string_view source);

}  // namespace swage::coroutines
