// A Response as the bytes of HTTP/1.1. Without I/O and without a clock. Internal to core/http.
#pragma once

#include <chrono>
#include <string>

#include "core/http/message.h"

namespace swage::http {

// What the server knows of the response besides the Response.
struct Framing {
  bool to_head = false;      // the request was HEAD: no body, only its length
  bool to_http_1_0 = false;  // it wants to be told if the connection goes on
  bool closes = false;       // the connection after it
};

// "Sun, 06 Nov 1994 08:49:37 GMT" (RFC 9110, 5.6.7), without asking the C library for a calendar and its locale.
[[nodiscard]] std::string date_text(std::chrono::system_clock::time_point now);

// The date is RFC 9110's 6.6.1. Control characters of the response's fields become spaces; a field whose name is none
// is left out.
[[nodiscard]] std::string response_text(const Response& response, Framing framing,
                                        std::chrono::system_clock::time_point now);

}  // namespace swage::http
