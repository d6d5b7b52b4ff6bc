#include "core/coroutines/traps.h"

#include <cstdint>
#include <ostream>
#include <string>
#include <string_view>
#include <vector>

#include <catch2/catch.hpp>  // last: its CHECK is the one that counts here

namespace swage::coroutines {

// For Catch.
static std::ostream& operator<<(std::ostream& out, const Trap& trap) { return out << trap.line << ": " << trap.text; }

namespace {

std::vector<Trap> traps_in_bare_body(std::string_view statements) {
  return traps("namespace a {\nTask<Result<>> f(int i) { " + std::string(statements) + " co_return {}; }\n}\n");
}

// A sample that stands in a coroutine, which has a variable.
std::vector<Trap> traps_in_body(std::string_view statements) {
  return traps_in_bare_body("int declared; " + std::string(statements));
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
  CHECK(found[0].text.starts_with(trap));
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
  CHECK(found[0].text.starts_with("trap 8: co_await in a condition"));
  for (const char* const variable :
       {"const bool b = g();", "for (int n = 0; n < 3; ++n) g(n);", "{ std::vector<Timer> t; }", "const auto& a = *b;",
        "Timer timer(loop);", "CO_TRY(co_await f());", "if (Result<> r; r) g();"}) {
    CAPTURE(variable);
    CHECK(traps_in_bare_body(sample + " " + variable) == std::vector<Trap>{});
  }
  CHECK(traps("void g() { h([](int x) -> Task<> { if (co_await f()) h(x); }); int y = 1; }").size() == 1);
  CHECK(traps_in_bare_body("co_await f(); i = 1; co_await g(i);") == std::vector<Trap>{});
}

TEST_CASE("coroutine traps: in a macro") {
  CHECK(traps("#define MY_TRY(x) \\\n  ({ auto r = co_await (x); \\\n  r; })\nint a;").size() == 1);
  CHECK(traps("#  define MY_SEND(x) co_await send(Request{x})\n").size() == 1);
  CHECK(traps("#define MY_TRY(x) if (!(x)) co_return fail()\nint a{1};\n").empty());
}

TEST_CASE("coroutine traps: the line is said") {
  CHECK(traps("/* a\n b */ // co_await\nTask<> f() {\n  const char* s = R\"(\n{)\";\n  co_await f({a});\n}\n") ==
        std::vector<Trap>{{6, "trap 1: braces in an expression with co_await; name the object on the line before"}});
}

TEST_CASE("coroutine traps: literals are passed over") {
  for (const char* const literal : {"\"({\"", "R\"x({)\")x\"", "u8R\"({)\"", "LR\"(\\)\"", "'\"'", "u\"\\\"{\""}) {
    CAPTURE(literal);
    CHECK(traps_in_body("co_await f(" + std::string(literal) + ");") == std::vector<Trap>{});
    CHECK(traps_in_body("co_await f(" + std::string(literal) + ", {a});").size() == 1);
  }
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
  CHECK(traps_in_body(sample) == std::vector<Trap>{});
}

TEST_CASE("coroutine traps: whatever the bytes, there is an end") {
  std::uint32_t state = 1;
  constexpr std::string_view kBytes = "(){}[];?:&=\"'\\\n#/* co_await if while R x";
  for (int round = 0; round < 3000; ++round) {
    std::string source;
    for (int i = 0; i < 60; ++i) {
      state = state * 1664525 + 1013904223;
      const std::size_t at = (state >> 8) % (kBytes.size() + 6);
      source += at < kBytes.size() ? std::string(1, kBytes[at]) : std::string(at % 2 == 0 ? " co_await " : " if (");
    }
    for (const Trap& trap : traps(source)) REQUIRE(trap.line >= 1);
  }
}

TEST_CASE("coroutine traps: neither depth nor length is too much") {
  for (const char* const piece : {"{", "(", "[](){", "if (", "x{} ", "[]<a ", "({", "a::b ", "R\"("}) {
    CAPTURE(piece);
    std::string source;
    while (source.size() < 20'000) source += piece;
    CHECK(traps(source) == std::vector<Trap>{});
  }
}

}  // namespace
}  // namespace swage::coroutines
