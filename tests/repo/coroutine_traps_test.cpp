// Reads all sources below core/ and plugins/ and forbids what g++ 12 compiles wrongly, or not at all, in coroutines:
//
// 1. In a full expression with co_await: braces, conditionals, and lambdas that capture by value. What they make there
// is
//    destroyed twice (an aggregate of strings, a captured string, a string chosen by ?:). Name the object on the line
//    before. An aggregate made with parentheses is as bad, but looks like a constructor's call: beware.
// 2. A GNU statement expression with co_await: the compiler crashes.
// 4. A lambda that captures and is a coroutine: what it captured is gone when it goes on.
// 8. co_await in the condition of an if, a loop or a switch, in a coroutine that declares no variable at all: it is
// never
//    resumed. A variable anywhere in the body, of any kind, is enough.
//
// This is a reader of tokens, not of C++: it knows statements, control headers, braces and lambdas.
#include <algorithm>
#include <cctype>
#include <filesystem>
#include <fstream>
#include <initializer_list>
#include <iterator>
#include <sstream>
#include <string>
#include <string_view>
#include <vector>

#include <catch2/catch.hpp>

namespace {

struct Token {
  std::string text;  // "\"" for any string or character literal
  int line;

  [[nodiscard]] bool is_word() const { return std::isalnum(static_cast<unsigned char>(text[0])) || text[0] == '_'; }
};

using Tokens = std::vector<Token>;

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
    } else if (std::isspace(static_cast<unsigned char>(c))) {
      skip_to(at_ + 1);
    } else if (sees("//")) {
      skip_to(source_.find('\n', at_));
    } else if (sees("/*")) {
      skip_past("*/", at_ + 2);
    } else if (c == '#') {
      directive();
    } else if (sees("R\"")) {
      const std::size_t open = source_.find('(', at_);
      literal();
      skip_past(")" + std::string(source_.substr(at_ + 2, open - at_ - 2)) + "\"", open);
    } else if (c == '"' || c == '\'') {
      quoted(c);
    } else if (std::isalnum(static_cast<unsigned char>(c)) || c == '_') {
      word();
    } else {
      const std::size_t length = sees("->") || sees("::") ? 2 : 1;
      add(std::string(source_.substr(at_, length)));
      skip_to(at_ + length);
    }
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
    const auto in_word = [](char c) { return std::isalnum(static_cast<unsigned char>(c)) || c == '_' || c == '\''; };
    const bool number = std::isdigit(static_cast<unsigned char>(source_[at_])) != 0;
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
  [[nodiscard]] const std::vector<std::string>& found() const { return found_; }

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
    for (std::size_t i = start; i < brace; ++i) {
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
    if (line != 0 && !declares) add(line, "trap 8: co_await in a condition of a coroutine without a variable");
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
    for (; at < tokens_.size() && !is_one_of(at, {"{", ";", "}", "="}); ++at) {
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
    if (captures && coroutine) add(tokens_[begin].line, "trap 4: a coroutine lambda with captures");
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
    if (expression.statement) return add(line, "trap 2: co_await in a statement expression");
    if (expression.braces) add(line, "trap 1: braces in an expression with co_await");
    if (expression.conditional) add(line, "trap 1: ?: in an expression with co_await");
    if (expression.copies) add(line, "trap 1: a lambda that captures by value in an expression with co_await");
  }

  void add(int line, std::string_view what) { found_.push_back(std::to_string(line) + ": " + std::string(what)); }

  const Tokens& tokens_;
  std::vector<std::size_t> match_;  // of an opening bracket: its closing one; else the number of tokens
  std::vector<std::string> found_;
};

std::vector<std::string> traps(std::string_view source) {
  const Lexer lexer(source);
  std::vector<std::string> all;
  for (const Tokens& part : lexer.parts()) {
    const Finder finder(part);
    all.insert(all.end(), finder.found().begin(), finder.found().end());
  }
  return all;
}

std::vector<std::string> traps_in_bare_body(std::string_view statements) {
  return traps("namespace a {\nTask<Result<>> f(int i) { " + std::string(statements) + " co_return {}; }\n}\n");
}

// A sample that stands in a coroutine, which has a variable.
std::vector<std::string> traps_in_body(std::string_view statements) {
  return traps_in_bare_body("int declared; " + std::string(statements));
}

}  // namespace

