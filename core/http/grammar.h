// What characters the parts of a message are made of (RFC 9110, 5.5 and 5.6.2). Internal to core/http.
#pragma once

#include <algorithm>
#include <string_view>

#include "core/text.h"

namespace swage::http {

// Of methods and names of fields.
[[nodiscard]] inline bool is_token_char(char c) {
  return is_letter_or_digit(c) || (c != '\0' && std::string_view("!#$%&'*+-.^_`|~").find(c) != std::string_view::npos);
}

// Of values: any character but control characters; tabs are allowed.
[[nodiscard]] inline bool is_text_char(char c) {
  const auto byte = static_cast<unsigned char>(c);
  return c == '\t' || (byte >= 0x20 && byte != 0x7F);
}

[[nodiscard]] inline bool is_token(std::string_view text) {
  return !text.empty() && std::ranges::all_of(text, is_token_char);
}

// Without the spaces and tabs around it.
[[nodiscard]] inline std::string_view trim(std::string_view text) {
  const std::size_t begin = text.find_first_not_of(" \t");
  if (begin == std::string_view::npos) return {};
  return text.substr(begin, text.find_last_not_of(" \t") + 1 - begin);
}

}  // namespace swage::http
