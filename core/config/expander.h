// Makes one sequence of tokens of a Corefile and all that it imports: snippets, files and patterns, with values put in
// the place of placeholders. Between the lexer, which knows one file, and the parser, which sees no import any more.
#pragma once

#include <string>
#include <vector>

#include "core/config/errors.h"
#include "core/config/sources.h"
#include "core/config/token.h"

namespace swage::config {

// What a Corefile may grow to. Far beyond any real one, and small enough for a mistake to end at once.
inline constexpr std::size_t kMaxTokens = 100'000;
inline constexpr std::size_t kMaxTokenBytes = 4U << 20;  // of all tokens together
inline constexpr std::size_t kMaxImports = 10'000;
inline constexpr unsigned kMaxImportDepth = 32;

// The tokens of the Corefile at `path`. An import stands first on its line or after a '{':
//
//   import NAME [ARGUMENT…]   a snippet, "(NAME) { … }" defined above it; else
//   import PATH [ARGUMENT…]   a file, or all files that match, relative to the file in which the import stands
//
// Braces of the result match. Errors have file and line, and the chain of imports if there are too many. In the place
// of an import that failed, or of a word whose value is missing, is a broken token. Of a Corefile that cannot be read,
// has braces that do not match or grows beyond the limits nothing comes out.
[[nodiscard]] std::vector<Token> expand(Sources& sources, const std::string& path, Errors& errors);

}  // namespace swage::config
