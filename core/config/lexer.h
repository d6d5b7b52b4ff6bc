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
// no other '\' means anything. A '#' at the start of a token makes the rest of the line a comment. White space is
// Unicode's, a byte order mark in front is skipped. Braces stand alone and must match within the file. Nothing is
// substituted yet.
[[nodiscard]] Result<std::vector<Token>> lex(std::string_view text, const std::string& file);

}  // namespace swage::config
