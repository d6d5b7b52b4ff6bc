// Puts values in the place of {$NAME}, {%NAME%} and {args[0]} in a word. Of use to the expander only.
#pragma once

#include <cstddef>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "core/config/sources.h"
#include "core/config/token.h"
#include "core/result.h"

namespace swage::config {

// The arguments that an import passes on.
using Arguments = std::vector<Token>;

// {args[1:3]}: the arguments from the second up to, but not with, the fourth. {args[:]} and {args.*}: all.
struct ArgumentRange {
  std::size_t begin = 0;
  std::size_t end = 0;
};

// The range of arguments that `text` is as a whole, cut to what there is; nullopt if it is anything else.
[[nodiscard]] std::optional<ArgumentRange> argument_range(std::string_view text, const Arguments& arguments);

// `text` with the values of its placeholders, which are taken as they are and not searched for placeholders again:
//
//   {$NAME} {%NAME%}    an environment variable; empty if it is not set
//   {$NAME:default}     the default if it is not set or empty
//   {args[0]} {args.0}  an argument of the import around it; an Error if there are fewer
//   {args[:]}           several, with blanks between them
//
// Without an import (nullptr) and in any other form a brace is text. Fails, without file and line, above kMaxWord
// bytes.
inline constexpr std::size_t kMaxWord = 1U << 20;
struct Substituted {
  std::string text;
  std::string unset;  // the placeholders of variables that are not set and have no default: "{$A}, {$B}"
};
[[nodiscard]] Result<Substituted> substitute(std::string_view text, Sources& sources, const Arguments* arguments);

}  // namespace swage::config
