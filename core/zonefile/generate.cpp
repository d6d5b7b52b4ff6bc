#include "core/zonefile/generate.h"

#include <charconv>

#include <fmt/format.h>

namespace swage::zonefile {
namespace {

struct Modifier {
  std::int64_t offset = 0;
  std::uint32_t width = 0;
  char base = 'd';
};

constexpr std::uint32_t kMaxWidth = 255;

// What is between the braces.
bool parse_modifier(std::string_view text, Modifier& modifier) {
  const char* const end = text.end();
  while (text.starts_with(' ')) text.remove_prefix(1);
  if (text.starts_with('+')) text.remove_prefix(1);
  auto result = std::from_chars(text.begin(), end, modifier.offset);
  if (result.ec != std::errc() || modifier.offset > UINT32_MAX || modifier.offset < -std::int64_t{UINT32_MAX})
    return false;
  if (result.ptr == end) return true;
  if (*result.ptr != ',') return false;
  result = std::from_chars(result.ptr + 1, end, modifier.width);
  if (result.ec != std::errc() || modifier.width > kMaxWidth) return false;
  if (result.ptr == end) return true;
  if (*result.ptr != ',' || end - result.ptr != 2) return false;
  modifier.base = result.ptr[1];
  return std::string_view("doxXnN").find(modifier.base) != std::string_view::npos;
}

// "f.e.0" for 0xEF of width 5: the width counts the dots.
void append_nibbles(std::uint64_t value, std::uint32_t width, bool upper, std::string& to) {
  while (true) {
    to += (upper ? "0123456789ABCDEF" : "0123456789abcdef")[value & 0xF];
    value >>= 4;
    if (width > 0) --width;
    if (value == 0 && width == 0) return;
    to += '.';
    if (width > 0) --width;
    if (value == 0 && width == 0) return;
  }
}

void append_number(std::int64_t number, const Modifier& modifier, std::string& to) {
  const std::uint64_t value = number < 0 ? static_cast<std::uint32_t>(number) : static_cast<std::uint64_t>(number);
  switch (modifier.base) {
    case 'd':
      to += fmt::format("{:0{}}", number, modifier.width);
      break;
    case 'o':
      to += fmt::format("{:0{}o}", value, modifier.width);
      break;
    case 'x':
      to += fmt::format("{:0{}x}", value, modifier.width);
      break;
    case 'X':
      to += fmt::format("{:0{}X}", value, modifier.width);
      break;
    default:
      append_nibbles(value, modifier.width, modifier.base == 'N', to);
  }
}

}  // namespace

OrFault<GenerateRange> parse_range(const Token& token) {
  GenerateRange range;
  const char* const end = token.text.end();
  auto result = std::from_chars(token.text.begin(), end, range.start);
  bool good = result.ec == std::errc() && result.ptr != end && *result.ptr == '-';
  if (good) {
    result = std::from_chars(result.ptr + 1, end, range.stop);
    good = result.ec == std::errc();
  }
  if (good && result.ptr != end) {
    good = *result.ptr == '/';
    if (good) result = std::from_chars(result.ptr + 1, end, range.step);
    good = good && result.ec == std::errc() && result.ptr == end;
  }
  if (!good || range.step == 0 || range.stop < range.start) {
    return fault(token.line, "$GENERATE: expected a range such as 1-100 or 0-10/2, not '{}'", token.text);
  }
  if ((range.stop - range.start) / range.step >= kMaxGenerated) {
    return fault(token.line, "$GENERATE: more than {} steps", kMaxGenerated);
  }
  return range;
}

OrFault<> append_generated(const Token& token, std::uint32_t value, bool all_data, std::string& to) {
  const std::string_view text = token.text;
  const bool has_quotes = token.quoted && !all_data;
  if (has_quotes) to += '"';
  for (std::size_t i = 0; i < text.size(); ++i) {
    if (text[i] == '\\' && i + 1 < text.size()) {
      if (text[i + 1] != '"' || !all_data) to += text[i];
      to += text[++i];
    } else if (text[i] != '$') {
      to += text[i];
    } else if (i + 1 < text.size() && text[i + 1] == '$') {
      to += text[++i];
    } else {
      Modifier modifier;
      if (i + 1 < text.size() && text[i + 1] == '{') {
        const std::size_t close = text.find('}', i);
        if (close == std::string_view::npos || !parse_modifier(text.substr(i + 2, close - i - 2), modifier)) {
          return fault(token.line, "$GENERATE: malformed '{}'", text);
        }
        i = close;
      }
      append_number(value + modifier.offset, modifier, to);
    }
  }
  if (has_quotes) to += '"';
  return {};
}

}  // namespace swage::zonefile
