// Hands out the tokens of a directive to its plugin's setup(), as caddyfile's Dispenser does. It starts before the
// first token. With all occurrences of a directive in one Dispenser, a setup() is:
//
//     while (dispenser.next()) {                                      // val() is the directive's name
//       TRY(const std::string_view path, dispenser.expect_arg("a path"));   // on the same line
//       TRY(dispenser.read_block({                                    // a line each, where there is a block
//           {"ttl", [&] { return assign(ttl, dispenser.expect_ttl()); }},
//           {"limit", [&] { return assign(limit, dispenser.expect_number(1, 100)); }},
//       }));
//     }
//
// What setup() does not read is an error by itself: a word too many on a line, a block where none is expected. Errors
// say "FILE:LINE: DIRECTIVE: TEXT", within a line of a block "FILE:LINE: DIRECTIVE: PROPERTY: TEXT".
#pragma once

#include <chrono>
#include <concepts>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <initializer_list>
#include <limits>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "core/config/token.h"
#include "core/net.h"
#include "core/result.h"

namespace swage {

// Gives `to` the value, or hands on the Error.
template <typename T, typename U>
[[nodiscard]] Result<> assign(T& to, Result<U> value) {
  if (!value) return std::unexpected(std::move(value).error());
  to = *std::move(value);
  return {};
}

namespace config {

class Dispenser {
 public:
  // REQUIRES: the first of `tokens` is the directive's name. See Directive::tokens.
  explicit Dispenser(std::vector<Token> tokens) : tokens_(std::move(tokens)) { CHECK(!tokens_.empty()); }
  virtual ~Dispenser() = default;

  // Moves to the directive's name where it stands next; false where it does not.
  bool next();
  // The same for a directive that stands once in a server block: more of them are an error.
  void once();

  [[nodiscard]] const std::string& val() const { return token().text; }
  [[nodiscard]] const std::string& file() const { return token().file; }
  [[nodiscard]] unsigned line() const { return token().line; }
  [[nodiscard]] const std::string& directive() const { return tokens_.front().text; }
  // The current token; the first one before next() was called.
  [[nodiscard]] const Token& token() const { return tokens_[current_ == 0 ? 0 : current_ - 1]; }
  // The directive's name, where the current token is of it.
  [[nodiscard]] const Token& occurrence() const { return tokens_[occurrence_]; }

  // Another argument on this line, up to a brace: whether there is one; moves to it, if there is one.
  [[nodiscard]] bool has_arg() const;
  bool next_arg();
  // The arguments that are left on this line; moves to the last.
  [[nodiscard]] std::vector<std::string> remaining_args();