TEST_CASE("coroutine traps: the sources of core/ and plugins/ have none") {
  std::vector<std::string> all;
  int files = 0;
  for (const char* folder : {"core", "plugins"}) {
    for (const auto& entry : std::filesystem::recursive_directory_iterator(folder)) {
      const auto extension = entry.path().extension();
      if (extension != ".cpp" && extension != ".h") continue;
      std::ifstream file(entry.path());
      std::stringstream source;
      source << file.rdbuf();
      for (const std::string& trap : traps(source.str())) all.push_back(entry.path().string() + ":" + trap);
      ++files;
    }
  }
  CHECK(files > 20);  // else this runs in another folder than the repository's
  CHECK(all == std::vector<std::string>{});
}

TEST_CASE("coroutine traps: bad samples are found") {
  const auto [sample, trap] = GENERATE(table<std::string, std::string>({
      {"co_await f(Request{a, b});", "trap 1: braces"},
      {"co_await f({a, b});", "trap 1: braces"},
      {"co_await f(Request{});", "trap 1: braces"},
      {"co_await f(g(1, Request{a}));", "trap 1: braces"},
      {"co_await f(std::array{a, b});", "trap 1: braces"},
      {"co_await f(std::array<std::string, 2>{a, b});", "trap 1: braces"},
      {"CO_TRY(const auto x, co_await f(Request{a, b}));", "trap 1: braces"},
      {"CO_TRY(co_await f(\n  Request{a, b}));", "trap 1: braces"},
      {"g(Request{a, b}, co_await f());", "trap 1: braces"},
      {"const Request request{a, co_await f()};", "trap 1: braces"},
      {"const Request request = {a, co_await f()};", "trap 1: braces"},
      {"request = Request{a, co_await f()};", "trap 1: braces"},
      {"p->request = Request{a, co_await f()};", "trap 1: braces"},
      {"co_return Request{a, co_await f()};", "trap 1: braces"},
      {"if (g(Request{a}, co_await f())) return;", "trap 1: braces"},
      {"if (a) { b(); } else { while (co_await f(Request{a})) g(); }", "trap 1: braces"},
      {"for (const auto& x : {co_await f(), b}) g(x);", "trap 1: braces"},
      {"switch (x) { case 1: co_await f(Request{a}); break; }", "trap 1: braces"},
      {"co_await f(a ? b : c);", "trap 1: ?:"},
      {"const auto x = co_await f() ? b : c;", "trap 1: ?:"},
      {"co_await f([a] { return a; });", "trap 1: a lambda"},
      {"co_await f([a = std::move(b)] { return a; });", "trap 1: a lambda"},
      {"co_await f([=] { return a; });", "trap 1: a lambda"},
      {"co_await f([&, a] { return a; });", "trap 1: a lambda"},
      {"co_await f([*this](int x) mutable { return a; });", "trap 1: a lambda"},
      {"const auto x = co_await work(loop, [path]() -> Result<std::string> { return read(path); });",
       "trap 1: a lambda"},
      {"const auto x = ({ auto y = co_await f(); y; });", "trap 2"},
      {"g(({ int y = 1; y; }), co_await f());", "trap 2"},
      {"const auto g = [&]() -> Task<> { co_await f(); };", "trap 4"},
      {"const auto g = [this] { co_return 1; };", "trap 4"},
      {"loop.spawn([a](int x) -> Task<Result<>> { if (x) { co_return {}; } co_return {}; }(1));", "trap 4"},
      {"g([x = y[1]] mutable { for (;;) co_yield x; });", "trap 4"},
      {"g([] { return [&] { co_return 1; }; });", "trap 4"},
      {"g([&]<typename T>(T t) -> Task<T> { co_return t; });", "trap 4"},
  }));
  CAPTURE(sample);
  const auto found = traps_in_body(sample);
  REQUIRE(found.size() == 1);
  CHECK(found[0].find(": " + trap) != std::string::npos);
}

