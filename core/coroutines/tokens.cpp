#include "core/coroutines/tokens.h"

#include <algorithm>
#include <utility>

namespace swage::coroutines {
namespace {

bool is_blank(char c) { return c == ' ' || (c >= '\t' && c <= '\r'); }

// Splits a source into tokens. Each #define becomes a part of its own, as do the lines outside of directives.
class Lexer {
 public:
  explicit Lexer(std::string_view source) : source_(source), parts_(1) {
    while (at_ < source_.size()) step();
  }
  [[nodiscard]] const std::vector<Tokens>& parts() const { return parts_; }

 private:
  [[nodiscard]] bool sees(std::string_view text) const { return source_.substr(at_).starts_with(text); }

  void step() {
    const char c = source_[at_];
    if (c == '\n') {
      in_directive_ = false;
      skip_to(at_ + 1);
    } else if (sees("\\\n")) {
      skip_to(at_ + 2);
    } else if (is_blank(c)) {
      skip_to(at_ + 1);
    } else if (sees("//")) {
      skip_to(source_.find('\n', at_));
    } else if (sees("/*")) {
      skip_past("*/", at_ + 2);
    } else if (c == '#') {
      directive();
    } else if (const std::size_t quote = raw_quote(); quote != 0) {
      const std::size_t open = source_.find('(', quote);
      literal();
      skip_past(")" + std::string(source_.substr(quote + 1, open - quote - 1)) + "\"", open);
    } else if (c == '"' || c == '\'') {
      quoted(c);
    } else if (is_letter_or_digit(c) || c == '_') {
      word();
    } else {
      const std::size_t length = sees("->") || sees("::") ? 2 : 1;
      add(std::string(source_.substr(at_, length)));
      skip_to(at_ + length);
    }
  }

  // Where the '"' of the raw string is that begins here; 0: none begins.
  [[nodiscard]] std::size_t raw_quote() const {
    for (const std::string_view prefix : {"R\"", "u8R\"", "uR\"", "UR\"", "LR\""}) {
      if (sees(prefix)) return at_ + prefix.size() - 1;
    }
    return 0;
  }

  void directive() {
    std::size_t name = source_.find_first_not_of(" \t", at_ + 1);
    if (source_.substr(std::min(name, source_.size())).starts_with("define")) {
      parts_.emplace_back();
      in_directive_ = true;
      return skip_to(name + 6);
    }
    skip_to(source_.find('\n', at_));
  }

  void quoted(char quote) {
    literal();
    std::size_t end = at_ + 1;
    while (end < source_.size() && source_[end] != quote) end += source_[end] == '\\' ? 2 : 1;
    skip_to(end + 1);
  }

  void word() {
    const auto in_word = [](char c) { return is_letter_or_digit(c) || c == '_' || c == '\''; };
    const bool number = is_digit(source_[at_]);
    std::size_t end = at_;
    while (end < source_.size() && in_word(source_[end]) && (number || source_[end] != '\'')) ++end;
    add(std::string(source_.substr(at_, end - at_)));
    skip_to(end);
  }

  void literal() { add("\""); }
  void add(std::string text) { (in_directive_ ? parts_.back() : parts_.front()).push_back({std::move(text), line_}); }

  void skip_past(std::string_view text, std::size_t from) {
    const std::size_t found = source_.find(text, from);
    skip_to(found == std::string_view::npos ? found : found + text.size());
  }
  void skip_to(std::size_t to) {
    to = std::min(to, source_.size());
    line_ += static_cast<int>(std::count(source_.begin() + static_cast<std::ptrdiff_t>(at_),
                                         source_.begin() + static_cast<std::ptrdiff_t>(to), '\n'));
    at_ = to;
  }

  std::string_view source_;
  std::size_t at_ = 0;
  int line_ = 1;
  bool in_directive_ = false;
  std::vector<Tokens> parts_;  // first what is outside of directives
};

}  // namespace

std::vector<Tokens> tokens_of(std::string_view source) { return Lexer(source).parts(); }

}  // namespace swage::coroutines
