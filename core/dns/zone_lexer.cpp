#include "core/dns/zone_lexer.h"

#include <algorithm>
#include <array>

namespace swage::dns {
namespace {

enum class Kind : std::uint8_t { plain, blank, newline, comment, open, close, quote, escape, bad };

constexpr std::array<Kind, 256> kKinds = [] {
  std::array<Kind, 256> kinds{};
  kinds[' '] = kinds['\t'] = kinds['\r'] = Kind::blank;
  kinds['\n'] = Kind::newline;
  kinds[';'] = Kind::comment;
  kinds['('] = Kind::open;
  kinds[')'] = Kind::close;
  kinds['"'] = Kind::quote;
  kinds['\\'] = Kind::escape;
  kinds['\0'] = Kind::bad;
  return kinds;
}();

Kind kind(char c) { return kKinds[static_cast<unsigned char>(c)]; }

}  // namespace

ZoneResult<bool> ZoneLexer::next(ZoneEntry& entry) {
  entry.tokens.clear();
  while (at_ != end_ && entry.tokens.empty()) {
    entry.indented = kind(*at_) == Kind::blank;
    TRY(read_entry(entry));
  }
  return !entry.tokens.empty();
}

ZoneResult<> ZoneLexer::read_entry(ZoneEntry& entry) {
  std::vector<unsigned> opened;  // lines of parentheses that are open
  for (; at_ != end_; ++at_) {
    switch (kind(*at_)) {
      case Kind::blank:
        break;
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
      case Kind::bad:
        return fault(line_, "a NUL byte");
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
ZoneResult<> ZoneLexer::read_word(ZoneEntry& entry) {
  const char* const start = at_;
  for (; at_ != end_; ++at_) {
    const Kind here = kind(*at_);
    if (here == Kind::plain) [[likely]]
      continue;
    if (here == Kind::escape) {
      if (at_ + 1 == end_ || at_[1] == '\n') return fault(line_, "'\\' at the end of the line");
      ++at_;
      if (*at_ == '\0') return fault(line_, "a NUL byte");
    } else if (here == Kind::quote) {
      // key="value with spaces" is one token (RFC 9460 section 2.1).
      if (at_[-1] != '=') return fault(line_, "'\"' within a word");
      TRY(skip_quoted());
    } else {
      break;
    }
  }
  entry.tokens.push_back({{start, at_}, line_, false});
  --at_;
  return {};
}

ZoneResult<> ZoneLexer::read_quoted(ZoneEntry& entry) {
  const char* const start = at_ + 1;
  TRY(skip_quoted());
  entry.tokens.push_back({{start, at_}, line_, true});
  if (at_ + 1 != end_ && (kind(at_[1]) == Kind::plain || kind(at_[1]) == Kind::escape)) {
    return fault(line_, "white space is missing behind '\"'");
  }
  return {};
}

// From the opening to the closing quote.
ZoneResult<> ZoneLexer::skip_quoted() {
  for (++at_; at_ != end_ && *at_ != '\n'; ++at_) {
    if (*at_ == '"') return {};
    if (*at_ == '\0') return fault(line_, "a NUL byte");
    if (*at_ == '\\' && at_ + 1 != end_ && at_[1] != '\n') ++at_;
  }
  return fault(line_, "a quoted string is not closed on its line");
}

// Leaves at_ on the last character of the comment.
void ZoneLexer::skip_comment() { at_ = std::find(at_, end_, '\n') - 1; }

}  // namespace swage::dns
