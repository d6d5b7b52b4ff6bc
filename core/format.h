// formatted(): a text with values put in, as std::format() has it, which g++ 12 has not. What is put in is erased to
// one small type, so that the code is compiled once, in format.cpp, and headers need nothing but the standard library.
#pragma once

#include <concepts>
#include <cstdint>
#include <initializer_list>
#include <string>
#include <string_view>
#include <type_traits>

namespace swage {

// What can be put in: numbers, characters and texts. Refers to texts: they outlive it.
struct FormatValue {
  enum class Kind : std::uint8_t { boolean, character, integer, natural, real, text };

  template <typename T>
  static constexpr Kind kind_of() {
    if constexpr (std::same_as<T, bool>) {
      return Kind::boolean;
    } else if constexpr (std::same_as<T, char>) {
      return Kind::character;
    } else if constexpr (std::signed_integral<T>) {
      return Kind::integer;
    } else if constexpr (std::unsigned_integral<T>) {
      return Kind::natural;
    } else if constexpr (std::floating_point<T>) {
      return Kind::real;
    } else {
      static_assert(std::convertible_to<const T&, std::string_view>, "a number, a character or a text is put in");
      return Kind::text;
    }
  }

  FormatValue(std::string_view value) : kind(Kind::text), text(value) {}
  template <typename T>
  FormatValue(const T& value) : kind(kind_of<T>()), text() {
    if constexpr (kind_of<T>() == Kind::text) {
      text = value;
    } else if constexpr (kind_of<T>() == Kind::real) {
      real = static_cast<double>(value);
    } else if constexpr (kind_of<T>() == Kind::character) {
      integer = static_cast<unsigned char>(value);
    } else {
      integer = static_cast<std::int64_t>(value);
    }
  }

  Kind kind;
  union {
    std::int64_t integer;  // boolean, character and natural, too
    double real;
    std::string_view text;
  };
};

namespace detail {

enum class Fit : std::uint8_t { good, brace_not_closed_or_not_doubled, other_number_of_values, wrong_kind_of_value };

// Whether `field`, what stands in the braces, suits a value of that kind. A '}' in it is of a nested pair.
constexpr bool suits(std::string_view field, FormatValue::Kind kind) {
  using enum FormatValue::Kind;
  switch (field.empty() ? '\0' : field.back()) {
    case 'b':
    case 'd':
    case 'o':
    case 'x':
    case 'X':
      return kind != real && kind != text;
    case 'a':
    case 'e':
    case 'f':
    case 'g':
      return kind == real;
    case 's':
      return kind == text || kind == boolean;
    case 'c':
      return kind == character || kind == integer || kind == natural;
    default:
      return true;
  }
}

// What stands in a pair of braces that opens at `at`, which becomes the place of the brace that closes it; npos: none
// does. `nested`: how many pairs are in it.
constexpr std::string_view take_field(std::string_view text, std::size_t& at, std::size_t& nested) {
  const std::size_t begin = at + 1;
  for (at = begin; at < text.size() && text[at] != '}'; ++at) {
    if (text[at] != '{') continue;
    ++nested;
    if (++at == text.size() || text[at] != '}') break;
  }
  if (at < text.size() && text[at] == '}') return text.substr(begin, at - begin);
  at = text.npos;
  return {};
}

constexpr Fit fits(std::string_view text, std::initializer_list<FormatValue::Kind> kinds) {
  const FormatValue::Kind* next = kinds.begin();
  for (std::size_t at = 0; at < text.size(); ++at) {
    if (text[at] != '{' && text[at] != '}') continue;
    if (at + 1 < text.size() && text[at + 1] == text[at]) {
      ++at;
      continue;
    }
    if (text[at] == '}') return Fit::brace_not_closed_or_not_doubled;
    std::size_t nested = 0;  // a width or a precision, which is a value, too
    const std::string_view field = take_field(text, at, nested);
    if (at == text.npos || (!field.empty() && field[0] != ':')) return Fit::brace_not_closed_or_not_doubled;
    if (next == kinds.end()) return Fit::other_number_of_values;
    if (!suits(field, *next++)) return Fit::wrong_kind_of_value;
    for (; nested > 0; --nested) {
      if (next == kinds.end()) return Fit::other_number_of_values;
      if (!suits(":d", *next++)) return Fit::wrong_kind_of_value;
    }
  }
  return next == kinds.end() ? Fit::good : Fit::other_number_of_values;
}

// Not constant: that they are called is the compiler's error.
void this_format_has_a_brace_that_is_not_closed_or_not_doubled();
void this_format_has_not_as_many_braces_as_there_are_values();
void this_format_does_not_suit_the_kind_of_a_value();

consteval void check_format(Fit fit) {
  if (fit == Fit::brace_not_closed_or_not_doubled) this_format_has_a_brace_that_is_not_closed_or_not_doubled();
  if (fit == Fit::other_number_of_values) this_format_has_not_as_many_braces_as_there_are_values();
  if (fit == Fit::wrong_kind_of_value) this_format_does_not_suit_the_kind_of_a_value();
}

}  // namespace detail

// A literal with a pair of braces for each of Values, checked when it is compiled: "{} of {:02x}". As in std::format():
// what may stand in the braces after a colon, and "{{" for a brace; no numbers before the colon.
template <typename... Values>
class FormatText {
 public:
  template <std::convertible_to<std::string_view> T>
  consteval FormatText(const T& text) : text_(text) {
    detail::check_format(detail::fits(text_, {FormatValue::kind_of<Values>()...}));
  }
  [[nodiscard]] constexpr std::string_view text() const { return text_; }

 private:
  std::string_view text_;
};

// For what has a FormatText of its own. What it does not understand it gives back as it is, with the reason.
[[nodiscard]] std::string format_values(std::string_view text, std::initializer_list<FormatValue> values);

// formatted("{} of {}", 1, name)
template <typename... Values>
[[nodiscard]] std::string formatted(FormatText<std::type_identity_t<Values>...> format, const Values&... values) {
  return format_values(format.text(), {FormatValue(values)...});
}

}  // namespace swage
