#include "core/zonefile/lexer.h"

#include <algorithm>
#include <array>

namespace swage::zonefile {
namespace {

enum class Kind : std::uint8_t { plain, blank, newline, carriage, comment, open, close, quote, escape };

constexpr std::array<Kind, 256> kKinds = [] {
  std::array<Kind, 256> kinds{};
  kinds[' '] = kinds['\t'] = kinds['\f'] = Kind::blank;
  kinds['\r'] = Kind::carriage;
  kinds['\n'] = Kind::newline;
  kinds[';'] = Kind::comment;
  kinds['('] = Kind::open;
  kinds[')'] = Kind::close;
  kinds['"'] = Kind::quote;
  kinds['\\'] = Kind::escape;
  return kinds;
}();

Kind kind(char c) { return kKinds[static_cast<unsigned char>(c)]; }

}  // namespace

OrFault<bool> Lexer::next(Entry& entry) {
  entry.tokens.clear();
  while (at_ != end_ && entry.tokens.empty()) {
    entry.indented = kind(*at_) == Kind::blank || kind(*at_) == Kind::carriage;
    TRY(read_entry(entry));
  }
  return !entry.tokens.empty();
}

OrFault<> Lexer::read_entry(Entry& entry) {
  std::vector<unsigned> opened;  // lines of parentheses that are open
  for (; at_ != end_; ++at_) {
    switch (kind(*at_)) {
      case Kind::blank:
        break;
      case Kind::carriage:
        if (at_ + 1 != end_ && at_[1] == '\n') break;  // else a line's end of its own (as in BIND)
        [[fallthrough]];
      case Kind::newline:
        ++line_;
        if (!opened.empty()) break;
        ++at_;
        return {};
      case Kind::comment:
        skip_comment();
        break;
      case Kind::open:
        opened.push_back(line_);
        break;
      case Kind::close:
        if (opened.empty()) return fault(line_, "')' without '('");
        opened.pop_back();
        break;
      case Kind::quote:
        TRY(read_quoted(entry));
        break;
      case Kind::plain:
      case Kind::escape:
        TRY(read_word(entry));
        break;
    }
  }
  if (!opened.empty()) return fault(opened.back(), "'(' is never closed");
  return {};
}

// Leaves at_ on the last character of what it read, as its caller expects.
OrFault<> Lexer::read_word(Entry& entry) {
  const char* const start = at_;
  const unsigned line = line_;
  bool is_pair = false;
  for (; at_ != end_ && !is_pair; ++at_) {
    const Kind here = kind(*at_);
    if (here == Kind::plain) [[likely]]
      continue;
    if (here == Kind::escape) {
      if (at_ + 1 == end_ || at_[1] == '\n' || at_[1] == '\r') return fault(line_, "'\\' at the end of the line");
      ++at_;
    } else if (here == Kind::quote && at_[-1] == '=') {  // one token (RFC 9460 section 2.1)
      TRY(skip_quoted());
      is_pair = true;
    } else {
      break;
    }
  }
  entry.tokens.push_back({{start, at_}, line, false, is_pair});
  --at_;
  return {};
}

OrFault<> Lexer::read_quoted(Entry& entry) {
  const char* const start = at_ + 1;
  const unsigned line = line_;
  TRY(skip_quoted());
  entry.tokens.push_back({{start, at_}, line, true});
  return {};
}

// From the opening to the closing quote, on a later line too (RFC 1035 section 5.1).
OrFault<> Lexer::skip_quoted() {
  const unsigned opened = line_;
  for (++at_; at_ != end_; ++at_) {
    if (*at_ == '"') {
      if (opened != line_) long_string_ = opened;
      return {};
    }
    if (*at_ == '\\' && at_ + 1 != end_) ++at_;
    if (*at_ == '\n') ++line_;
  }
  return fault(opened, R"(a quoted string is never closed; write " at its end, and \" for a quote in it)");
}

// Leaves at_ on the last character of the comment.
void Lexer::skip_comment() {
  at_ = std::find_if(at_, end_, [](char c) { return c == '\n' || c == '\r'; }) - 1;
}

}  // namespace swage::zonefile
