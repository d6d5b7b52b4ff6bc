#include "core/http/http1.h"

#include <algorithm>
#include <chrono>

#include "core/text.h"

namespace swage::http {

void Http1::receive(Bytes in) { in_ += as_text(in); }

std::optional<Inbound::Incoming> Http1::next() {
  if (asked_ || over_ || in_.empty()) return std::nullopt;
  if (parser_ == nullptr) parser_ = std::make_unique<RequestParser>(limits_);
  const RequestParser::Stage before = parser_->stage();
  Bytes rest = as_bytes(in_);
  const auto received = parser_->receive(rest);
  in_.erase(0, in_.size() - rest.size());
  if (!received) {
    Response refusal;
    refusal.status = received.error().status;
    refusal.fields.add("Content-Type", "text/plain; charset=utf-8");
    refusal.body = std::string(received.error().text) + "\n";
    framing_ = {};
    framing_.closes = true;
    put(refusal);
    return std::nullopt;
  }
  if (parser_->stage() != RequestParser::Stage::done) {
    using enum RequestParser::Stage;
    if (parser_->stage() == body && before != body && parser_->expects_continue())
      out_ += "HTTP/1.1 100 Continue\r\n\r\n";
    return std::nullopt;
  }
  const bool goes_on = parser_->keeps_alive();
  Incoming incoming{0, parser_->take()};
  parser_.reset();
  framing_ = {incoming.request.method == "HEAD", incoming.request.http_1_0,
              !goes_on || incoming.request.body_too_large};
  asked_ = true;
  return incoming;
}

void Http1::respond(std::int32_t, Response response) {
  if (!asked_) return;
  asked_ = false;
  put(response);
}

void Http1::put(const Response& response) {
  out_ += response_text(response, framing_, std::chrono::system_clock::now());
  over_ = framing_.closes;
}

void Http1::write(std::vector<std::uint8_t>& out, std::size_t most) {
  const std::size_t size = std::min(out_.size(), most > out.size() ? most - out.size() : 0);
  out.insert(out.end(), out_.begin(), out_.begin() + static_cast<std::ptrdiff_t>(size));
  out_.erase(0, size);
}

}  // namespace swage::http
