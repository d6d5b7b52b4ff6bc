#include "core/http/response_text.h"

#include <fmt/format.h>

#include <algorithm>
#include <boost/beast/http/status.hpp>
#include <functional>
#include <span>

#include "core/http/grammar.h"
#include "core/result.h"

namespace swage::http {

namespace {

bool is_ours(std::string_view name) {
  constexpr std::string_view kOurs[] = {"Content-Length", "Transfer-Encoding", "Connection", "Keep-Alive", "Date"};
  return std::ranges::any_of(kOurs, [name](std::string_view ours) { return equal_without_case(ours, name); });
}

// "name: value", without control characters in the value.
void append(std::string& text, const Field& field) {
  text.append(field.name).append(": ");
  const std::size_t value = text.size();
  text.append(field.value).append("\r\n");
  const std::span<char> written(&text[value], field.value.size());
  std::ranges::replace_if(written, std::not_fn(is_text_char), ' ');
}

}  // namespace

std::string date_text(std::chrono::system_clock::time_point now) {
  constexpr std::string_view kDays[] = {"Sun", "Mon", "Tue", "Wed", "Thu", "Fri", "Sat"};
  constexpr std::string_view kMonths[] = {"Jan", "Feb", "Mar", "Apr", "May", "Jun",
                                          "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"};
  const auto day = std::chrono::floor<std::chrono::days>(now);
  const std::chrono::year_month_day date(day);
  const std::chrono::hh_mm_ss clock(std::chrono::floor<std::chrono::seconds>(now - day));
  return fmt::format("{}, {:02} {} {:04} {:02}:{:02}:{:02} GMT", kDays[std::chrono::weekday(day).c_encoding()],
                     static_cast<unsigned>(date.day()), kMonths[static_cast<unsigned>(date.month()) - 1],
                     static_cast<int>(date.year()), clock.hours().count(), clock.minutes().count(),
                     clock.seconds().count());
}

std::string response_text(const Response& response, Framing framing, std::chrono::system_clock::time_point now) {
  CHECK(response.status >= 200 && response.status <= 599);
  const auto reason = boost::beast::http::obsolete_reason(boost::beast::http::int_to_status(response.status));
  const bool has_no_body = response.status == 204 || response.status == 304;
  std::string text;
  text.reserve(1024 + response.body.size());
  text.append("HTTP/1.1 ").append(std::to_string(response.status)).append(" ").append(reason.data(), reason.size());
  text.append("\r\nDate: ").append(date_text(now)).append("\r\n");
  for (const Field& field : response.fields) {
    if (is_token(field.name) && !is_ours(field.name)) append(text, field);
  }
  if (!has_no_body) text.append("Content-Length: ").append(std::to_string(response.body.size())).append("\r\n");
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
