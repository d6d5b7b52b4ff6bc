// Server blocks as a Corefile again.
#pragma once

#include <span>
#include <string>

#include "core/config/parser.h"

namespace swage::config {

// What parse() reads as the same blocks: with what was imported and all values put in, without comments. Not for words
// that no Corefile can have: of a value put in, "{$NAME}", and blanks together with a '\' before a '"' or at the end.
[[nodiscard]] std::string to_text(std::span<const ServerBlock> blocks);

}  // namespace swage::config
