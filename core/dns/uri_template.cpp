#include "core/dns/uri_template.h"

#include <algorithm>
#include <cstdint>

#include "core/text.h"

namespace swage::dns {
namespace {

// A variable without its modifier, ":3" or "*" (RFC 6570 section 2.4).
std::string_view without_modifier(std::string_view variable) {
  if (variable.ends_with('*')) variable.remove_suffix(1);
  return variable.substr(0, variable.find(':'));
}

bool is_name_character(char c) { return is_letter_or_digit(c) || c == '_' || c == '.' || c == '%'; }

// What stands between braces (RFC 6570 section 2.2); `has_dns` becomes true where one of the variables is "dns".
bool is_expression(std::string_view text, bool& has_dns) {
  constexpr std::string_view kOperators = "+#./;?&";
  if (!text.empty() && kOperators.find(text.front()) != std::string_view::npos) text.remove_prefix(1);
  while (true) {
    const std::size_t comma = text.find(',');
    const std::string_view name = without_modifier(text.substr(0, comma));
    if (name.empty() || !std::ranges::all_of(name, is_name_character)) return false;
    has_dns |= name == "dns";
    if (comma == std::string_view::npos) return true;
    text.remove_prefix(comma + 1);
  }
}

}  // namespace

// RFC 3629 section 4.
bool is_utf8(std::string_view text) {
  const auto byte = [&](std::size_t at) { return static_cast<std::uint8_t>(text[at]); };
  for (std::size_t at = 0; at < text.size();) {
    const std::uint8_t first = byte(at);
    const std::size_t size = first < 0x80   ? 1
                             : first < 0xC2 ? 0
                             : first < 0xE0 ? 2
                             : first < 0xF0 ? 3
                             : first < 0xF5 ? 4
                                            : 0;
    if (size == 0 || text.size() - at < size) return false;
    for (std::size_t i = 1; i < size; ++i) {
      if ((byte(at + i) & 0xC0) != 0x80) return false;
    }
    if (size > 2) {  // overlong forms, surrogates, beyond U+10FFFF
      const std::uint8_t second = byte(at + 1);
      if ((first == 0xE0 && second < 0xA0) || (first == 0xED && second > 0x9F) || (first == 0xF0 && second < 0x90) ||
          (first == 0xF4 && second > 0x8F)) {
        return false;
      }
    }
    at += size;
  }
  return true;
}

bool is_doh_path(std::string_view path) {
  if (!path.starts_with('/') || !is_utf8(path)) return false;
  bool has_dns = false;
  while (true) {
    const std::size_t open = path.find_first_of("{}");
    if (open == std::string_view::npos) return has_dns;
    const std::size_t close = path.find_first_of("{}", open + 1);
    if (path[open] != '{' || close == std::string_view::npos || path[close] != '}') return false;
    if (!is_expression(path.substr(open + 1, close - open - 1), has_dns)) return false;
    path.remove_prefix(close + 1);
  }
}

}  // namespace swage::dns
