// A word of a Corefile and where it stands. A plain value; made by the lexer, changed only by substitution.
#pragma once

#include <string>
#include <string_view>

#include "core/result.h"

namespace swage::config {

struct Token {
  std::string text;          // without its quotes
  std::string file;          // as it was opened: "Corefile", "conf.d/example.org"
  unsigned line = 0;         // the first line of the token, counted from 1
  bool literal = false;      // quoted, or with a value put in ({$ENV}, {args[0]}): never a brace, never a keyword
  bool starts_line = false;  // nothing stands before it on its line; also true for the first token of an import
  bool broken = false;       // stands for what could not be had, an import or a value; the error is told already
  std::string unset{};       // the placeholders in it of variables that are not set: "{$NAME}"

  [[nodiscard]] bool is_open() const { return !literal && text == "{"; }
  [[nodiscard]] bool is_close() const { return !literal && text == "}"; }
  // "FILE:LINE: WHAT", which names the variables that are not set.
  [[nodiscard]] Error error(std::string_view what) const {
    if (unset.empty()) return Error::at(file, line, what);
    return Error::at(file, line, formatted("{} ({} is not set)", what, unset));
  }

  bool operator==(const Token&) const = default;
};

}  // namespace swage::config