  // Each of these moves to the next argument on this line and gives its value. An Error says what was expected. Bounds
  // are inclusive. Views live as long as this.
  [[nodiscard]] Result<std::string_view> expect_arg(std::string_view what);  // "a path"
  // "500ms", "30s", "1h30m"; rounded up.
  [[nodiscard]] Result<std::chrono::milliseconds> expect_duration(
      std::chrono::milliseconds least = {}, std::chrono::milliseconds most = std::chrono::milliseconds::max());
  // "3600", or a duration of whole seconds, "1h".
  [[nodiscard]] Result<std::uint32_t> expect_seconds(std::uint32_t least, std::uint32_t most);
  [[nodiscard]] Result<std::uint32_t> expect_ttl() { return expect_seconds(0, 0x7FFF'FFFF); }  // RFC 2181 section 8
  template <std::integral T>
  [[nodiscard]] Result<T> expect_number(T least, T most) {
    TRY(const std::int64_t number, expect_integer(static_cast<std::int64_t>(least), static_cast<std::int64_t>(most)));
    return static_cast<T>(number);
  }
  [[nodiscard]] Result<bool> expect_switch();    // "on" or "off"
  [[nodiscard]] Result<Prefix> expect_prefix();  // "192.0.2.0/24", "2001:db8::1"
  [[nodiscard]] Result<IpAddress> expect_address();
  // "192.0.2.1", "2001:db8::1": with `port`; or with a port of their own: "192.0.2.1:5300", "[2001:db8::1]:5300".
  [[nodiscard]] Result<Endpoint> expect_endpoint(std::uint16_t port);
  // Bytes: "4096", "64K" or "64KiB", "1M" or "1MiB", "2G" or "2GiB".
  [[nodiscard]] Result<std::uint64_t> expect_size(std::uint64_t least, std::uint64_t most);
  [[nodiscard]] Result<std::string_view> one_of(std::initializer_list<std::string_view> words);

  // Takes whatever the line says, for properties of CoreDNS that mean nothing here.
  [[nodiscard]] Result<> ignore();

  // What the lines of a block that begin with `name` say. read() begins with that word as the current token.
  struct Property {
    std::string_view name;
    std::function<Result<>()> read;
  };
  // Reads the block that begins at the end of this line, if there is one. A line that is wrong keeps none of the others
  // from being read, and all that is wrong is told; the Error is the first.
  [[nodiscard]] Result<> read_block(std::initializer_list<Property> properties);
  // The same with one function for all lines, which may call read_property().
  [[nodiscard]] Result<> read_lines(const std::function<Result<>()>& read);
  [[nodiscard]] Result<> read_property(std::initializer_list<Property> properties);
  // The same as a loop: moves to the first word of the next line; after the last one false, with val() at '}'. `level`:
  // what nesting() was before the loop.
  bool next_block(unsigned level = 0);
  [[nodiscard]] unsigned nesting() const { return depth_; }  // how many blocks are open

  // Fails with "FILE:LINE: DIRECTIVE: TEXT", for the current token; after a block, for the directive's name:
  // return controller.fail("no zones: {}", 0);
  template <typename... Values>
  [[nodiscard]] std::unexpected<Error> fail(FormatText<std::type_identity_t<Values>...> format,
                                            const Values&... values) const {
    return std::unexpected(error_here(format_values(format.text(), {FormatValue(values)...})));
  }
  // The same for another token.
  template <typename... Values>
  [[nodiscard]] std::unexpected<Error> fail_at(const Token& at, FormatText<std::type_identity_t<Values>...> format,
                                               const Values&... values) const {
    return std::unexpected(error_at(at, format_values(format.text(), {FormatValue(values)...})));
  }
  [[nodiscard]] Error error_at(const Token& at, std::string_view text) const;

  // For those that call setup(). An Error of it as fail() has it, unless it says its place itself.
  [[nodiscard]] Error placed(const Error& error) const;
  // What is left unread becomes an error.
  void finish();
  // What was wrong, beside what setup() returns.
  [[nodiscard]] const std::vector<Error>& errors() const { return errors_; }

 private:
  static constexpr std::size_t kNone = std::numeric_limits<std::size_t>::max();

  [[nodiscard]] bool at_end() const { return current_ == tokens_.size(); }
  [[nodiscard]] const Token& following() const { return tokens_[current_]; }  // REQUIRES: not at_end()
  void advance();                                                             // REQUIRES: not at_end()
  void skip_words();
  void skip_line(unsigned depth, bool tell);
  void tell_unread();
  [[nodiscard]] std::string context() const;
  [[nodiscard]] Error error_here(std::string_view text) const;
  [[nodiscard]] Result<std::int64_t> expect_integer(std::int64_t least, std::int64_t most);

  std::vector<Token> tokens_;
  std::vector<Error> errors_;
  std::size_t occurrence_ = 0;    // an index
  std::size_t property_ = kNone;  // the index of the first word of this line, where that is of a block
  unsigned depth_ = 0;            // of braces around what comes next
  std::size_t current_ = 0;       // 1 + the index of the current token; 0 before the first
};

}  // namespace config
}  // namespace swage
