#include "core/config/corefile_text.h"

#include <algorithm>

namespace swage::config {
namespace {

bool needs_quotes(const Token& token) {
  const std::string& text = token.text;
  const auto may_be_space = [](char c) { return static_cast<unsigned char>(c) <= ' ' || (c & 0x80) != 0; };
  if (text.empty() || text.front() == '"' || text.find('#') != std::string::npos) return true;
  if (text == "import") return true;  // no line may begin with it
  if (token.literal && (text.ends_with('{') || text.ends_with('}'))) return true;
  return std::ranges::any_of(text, may_be_space);
}

std::string word(const Token& token) {
  if (!needs_quotes(token)) return token.text;
  std::string text = "\"";
  for (const char c : token.text) {
    if (c == '"') text += '\\';
    text += c;
  }
  return text + '"';
}

// "example.org,example.net" is kept as it stands.
std::string keys(const ServerBlock& block) {
  std::string text;
  for (const Key& key : block.keys) {
    if (!key.same_word) text += word(key.token) + " ";
  }
  return text;
}

std::string lines(const Directive& directive) {
  std::string text;
  std::size_t depth = 1;
  for (const Token& token : directive.tokens) {
    if (token.is_close()) --depth;
    const bool starts_line = token.starts_line || text.empty();
    if (starts_line) text += (text.empty() ? "" : "\n") + std::string(4 * depth, ' ');
    text += (starts_line ? "" : " ") + word(token);
    if (token.is_open()) ++depth;
  }
  return text + "\n";
}

}  // namespace

std::string to_text(std::span<const ServerBlock> blocks) {
  std::string text;
  for (const ServerBlock& block : blocks) {
    text += (text.empty() ? "" : "\n") + keys(block) + "{\n";
    for (const Directive& directive : block.directives) text += lines(directive);
    text += "}\n";
  }
  return text;
}

}  // namespace swage::config
