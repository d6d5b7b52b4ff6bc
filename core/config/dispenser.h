// Hands out the tokens of a directive to its plugin's setup(), as caddyfile's Dispenser does. It starts before the
// first token. With all occurrences of a directive in one Dispenser, a setup() is:
//
//     while (dispenser.next()) {                                 // val() is the directive's name
//       TRY(const auto path, dispenser.expect_arg("a path"));    // on the same line
//       TRY(dispenser.expect_end());                             // nothing more on it, but perhaps a block
//       while (dispenser.next_block()) {                         // val() is the first word of a line of the block
//         if (dispenser.val() == "ttl") { … } else { return std::unexpected(dispenser.unknown_property({"ttl"})); }
//       }
//     }
//
// A block inside a block: const unsigned level = dispenser.nesting(); while (dispenser.next_block(level)) { … }
#pragma once

#include <cstddef>
#include <initializer_list>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "core/config/token.h"
#include "core/result.h"

namespace swage::config {

class Dispenser {
 public:
  // REQUIRES: the first of `tokens` is the directive's name. See Directive::tokens.
  explicit Dispenser(std::vector<Token> tokens) : tokens_(std::move(tokens)) { CHECK(!tokens_.empty()); }
  virtual ~Dispenser() = default;

  // Each of these moves to another token and returns true, or stays and returns false.
  bool next();       // the next token, whatever it is
  bool next_arg();   // … if it is on the same line and no brace
  bool next_line();  // … if it is on another line
  // The first word of the next line of a block. The first call opens the block if '{' ends the current line; after its
  // last line false, with val() at '}'. What is left over of a line is not skipped: it comes as if it were a line.
  // `level`: 0, or what nesting() was before the loop.
  bool next_block(unsigned level = 0);
  [[nodiscard]] unsigned nesting() const { return nesting_; }  // how many blocks next_block() has opened

  [[nodiscard]] const std::string& val() const { return token().text; }
  [[nodiscard]] const std::string& file() const { return token().file; }
  [[nodiscard]] unsigned line() const { return token().line; }
  [[nodiscard]] const std::string& directive() const { return tokens_.front().text; }
  // Where the occurrence of the directive begins that the current token is of: its name.
  [[nodiscard]] const Token& occurrence() const { return tokens_[occurrence_]; }
  // The current token; the first one before next() was called.
  [[nodiscard]] const Token& token() const { return tokens_[current_ == 0 ? 0 : current_ - 1]; }

  // The arguments that are left on this line, up to a brace; moves to the last.
  [[nodiscard]] std::vector<std::string> remaining_args();
  // Moves to the next argument on this line, `what` it should be ("a path"), or fails. The view lives as long as this.
  [[nodiscard]] Result<std::string_view> expect_arg(std::string_view what);
  // Fails if there is another argument on this line.
  [[nodiscard]] Result<> expect_end();

  // "FILE:LINE: TEXT", for the current token.
  template <typename... Args>
  [[nodiscard]] Error error(fmt::format_string<Args...> format, Args&&... args) const {
    return token().error(fmt::format(format, std::forward<Args>(args)...));
  }
  // "…: directive 'file': wrong argument count or unexpected line ending after 'db.example'"
  [[nodiscard]] Error arg_error() const;
  // "…: directive 'file': unexpected 'foo'"
  [[nodiscard]] Error unexpected_token() const;
  // "…: directive 'file': unknown property 'relaod'; did you mean 'reload'?", or what is known if nothing is near.
  [[nodiscard]] Error unknown_property(std::initializer_list<std::string_view> known) const;

 private:
  void advance();  // REQUIRES: there is another token

  std::vector<Token> tokens_;
  std::size_t occurrence_ = 0;  // an index
  unsigned depth_ = 0;          // of braces around what comes next
  std::size_t current_ = 0;     // 1 + the index of the current token; 0 before the first
  unsigned nesting_ = 0;
};

}  // namespace swage::config
