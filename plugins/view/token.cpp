#include "plugins/view/token.h"

#include <algorithm>
#include <charconv>
#include <optional>

#include <fmt/format.h>

#include "core/text.h"

namespace swage::plugins::view {
namespace {

bool is_of_word(char c) { return is_letter(c) || c == '_'; }

class Tokenizer {
 public:
  explicit Tokenizer(std::string_view text) : text_(text) {}

  Result<std::vector<Token>> run() {
    std::vector<Token> tokens;
    while (true) {
      while (at_ < text_.size() && std::string_view(" \t\r\n").find(text_[at_]) != std::string_view::npos) ++at_;
      if (at_ == text_.size()) break;
      TRY(Token token, next());
      tokens.push_back(std::move(token));
    }
    tokens.push_back({Token::Type::end, at_, "the end"});
    return tokens;
  }

 private:
  [[nodiscard]] char peek(std::size_t ahead = 0) const {
    return at_ + ahead < text_.size() ? text_[at_ + ahead] : '\0';
  }

  template <typename Predicate>
  std::string_view take_while(Predicate predicate) {
    const auto rest = text_.substr(at_);
    const auto end = std::ranges::find_if_not(rest, predicate);
    at_ += static_cast<std::size_t>(end - rest.begin());
    return {rest.begin(), end};
  }

  Result<Token> next() {
    const std::size_t start = at_;
    const char first = peek();
    if (is_of_word(first)) {
      return Token{Token::Type::word, start,
                   std::string(take_while([](char c) { return is_of_word(c) || is_digit(c); }))};
    }
    if (is_digit(first) || (first == '.' && is_digit(peek(1)))) return number();
    if (first == '\'' || first == '"' || first == '`') return quoted(first);
    for (const std::string_view symbol : {"&&", "||", "==", "!=", "<=", ">=", "!", "<", ">", "+", "-",
                                          "*",  "/",  "%",  "(",  ")",  "[",  "]", ",", "?", ":"}) {
      if (!text_.substr(at_).starts_with(symbol)) continue;
      at_ += symbol.size();
      return Token{Token::Type::symbol, start, std::string(symbol)};
    }
    return fail_at(start, fmt::format("'{}' means nothing here", first));
  }

  Result<Token> number() {
    Token token{Token::Type::integer, at_, {}};
    std::string digits;
    // A sign belongs to it after an e alone.
    const bool hex = peek() == '0' && (peek(1) == 'x' || peek(1) == 'X');
    while (is_digit(peek()) || is_of_word(peek()) || peek() == '.' ||
           (!hex && (peek() == '-' || peek() == '+') && (digits.ends_with('e') || digits.ends_with('E')))) {
      if (peek() != '_') digits += peek();
      ++at_;
    }
    token.text = digits;
    const std::string_view value = hex ? std::string_view(digits).substr(2) : digits;
    const char* const end = value.data() + value.size();
    const auto whole = std::from_chars(value.data(), end, token.integer, hex ? 16 : 10);
    if (whole.ec == std::errc() && whole.ptr == end) return token;
    token.type = Token::Type::real;
    const auto real = std::from_chars(value.data(), end, token.real);
    const bool is_real = digits.find_first_of(".eE") != std::string::npos && !hex;
    if (is_real && real.ec == std::errc() && real.ptr == end) return token;
    return fail_at(token.at, fmt::format("'{}' is not a number", digits));
  }

  Result<Token> quoted(char quote) {
    Token token{Token::Type::text, at_, {}};
    for (++at_; at_ < text_.size(); ++at_) {
      const char c = text_[at_];
      if (c == quote) {
        ++at_;
        return token;
      }
      if (c != '\\' || quote == '`') {
        token.text += c;
        continue;
      }
      const std::optional<char> meant = escape();
      if (!meant) return fail_at(at_, "a backslash that does not begin an escape: write '\\\\' for one");
      token.text += *meant;
    }
    return fail_at(token.at, "a text without end");
  }

  // What a backslash and the bytes after it mean; moves to their last.
  std::optional<char> escape() {
    constexpr std::string_view kNames = "abfnrtv\\'\"`", kMeanings = "\a\b\f\n\r\t\v\\'\"`";
    const char c = peek(1);
    if (c == 'x' && at_ + 3 < text_.size()) {
      unsigned value = 0;
      const char* const digits = text_.data() + at_ + 2;
      const auto [end, error] = std::from_chars(digits, digits + 2, value, 16);
      if (error != std::errc() || end != digits + 2) return std::nullopt;
      at_ += 3;
      return static_cast<char>(value);
    }
    const std::size_t index = c == '\0' ? std::string_view::npos : kNames.find(c);
    if (index == std::string_view::npos) return std::nullopt;
    ++at_;
    return kMeanings[index];
  }

  std::string_view text_;
  std::size_t at_ = 0;
};

}  // namespace

Result<std::vector<Token>> tokenize(std::string_view text) { return Tokenizer(text).run(); }

std::unexpected<Error> fail_at(std::size_t at, std::string_view what) { return fail("at {}: {}", at + 1, what); }

}  // namespace swage::plugins::view
