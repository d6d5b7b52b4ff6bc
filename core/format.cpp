#include "core/format.h"

#include <array>
#include <vector>

#include <fmt/format.h>

namespace swage {
namespace {

using Argument = fmt::basic_format_arg<fmt::format_context>;

// Texts are not copied.
template <typename T>
Argument argument(const T& value) {
  const auto store = fmt::make_format_args(value);
  return fmt::format_args(store).get(0);
}

Argument argument_of(const FormatValue& value) {
  switch (value.kind) {
    case FormatValue::Kind::boolean:
      return argument(value.integer != 0);
    case FormatValue::Kind::character:
      return argument(static_cast<char>(value.integer));
    case FormatValue::Kind::integer:
      return argument(value.integer);
    case FormatValue::Kind::natural:
      return argument(static_cast<std::uint64_t>(value.integer));
    case FormatValue::Kind::real:
      return argument(value.real);
    case FormatValue::Kind::text:
      return argument(value.text);
  }
  return {};
}

}  // namespace

// Without an allocation of its own: short texts are made for queries, too. fmt throws; here it is caught.
std::string format_values(std::string_view text, std::initializer_list<FormatValue> values) {
  constexpr std::size_t kUsual = 16;
  std::array<Argument, kUsual> usual;
  std::vector<Argument> more(values.size() > kUsual ? values.size() : 0);
  Argument* const arguments = more.empty() ? usual.data() : more.data();
  std::size_t count = 0;
  for (const FormatValue& value : values) arguments[count++] = argument_of(value);
  try {
    return fmt::vformat(text, {arguments, static_cast<int>(count)});
  } catch (const fmt::format_error& error) {
    return std::string(text) + " (" + error.what() + ")";
  }
}

}  // namespace swage
