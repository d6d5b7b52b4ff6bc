// A short response of the broker: a status, and a line of text that says why.
#pragma once

#include <string>
#include <string_view>

#include "core/http/message.h"

namespace swage::plugins::broker {

[[nodiscard]] inline http::Response respond(unsigned status, std::string_view text) {
  http::Response response;
  response.status = status;
  if (!text.empty()) {
    response.fields.add("Content-Type", "text/plain; charset=utf-8");
    response.body = std::string(text) + '\n';
  }
  return response;
}

}  // namespace swage::plugins::broker
