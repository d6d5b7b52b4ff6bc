// Splits the text of one file into tokens, as caddyfile does: words between white space, quoted words, comments,
// braces.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "core/config/token.h"
#include "core/result.h"

namespace swage::config {

// The tokens of `text`. A '"' at the start of a token quotes up to the next '"', over lines too; \" in it is a '"', and
// no other '\' means anything. A '#' outside of quotes, also one right after a word, makes the rest of the line a
// comment. White space is Unicode's, a byte order mark in front and carriage returns outside of quotes are skipped.
// Braces stand alone and must match within the file. Nothing is substituted yet.
//
// As caddyfile v1 (CoreDNS's), but for: a comment goes to the end of its line (caddyfile's ends at the first blank if
// it begins right after a word); quotes must be closed; braces must match; a quoted brace is a word; NUL is refused.
[[nodiscard]] Result<std::vector<Token>> lex(std::string_view text, const std::string& file);

}  // namespace swage::config
