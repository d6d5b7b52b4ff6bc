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

  [[nodiscard]] bool is_open() const { return !literal && text == "{"; }
  [[nodiscard]] bool is_close() const { return !literal && text == "}"; }
  // "FILE:LINE: WHAT"
  [[nodiscard]] Error error(std::string_view what) const { return Error::at(file, line, what); }

  bool operator==(const Token&) const = default;
};

}  // namespace swage::config
