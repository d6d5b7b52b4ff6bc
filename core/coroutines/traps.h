// What g++ 12 compiles wrongly, or not at all, in coroutines, found in sources: swage-check-coroutines, which authors
// of plugins have too, and tests/repo/coroutine_traps_test.cpp. CONTRIBUTING.md has the whole list of traps; these can
// be seen in a source:
//
// 1. In a full expression with co_await: braces, conditionals, and lambdas that capture by value. What they make there
//    is destroyed twice (an aggregate of strings, a captured string, a string chosen by ?:). Name the object on the
//    line before. An aggregate made with parentheses is as bad, but looks like a constructor's call: beware.
// 2. A GNU statement expression with co_await: the compiler crashes.
// 4. A lambda that captures and is a coroutine: what it captured is gone when it goes on.
// 8. co_await in the condition of an if, a loop or a switch, in a coroutine that declares no variable at all: it is
//    never resumed. A variable anywhere in the body, of any kind, is enough.
//
// This is a reader of tokens, not of C++: it knows statements, control headers, braces and lambdas.
#pragma once

#include <string>
#include <string_view>
#include <vector>

namespace swage::coroutines {

struct Trap {
  int line;          // from 1
  std::string text;  // "trap 1: braces in an expression with co_await; name the object on the line before"

  friend bool operator==(const Trap&, const Trap&) = default;
};

// In the order in which they stand, those in macros last. What is not C++ may give anything.
[[nodiscard]] std::vector<Trap> traps(std::string_view source);

}  // namespace swage::coroutines
