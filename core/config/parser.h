// The structure of a Corefile: server blocks, their keys and their directives, with imports and substitutions done.
// What the directives mean is their plugins' business: they read the tokens with a Dispenser.
#pragma once

#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "core/config/errors.h"
#include "core/config/server_key.h"
#include "core/config/sources.h"
#include "core/config/token.h"
#include "core/result.h"

namespace swage::config {

// All occurrences of one directive in a server block, in order: for each its name, its arguments and its block with the
// braces. As in CoreDNS they are set up at once: while (dispenser.next()) …
struct Directive {
  Token name;                 // of the first occurrence
  std::vector<Token> tokens;  // starts with `name`
  std::string known_as{};     // what the Corefile calls it, where that is another server's name for it; else empty
};

struct ServerBlock {
  std::vector<Key> keys;              // at least one
  std::vector<Directive> directives;  // in the order of their first occurrence; no two with the same name
  bool translated = false;            // some of them are written as another server's; see Translation
  bool incomplete = false;            // an error hides a key or directives of it
};

// Replaces directives of another server in `block` by what they mean in swage's own, with the tokens' files and lines,
// and sets ServerBlock::translated. What it looks up, it looks up in `sources`; warnings are left there. What is wrong
// with a directive goes to `errors`, and the block is incomplete without it.
using Translation = void (*)(ServerBlock& block, Sources& sources, Errors& errors);
using Translations = std::span<const Translation>;  // in the order in which they are asked

// Parses the Corefile at `path`. An empty file gives no blocks. Errors are "FILE:LINE: what is wrong, what was
// expected", and what can be read beside them is in the result; warnings are left in `sources`.
[[nodiscard]] std::vector<ServerBlock> parse(Sources& sources, const std::string& path, Errors& errors,
                                             Translations translations = {});
// As above, with all errors as one.
[[nodiscard]] Result<std::vector<ServerBlock>> parse(Sources& sources, const std::string& path,
                                                     Translations translations = {});

// The plugins that the Corefile at `path` loads: PATH of each line "plugin PATH" outside of its server blocks, in
// order. Every token knows the file that says so. What is wrong with such a line is told by parse(), which passes over
// it.
[[nodiscard]] std::vector<Token> plugin_paths(Sources& sources, const std::string& path);

// What is wrong with a directive that is not in `known`: "Corefile:7: unknown directive 'fiel'; did you mean 'file'?".
[[nodiscard]] Error unknown_directive(const Token& name, std::span<const std::string_view> known);

}  // namespace swage::config
