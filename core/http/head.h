// The head of a message: its first line and its fields. Read by Boost.Beast's parser; nothing else includes Beast's,
// and nothing throws. Internal to core/http.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>

#include "core/http/fault.h"
#include "core/http/message.h"

namespace swage::http {

struct Head {
  std::string method, target;  // of a request
  unsigned status = 0;         // of a response
  bool http_1_0 = false;       // else 1.1
  Fields fields;

  // True where the connection can go on after this message, as far as it says (RFC 9112, 9.3).
  [[nodiscard]] bool keeps_alive() const;
};

// `text`: as a HeadReader gives it. Refuses, among the rest, space before a colon, lengths that differ, and
// Content-Length together with chunks.
[[nodiscard]] Checked<Head> parse_request_head(std::string_view text, std::size_t most_fields);
[[nodiscard]] Checked<Head> parse_response_head(std::string_view text, std::size_t most_fields);

}  // namespace swage::http
