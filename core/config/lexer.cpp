#include "core/config/lexer.h"

#include <algorithm>
#include <array>
#include <cstddef>

#include <fmt/format.h>

namespace swage::config {
namespace {

// White space outside ASCII, in UTF-8. A blank pasted from a web page or a word processor is often one of these.
constexpr std::array<std::string_view, 19> kWideSpaces = {
    "\xC2\x85",     "\xC2\xA0",     "\xE1\x9A\x80", "\xE2\x80\x80", "\xE2\x80\x81", "\xE2\x80\x82", "\xE2\x80\x83",
    "\xE2\x80\x84", "\xE2\x80\x85", "\xE2\x80\x86", "\xE2\x80\x87", "\xE2\x80\x88", "\xE2\x80\x89", "\xE2\x80\x8A",
    "\xE2\x80\xA8", "\xE2\x80\xA9", "\xE2\x80\xAF", "\xE2\x81\x9F", "\xE3\x80\x80"};
constexpr std::string_view kByteOrderMark = "\xEF\xBB\xBF";

// How many bytes of white space `text` starts with, of one character; 0 if it starts with another.
std::size_t space_size(std::string_view text) {
  const char first = text.front();
  if (first == ' ' || (first >= '\t' && first <= '\r')) return 1;
  if (static_cast<unsigned char>(first) < 0x80) return 0;
  const auto* const space = std::find_if(kWideSpaces.begin(), kWideSpaces.end(),
                                         [text](std::string_view wide) { return text.starts_with(wide); });
  return space == kWideSpaces.end() ? 0 : space->size();
}

class Lexer {
 public:
  Lexer(std::string_view text, const std::string& file) : rest_(text), file_(file) {}

  Result<std::vector<Token>> run() {
    if (rest_.starts_with(kByteOrderMark)) rest_.remove_prefix(kByteOrderMark.size());
    std::vector<Token> tokens;
    for (skip_space(); !rest_.empty(); skip_space()) {
      Token& token = tokens.emplace_back();
      token.file = file_;
      token.line = line_;
      token.starts_line = starts_line_;
      token.literal = rest_.front() == '"';
      starts_line_ = false;
      if (token.literal) {
        TRY(token.text, quoted());
      } else {
        token.text = word();
        TRY(match_braces(token));
      }
    }
    if (open_.empty()) return tokens;
    return std::unexpected(Error::at(file_, open_.back(), "'{' is never closed" + hint()));
  }

 private:
  void skip_space() {
    while (!rest_.empty()) {
      if (rest_.front() == '#') {
        rest_.remove_prefix(std::min(rest_.find('\n'), rest_.size()));
        continue;
      }
      const std::size_t size = space_size(rest_);
      if (size == 0) return;
      if (rest_.front() == '\n') {
        ++line_;
        starts_line_ = true;
      }
      rest_.remove_prefix(size);
    }
  }

  // Up to white space or a comment. caddyfile leaves out a carriage return wherever it stands.
  std::string word() {
    std::size_t end = 1;
    const auto is_part = [this](std::string_view at) {
      return at.front() == '\r' || (at.front() != '#' && space_size(at) == 0);
    };
    while (end < rest_.size() && is_part(rest_.substr(end))) ++end;
    std::string text(rest_.substr(0, end));
    std::erase(text, '\r');
    rest_.remove_prefix(end);
    return text;
  }

  Result<std::string> quoted() {
    const unsigned opened = line_;
    std::string text;
    for (std::size_t at = 1; at < rest_.size(); ++at) {
      if (rest_[at] == '"') {
        rest_.remove_prefix(at + 1);
        return text;
      }
      if (rest_[at] == '\\' && at + 1 < rest_.size()) {
        ++at;
        if (rest_[at] != '"') text += '\\';
      }
      if (rest_[at] == '\n') ++line_;
      text += rest_[at];
    }
    return std::unexpected(Error::at(file_, opened, "'\"' is never closed"));
  }

  Result<> match_braces(const Token& token) {
    if (token.text.find('\0') != std::string::npos) {
      return std::unexpected(token.error("a NUL byte; expected a text file"));
    }
    if (token.is_open()) {
      open_.push_back(token.line);
    } else if (token.is_close()) {
      if (open_.empty()) return std::unexpected(token.error("'}' closes nothing" + hint()));
      open_.pop_back();
    } else if ((token.text.ends_with('{') && !token.text.ends_with("{{")) ||
               (token.text.ends_with('}') && !token.text.ends_with("}}") &&
                token.text.find('{') == std::string::npos)) {
      glued_ = token;
    }
    return {};
  }

  // Why braces may not match: "example.org{" and "log}" are words.
  [[nodiscard]] std::string hint() const {
    if (glued_.text.empty()) return "";
    return fmt::format("; '{}' in line {} is one word: a brace stands alone", glued_.text, glued_.line);
  }

  std::string_view rest_;
  const std::string& file_;
  unsigned line_ = 1;
  bool starts_line_ = true;
  std::vector<unsigned> open_;  // the lines of the braces that are open
  Token glued_;                 // the last word with a brace at its end
};

}  // namespace

Result<std::vector<Token>> lex(std::string_view text, const std::string& file) { return Lexer(text, file).run(); }

}  // namespace swage::config
