#include "core/config/substitute.h"

#include <algorithm>
#include <charconv>
#include <limits>

#include <fmt/format.h>

namespace swage::config {
namespace {

constexpr std::size_t kMaxPlaceholder = 1024;  // bytes; keeps the search for its end short
constexpr std::size_t kToTheEnd = std::numeric_limits<std::size_t>::max();

struct Index {
  bool single = false;  // one argument, which must be there
  ArgumentRange range;
};

std::optional<std::size_t> parse_index(std::string_view digits) {
  std::size_t value = 0;
  const auto [end, error] = std::from_chars(digits.begin(), digits.end(), value);
  if (error != std::errc() || end != digits.end() || value == kToTheEnd) return std::nullopt;
  return value;
}

// Reads what stands between "{args" and "}": ".0", ".*", "[0]", "[1:]", "[:2]", "[1:2]", "[:]".
std::optional<Index> parse_selector(std::string_view selector) {
  if (selector == ".*") return Index{false, {0, kToTheEnd}};
  if (selector.starts_with('.')) {
    selector.remove_prefix(1);
  } else if (selector.starts_with('[') && selector.ends_with(']')) {
    selector = selector.substr(1, selector.size() - 2);
  } else {
    return std::nullopt;
  }
  const std::size_t colon = selector.find(':');
  const auto first = colon == 0 ? 0 : parse_index(selector.substr(0, colon));
  if (!first) return std::nullopt;
  if (colon == std::string_view::npos) return Index{true, {*first, *first + 1}};
  const auto last = colon + 1 == selector.size() ? kToTheEnd : parse_index(selector.substr(colon + 1));
  if (!last) return std::nullopt;
  return Index{false, {*first, *last}};
}

ArgumentRange cut(ArgumentRange range, const Arguments& arguments) {
  const std::size_t end = std::min(range.end, arguments.size());
  return {std::min(range.begin, end), end};
}

void append(std::string& list, std::string_view word) {
  if (!word.empty()) list += fmt::format("{}{}", list.empty() ? "" : ", ", word);
}

// "$NAME", "$NAME:default" or "%NAME", within its braces.
Substituted variable(std::string_view inner, std::string_view whole, Sources& sources) {
  const std::size_t colon = inner.starts_with('$') ? inner.find(':') : std::string_view::npos;
  const auto value = sources.env(std::string(inner.substr(1, std::min(colon, inner.size()) - 1)));
  if (value && !value->empty()) return {*value, {}};
  if (colon != std::string_view::npos) return {std::string(inner.substr(colon + 1)), {}};
  return {{}, value ? std::string() : std::string(whole)};
}

// The value of the placeholder at the start of `text`, which is cut off from it; nullopt if there is none.
Result<std::optional<Substituted>> take_value(std::string_view& text, Sources& sources, const Arguments* arguments) {
  const std::string_view closing = text.starts_with("{%") ? "%}" : "}";
  const std::size_t end = text.substr(0, kMaxPlaceholder).find(closing, 2);
  if (end == std::string_view::npos) return std::nullopt;
  const std::string_view whole = text.substr(0, end + closing.size());
  const std::string_view inner = text.substr(1, end - 1);  // "$NAME:default", "%NAME", "args[0]"
  Substituted value;
  if ((inner.starts_with('$') || inner.starts_with('%')) && inner.size() > 1) {
    value = variable(inner, whole, sources);
  } else if (arguments != nullptr && inner.starts_with("args")) {
    const auto index = parse_selector(inner.substr(4));
    if (!index) return std::nullopt;
    if (index->single && index->range.begin >= arguments->size()) {
      return fail("{} needs more arguments than the {} of its import", whole, arguments->size());
    }
    const ArgumentRange range = cut(index->range, *arguments);
    for (std::size_t at = range.begin; at < range.end; ++at) {
      if (at > range.begin) value.text += ' ';
      value.text += (*arguments)[at].text;
      append(value.unset, (*arguments)[at].unset);
    }
  } else {
    return std::nullopt;
  }
  text.remove_prefix(whole.size());
  return value;
}

}  // namespace

std::optional<ArgumentRange> argument_range(std::string_view text, const Arguments& arguments) {
  if (!text.starts_with("{args") || !text.ends_with('}')) return std::nullopt;
  const auto index = parse_selector(text.substr(5, text.size() - 6));
  if (!index || index->single) return std::nullopt;
  return cut(index->range, arguments);
}

Result<Substituted> substitute(std::string_view text, Sources& sources, const Arguments* arguments) {
  Substituted out;
  while (!text.empty()) {
    const std::size_t brace = std::min(text.find('{'), text.size());
    out.text += text.substr(0, brace);
    text.remove_prefix(brace);
    if (text.empty()) break;
    TRY(const auto value, take_value(text, sources, arguments));
    if (value) {
      out.text += value->text;
      append(out.unset, value->unset);
    } else {
      out.text += '{';
      text.remove_prefix(1);
    }
    if (out.text.size() > kMaxWord) return fail("a word of more than {} bytes with its values put in", kMaxWord);
  }
  return out;
}

}  // namespace swage::config