TEST_CASE("coroutine traps: a co_await in a condition where no variable is declared") {
  const std::string sample =
      GENERATE(as<std::string>(), "while (!co_await host.stopping(30s)) refresh();",
               "while (true) { if (co_await f()) break; g(i); }", "for (; !co_await f();) { ++i; }",
               "do { i = 1; } while (!co_await f());", "a->b(i); if (co_await f(*a)) co_return;",
               "switch (co_await f()) { case 1: co_return g; default: g(i)(1); }");
  CAPTURE(sample);
  const auto found = traps_in_bare_body(sample);
  REQUIRE(found.size() == 1);
  CHECK(found[0].find(": trap 8: co_await in a condition") != std::string::npos);
  for (const char* const variable :
       {"const bool b = g();", "for (int n = 0; n < 3; ++n) g(n);", "{ std::vector<Timer> t; }", "const auto& a = *b;",
        "Timer timer(loop);", "CO_TRY(co_await f());", "if (Result<> r; r) g();"}) {
    CAPTURE(variable);
    CHECK(traps_in_bare_body(sample + " " + variable) == std::vector<std::string>{});
  }
  CHECK(traps("void g() { h([](int x) -> Task<> { if (co_await f()) h(x); }); int y = 1; }").size() == 1);
  CHECK(traps_in_bare_body("co_await f(); i = 1; co_await g(i);") == std::vector<std::string>{});
}

TEST_CASE("coroutine traps: in a macro") {
  CHECK(traps("#define MY_TRY(x) \\\n  ({ auto r = co_await (x); \\\n  r; })\nint a;").size() == 1);
  CHECK(traps("#  define MY_SEND(x) co_await send(Request{x})\n").size() == 1);
  CHECK(traps("#define MY_TRY(x) if (!(x)) co_return fail()\nint a{1};\n").empty());
}

TEST_CASE("coroutine traps: the line is said") {
  CHECK(traps("/* a\n b */ // co_await\nTask<> f() {\n  const char* s = R\"(\n{)\";\n  co_await f({a});\n}\n") ==
        std::vector<std::string>{"6: trap 1: braces in an expression with co_await"});
}

TEST_CASE("coroutine traps: good samples are left alone") {
  const std::string sample = GENERATE(
      as<std::string>(), "co_await f();", "const Request request{a, b}; co_await f(request);",
      "Request request = {a, b}; CO_TRY(co_await f(std::move(request)));",
      "CO_TRY(const std::size_t size, co_await stream.read(MutableBytes(buffer).first(2)));",
      "if (const auto x = co_await f(); !x) { g(Request{a}); } else { h({1}); }",
      "if (Request a{b, c}; co_await f(a)) g();", "for (int x{1}; co_await f(x); ++x) { g({x}); }",
      "for (const auto& x : {a, b}) { co_await f(x); }", "for (const auto& [x, y] : all) co_await f(x[1], y);",
      "while (!co_await wait_for(stopping_, 30s)) { refresh({1}); }", "do { g({1}); } while (co_await f());",
      "switch (co_await f()) { case 1: { g({1}); break; } default: g({2}); }",
      "const char c = '{'; co_await f(\"{?\", '\"', 1'000); // {?", "const auto x = a ? b : c; co_await f(x);",
      "co_await f([&] { return Request{a ? b : c}; });",
      "co_await f([this, &a] { g(); }); co_await f([] { return 1; });",
      "const auto read = [path] { return read_file({path}); }; co_await work(loop, read);",
      "const auto g = [](Loop& on) -> Task<> { co_await sleep(on, 1ms); }; co_await g(loop);",
      "const auto g = [&] { return 1; }; auto& [x, y] = g(); a[i] = co_await f(b[i]);",
      "} Awaiter operator co_await() && { return Awaiter{coroutine_}; } void h() {",
      "struct Local { int a{1}; }; [[maybe_unused]] const int x = co_await f();", "co_return Request{a ? b : c};",
      "const auto x = ({ int y = 1; y; }); co_await f(x);",
      "} class A : public B { A() : b_{1}, c_(2) {} Task<> g() const override { co_await f(); } int b_{1}; }; void h() "
      "{",
      "} auto g(int x) -> Task<> { co_await f(); } void h() {",
      "} template <typename T> requires(true) Task<T> g() { co_await f(); } enum class E : int { a, b }; void h() {");
  CAPTURE(sample);
  CHECK(traps_in_body(sample) == std::vector<std::string>{});
}
