#include "core/dns/ere.h"

#include <algorithm>
#include <array>

#include "core/text.h"

namespace swage::dns {
namespace {

class Expression {
 public:
  explicit Expression(std::string_view text) : rest_(text) {}

  // The whole, one piece after another.
  int groups() {
    while (!rest_.empty()) {
      if (!piece(take())) return -1;
    }
    return has_atom_ && open_ == 0 ? groups_ : -1;
  }

 private:
  char take() {
    const char c = rest_.front();
    rest_.remove_prefix(1);
    return c;
  }
  bool next_is(char c) const { return !rest_.empty() && rest_.front() == c; }
  bool atom(bool repeatable = true) {
    has_atom_ = true;
    can_repeat_ = repeatable;
    return true;
  }
  bool branch_starts() {
    has_atom_ = can_repeat_ = false;
    return true;
  }
  bool piece(char c) {
    switch (c) {
      case '\\':
        return escape();
      case '[':
        return bracket() && atom();
      case '(':
        ++open_;
        ++groups_;
        group_starts_ = true;
        return branch_starts();
      case ')':
        if (open_ == 0) return atom();  // an ordinary character
        if (!has_atom_ && !group_starts_) return false;
        --open_;
        return atom();
      case '|':
        if (!has_atom_) return false;
        group_starts_ = false;
        return branch_starts();
      case '*':
      case '+':
      case '?':
        return repeated();
      case '{':
        return rest_.empty() || !is_digit(rest_.front()) ? atom() : repeated() && bounds();
      case '^':
      case '$':
        return atom(false);
      default:
        return atom();
    }
  }
  bool repeated() {
    if (!can_repeat_) return false;
    can_repeat_ = false;
    return true;
  }
  bool escape() {
    if (rest_.empty()) return false;
    const char c = take();
    if (c >= '1' && c <= '9' && c - '0' > groups_) return false;
    return atom();
  }
  // A number up to RE_DUP_MAX; -1 where there is none.
  int bound() {
    int value = -1;
    while (!rest_.empty() && is_digit(rest_.front())) {
      value = std::max(value, 0) * 10 + (take() - '0');
      if (value > 255) return 256;
    }
    return value;
  }
  // "3}", "3,}" or "3,5}".
  bool bounds() {
    const int low = bound();
    int high = low;
    if (next_is(',')) {
      take();
      high = bound();
      if (high < 0) high = 255;
    }
    return low <= high && high <= 255 && !rest_.empty() && take() == '}';
  }
  // What follows "[", up to and including its "]".
  bool bracket() {
    if (next_is('^')) take();
    for (bool first = true;; first = false) {
      if (rest_.empty()) return false;
      if (next_is(']') && !first) break;
      int low = 0;
      if (!bracket_item(low)) return false;
      if (rest_.size() < 2 || rest_[0] != '-' || rest_[1] == ']') continue;
      take();
      int high = 0;
      if (low < 0 || !bracket_item(high) || high < low) return false;
    }
    take();
    return true;
  }
  // A character or [.x.], as a number; [=x=] and [:class:] are -1, since no range has them at its ends.
  bool bracket_item(int& value) {
    constexpr std::array<std::string_view, 12> kClasses = {"alnum", "alpha", "blank", "cntrl", "digit", "graph",
                                                           "lower", "print", "punct", "space", "upper", "xdigit"};
    const char c = take();
    value = static_cast<unsigned char>(c);
    if (c != '[' || rest_.empty() || std::string_view(".=:").find(rest_.front()) == std::string_view::npos) return true;
    const std::array<char, 2> end = {take(), ']'};
    const std::size_t close = rest_.find(std::string_view(end.data(), end.size()));
    if (close == std::string_view::npos) return false;
    const std::string_view name = rest_.substr(0, close);
    rest_.remove_prefix(close + 2);
    if (end[0] == ':') {
      value = -1;
      return std::ranges::find(kClasses, name) != kClasses.end();
    }
    value = end[0] == '.' && name.size() == 1 ? static_cast<unsigned char>(name[0]) : -1;
    return name.size() == 1;
  }

  std::string_view rest_;
  int groups_ = 0;
  int open_ = 0;               // groups that are not closed yet
  bool has_atom_ = false;      // in this branch
  bool can_repeat_ = false;    // what came last
  bool group_starts_ = false;  // nothing but "(" came since: "()" is allowed, "(a|)" is not
};

}  // namespace

int ere_groups(std::string_view text) { return Expression(text).groups(); }

}  // namespace swage::dns
