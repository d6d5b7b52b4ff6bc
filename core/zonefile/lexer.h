// Zone files as entries of tokens (RFC 1035 section 5.1): parentheses, comments and quotes are resolved here; escapes
// are left to the parsers of the fields. Internal to core/zonefile; in the service process.
#pragma once

#include <string_view>
#include <vector>

#include "core/result.h"

namespace swage::zonefile {

struct Token {
  std::string_view text;  // as written, escapes included; without its quotes where it is quoted as a whole
  unsigned line = 0;
  bool quoted = false;
  bool is_pair = false;  // key="value", the quotes in it
};

// What is wrong, and in which line; the reader adds the name of the file.
struct Fault {
  unsigned line;
  std::string text;
};
template <typename T = void>
using OrFault = std::expected<T, Fault>;

template <typename... Values>
[[nodiscard]] std::unexpected<Fault> fault(unsigned line, FormatText<std::type_identity_t<Values>...> format,
                                           const Values&... values) {
  return std::unexpected(Fault{line, format_values(format.text(), {FormatValue(values)...})});
}

// One line, or several held together by parentheses. Never without tokens.
struct Entry {
  std::vector<Token> tokens;
  bool indented = false;  // starts with white space: the owner is left out
};

class Lexer {
 public:
  // `text` must outlive the lexer and all tokens.
  explicit Lexer(std::string_view text) : at_(text.data()), end_(text.data() + text.size()) {}

  // Reads the next entry that is not empty; false at the end of the text. The entry's memory is used again.
  [[nodiscard]] OrFault<bool> next(Entry& entry);

  // The line where the last quoted string that goes over the end of its line began; 0: there was none so far.
  [[nodiscard]] unsigned long_string() const { return long_string_; }

 private:
  [[nodiscard]] OrFault<> read_entry(Entry& entry);
  [[nodiscard]] OrFault<> read_word(Entry& entry);
  [[nodiscard]] OrFault<> read_quoted(Entry& entry);
  [[nodiscard]] OrFault<> skip_quoted();
  void skip_comment();

  const char* at_;
  const char* end_;
  unsigned line_ = 1;
  unsigned long_string_ = 0;
};

}  // namespace swage::zonefile
