#include "core/coroutines/traps.h"

#include <algorithm>
#include <initializer_list>

#include "core/coroutines/tokens.h"

namespace swage::coroutines {
namespace {

constexpr std::string_view kName = "name the object on the line before";
// What is beyond these is not C++ that anybody wrote.
constexpr unsigned kMaxNesting = 200;
constexpr std::size_t kMaxLook = 200;  // tokens, back to the start of a statement, or on to the body of a lambda

class Finder {
 public:
  explicit Finder(const Tokens& tokens) : tokens_(tokens), match_(tokens.size(), tokens.size()) {
    std::vector<std::size_t> open;
    for (std::size_t i = 0; i < tokens.size(); ++i) {
      if (is_one_of(i, {"(", "[", "{"})) open.push_back(i);
      if (!is_one_of(i, {")", "]", "}"}) || open.empty()) continue;
      match_[open.back()] = i;
      open.pop_back();
    }
    scan(0, tokens.size());
  }
  [[nodiscard]] const std::vector<Trap>& found() const { return found_; }

 private:
  // What a full expression has in it; lambdas' bodies are statements of their own.
  struct Expression {
    int awaits = 0;  // the line of the last co_await
    bool braces = false;
    bool conditional = false;
    bool copies = false;     // into a lambda
    bool statement = false;  // in parentheses
  };

  [[nodiscard]] bool is(std::size_t i, std::string_view text) const {
    return i < tokens_.size() && tokens_[i].text == text;
  }
  [[nodiscard]] bool is_one_of(std::size_t i, std::initializer_list<std::string_view> texts) const {
    return i < tokens_.size() && std::find(texts.begin(), texts.end(), tokens_[i].text) != texts.end();
  }

  // Statements, one after the other; in a control header, too. True if a keyword of coroutines is among them, outside
  // of lambdas.
  bool scan(std::size_t begin, std::size_t end, bool in_header = false) {
    if (nesting_ == kMaxNesting) return false;
    ++nesting_;
    Expression expression;
    std::size_t depth = 0;
    std::size_t start = begin;
    bool coroutine = false;
    const auto finish = [&](std::size_t next) {
      report(expression);
      expression = {};
      depth = 0;
      start = next;
    };
    for (std::size_t i = begin; i < end; ++i) {
      if (is(i, "operator")) ++i;
      coroutine |= is_one_of(i, {"co_await", "co_return", "co_yield"});
      if (is(i, "co_await")) expression.awaits = tokens_[i].line;
      if (is(i, "?")) expression.conditional = true;
      if (const std::size_t body = lambda_body(i); body != 0) {
        expression.copies |= lambda(i, body);
        i = std::min(match_[body], end);
      } else if (is_one_of(i, {"if", "while", "for", "switch"}) && header(i) != 0) {
        const std::size_t open = header(i);
        coroutine |= scan(open + 1, std::min(match_[open], end), true);
        i = std::min(match_[open], end);
        finish(i + 1);
      } else if (is(i, "{") && depth == 0 && !in_header && opens_block(start, i)) {
        if (i != start && opens_function(i)) check_conditions(i);
        finish(i);
        coroutine |= scan(i + 1, std::min(match_[i], end));
        i = std::min(match_[i], end);
        finish(i + 1);
      } else if (is_one_of(i, {"(", "[", "{"})) {
        ++depth;
        expression.braces |= is(i, "{");
        expression.statement |= is(i, "{") && i > begin && is(i - 1, "(") && has_statement(i);
      } else if (is_one_of(i, {")", "]", "}"})) {
        depth -= depth > 0 ? 1 : 0;
      } else if (is(i, ";") && depth == 0) {
        finish(i + 1);
      }
    }
    report(expression);
    --nesting_;
    return coroutine;
  }

  // The opening parenthesis of the control header that begins at `i`; 0: none.
  [[nodiscard]] std::size_t header(std::size_t i) const {
    const std::size_t open = is(i + 1, "constexpr") ? i + 2 : i + 1;
    return is(open, "(") ? open : 0;
  }

  // At a brace outside of all parentheses: a body, or what initialises something? `start`: where its statement begins.
  [[nodiscard]] bool opens_block(std::size_t start, std::size_t brace) const {
    if (brace == start) return true;
    const std::size_t before = brace - 1;
    if (is_one_of(before, {")", "}", "&", ":", "else", "do", "try", "const", "noexcept", "override", "final"}))
      return true;
    for (std::size_t i = std::max(start, brace - std::min(brace, kMaxLook)); i < brace; ++i) {
      if (is_one_of(i, {"=", "return", "co_return", "co_await"})) return false;
      if (is_one_of(i, {"class", "struct", "enum", "union", "namespace", "extern", "concept"})) return true;
      if (is(i, "->") && i > start && is_one_of(i - 1, {")", "const", "noexcept"})) return true;
      if (is_one_of(i, {"(", "["})) i = std::min(match_[i], brace);
    }
    return false;
  }

