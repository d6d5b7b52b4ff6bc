// Failure as a value: Result<T> is a T or an Error; TRY hands an Error to the caller. Our code does not throw.
#pragma once

#include <cstdio>
#include <cstdlib>
#include <expected>
#include <string>
#include <string_view>
#include <utility>

#include "core/format.h"

namespace swage {

// Why something failed, in words for the operator. An Error is logged once, where it is handled.
class Error {
 public:
  explicit Error(std::string text) : text_(std::move(text)) {}

  // An error in a configuration or zone file: "FILE:LINE: TEXT".
  [[nodiscard]] static Error at(std::string_view file, unsigned line, std::string_view text) {
    constexpr std::size_t kMost = 1000;  // bytes: a word of a file may be megabytes long
    return Error(formatted("{}:{}: {}{}", file, line, text.substr(0, kMost), text.size() > kMost ? "…" : ""));
  }

  [[nodiscard]] const std::string& text() const { return text_; }

 private:
  std::string text_;
};

template <typename T = void>
using Result = std::expected<T, Error>;

// The failed Result with a formatted text: return fail("no such zone: {}", name);
template <typename... Values>
[[nodiscard]] std::unexpected<Error> fail(FormatText<std::type_identity_t<Values>...> format, const Values&... values) {
  return std::unexpected(Error(format_values(format.text(), {FormatValue(values)...})));
}

namespace detail {
[[noreturn]] inline void check_failed(const char* file, int line, const char* condition) {
  std::fprintf(stderr, "%s:%d: broken invariant: %s\n", file, line, condition);
  std::abort();
}
}  // namespace detail

}  // namespace swage

// A broken invariant of ours (never bad input) ends the process; the supervisor replaces it.
#define CHECK(condition) \
  ((condition) ? static_cast<void>(0) : ::swage::detail::check_failed(__FILE__, __LINE__, #condition))

#define SWAGE_CONCAT_(a, b) a##b
#define SWAGE_CONCAT(a, b) SWAGE_CONCAT_(a, b)
#define SWAGE_TRY_NAME SWAGE_CONCAT(try_result_, __LINE__)
#define SWAGE_TRY_PICK(_1, _2, name, ...) name

#define SWAGE_TRY_1(expression)                                           \
  if (auto&& SWAGE_TRY_NAME = (expression); !SWAGE_TRY_NAME) [[unlikely]] \
  return std::unexpected(std::move(SWAGE_TRY_NAME).error())
#define SWAGE_TRY_2(declaration, expression)                   \
  auto&& SWAGE_TRY_NAME = (expression);                        \
  if (!SWAGE_TRY_NAME) [[unlikely]]                            \
    return std::unexpected(std::move(SWAGE_TRY_NAME).error()); \
  declaration = *std::move(SWAGE_TRY_NAME)

// TRY(expression);              return its Error, if it has one
// TRY(declaration, expression); the same, else declare and initialise: TRY(const auto zone, load(path));
#define TRY(...) SWAGE_TRY_PICK(__VA_ARGS__, SWAGE_TRY_2, SWAGE_TRY_1)(__VA_ARGS__)
