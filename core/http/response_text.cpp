#include "core/http/response_text.h"

#include <fmt/chrono.h>

#include <algorithm>
#include <boost/beast/http/status.hpp>
#include <functional>
#include <iterator>

#include "core/http/grammar.h"
#include "core/result.h"

namespace swage::http {

namespace {

bool is_ours(std::string_view name) {
  constexpr std::string_view kOurs[] = {"Content-Length", "Transfer-Encoding", "Connection", "Keep-Alive", "Date"};
  return std::ranges::any_of(kOurs, [name](std::string_view ours) { return equal_without_case(ours, name); });
}

std::string without_controls(std::string value) {
  std::ranges::replace_if(value, std::not_fn(is_text_char), ' ');
  return value;
}

}  // namespace

std::string response_text(const Response& response, Framing framing, std::chrono::system_clock::time_point now) {
  CHECK(response.status >= 200 && response.status <= 599);
  const auto reason = boost::beast::http::obsolete_reason(boost::beast::http::int_to_status(response.status));
  const bool has_no_body = response.status == 204 || response.status == 304;
  std::string text;
  const auto out = std::back_inserter(text);
  fmt::format_to(out, "HTTP/1.1 {} {}\r\n", response.status, std::string_view(reason.data(), reason.size()));
  const std::time_t seconds = std::chrono::system_clock::to_time_t(now);
  fmt::format_to(out, "Date: {:%a, %d %b %Y %H:%M:%S} GMT\r\n", fmt::gmtime(seconds));
  for (const Field& field : response.fields) {
    if (!is_token(field.name) || is_ours(field.name)) continue;
    fmt::format_to(out, "{}: {}\r\n", field.name, without_controls(field.value));
  }
  if (!has_no_body) fmt::format_to(out, "Content-Length: {}\r\n", response.body.size());
  if (framing.closes) {
    text += "Connection: close\r\n";
  } else if (framing.to_http_1_0) {
    text += "Connection: keep-alive\r\n";
  }
  text += "\r\n";
  if (!has_no_body && !framing.to_head) text += response.body;
  return text;
}

}  // namespace swage::http