  // Of the braces that opens_block() finds outside of functions; those of classes do no harm.
  [[nodiscard]] bool opens_function(std::size_t brace) const {
    return is_one_of(brace - 1, {")", ">", "const", "noexcept", "override", "final"});
  }

  // Reports trap 8 in the body that begins at `open`. Lambdas in it are bodies of their own.
  void check_conditions(std::size_t open) {
    int line = 0;  // of an await in a condition
    bool declares = false;
    for (std::size_t i = open + 1; i < match_[open] && i < tokens_.size(); ++i) {
      if (const std::size_t body = lambda_body(i); body != 0) {
        i = match_[body];
      } else if (is_one_of(i, {"if", "while", "for", "switch"}) && header(i) != 0) {
        for (std::size_t at = header(i); at < match_[header(i)]; ++at) {
          if (is(at, "co_await")) line = tokens_[at].line;
        }
      }
      declares |= ends_declaration(i) || is_one_of(i, {"CO_TRY", "TRY", "auto", "using", "struct"});
    }
    if (line != 0 && !declares)
      add(line, "trap 8: co_await in a condition of a coroutine without a variable", "give its result a name");
  }

  // At what comes after the name of a variable: "const bool stopped =", "Timer timer(", "int count;".
  [[nodiscard]] bool ends_declaration(std::size_t i) const {
    if (i < 2 || !is_one_of(i, {"=", "(", "{", ";", ":", "["}) || !tokens_[i - 1].is_word()) return false;
    if (is_one_of(i - 2,
                  {"co_return", "co_await", "co_yield", "return", "else", "do", "new", "delete", "goto", "case"})) {
      return false;
    }
    return tokens_[i - 2].is_word() || is_one_of(i - 2, {">", "&", "*"});
  }

  // The brace that opens the body of the lambda that begins at `i`; 0: no lambda begins there.
  [[nodiscard]] std::size_t lambda_body(std::size_t i) const {
    if (!is(i, "[") || is(i + 1, "[") || match_[i] == tokens_.size()) return 0;
    if (i > 0) {
      const bool keyword = is_one_of(i - 1, {"return", "co_return", "co_await", "co_yield", "else", "case"});
      const bool value = tokens_[i - 1].is_word() || is_one_of(i - 1, {")", "]", "\""});
      if (is(i - 1, "[") || (value && !keyword)) return 0;
    }
    std::size_t at = match_[i] + 1;
    if (!is_one_of(at, {"(", "{", "<", "mutable", "constexpr", "noexcept", "->"})) return 0;
    const std::size_t last = std::min(tokens_.size(), at + kMaxLook);
    for (; at < last && !is_one_of(at, {"{", ";", "}", "="}); ++at) {
      if (is_one_of(at, {"(", "["})) at = match_[at];
    }
    return is(at, "{") ? at : 0;
  }

  // Reports a lambda that is bad in itself. True if it captures something by value.
  bool lambda(std::size_t begin, std::size_t body) {
    const std::size_t end = match_[begin];
    const bool captures = begin + 1 < end;
    bool copies = false;
    for (std::size_t i = begin + 1; i < end; ++i) {
      copies |= !is(i, "&") && !is(i, "this");
      while (i < end && !is(i, ",")) i = is_one_of(i, {"(", "[", "{"}) ? match_[i] + 1 : i + 1;
    }
    check_conditions(body);
    const bool coroutine = scan(body + 1, std::min(match_[body], tokens_.size()));
    if (captures && coroutine)
      add(tokens_[begin].line, "trap 4: a coroutine lambda with captures", "make it a function with parameters");
    return copies;
  }

  // Whether the braces at `open` hold a statement, and no list of values.
  [[nodiscard]] bool has_statement(std::size_t open) const {
    for (std::size_t i = open + 1; i < match_[open]; ++i) {
      if (is(i, ";")) return true;
      if (is_one_of(i, {"(", "[", "{"})) i = match_[i];
    }
    return false;
  }

  void report(const Expression& expression) {
    const int line = expression.awaits;
    if (line == 0) return;
    if (expression.statement) return add(line, "trap 2: co_await in a statement expression", "make it a statement");
    if (expression.braces) add(line, "trap 1: braces in an expression with co_await", kName);
    if (expression.conditional) add(line, "trap 1: ?: in an expression with co_await", kName);
    if (expression.copies) add(line, "trap 1: a lambda that captures by value in an expression with co_await", kName);
  }

  void add(int line, std::string_view what, std::string_view instead) {
    found_.push_back({line, std::string(what) + "; " + std::string(instead)});
  }

  const Tokens& tokens_;
  std::vector<std::size_t> match_;  // of an opening bracket: its closing one; else the number of tokens
  std::vector<Trap> found_;
  unsigned nesting_ = 0;  // of scan()
};

}  // namespace

std::vector<Trap> traps(std::string_view source) {
  std::vector<Trap> all;
  for (const Tokens& part : tokens_of(source)) {
    const Finder finder(part);
    all.insert(all.end(), finder.found().begin(), finder.found().end());
  }
  return all;
}

}  // namespace swage::coroutines
