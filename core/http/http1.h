// Http1: HTTP/1.1 and 1.0 (RFC 9112), one request at a time: further ones wait, and nothing is read meanwhile.
#pragma once

#include <memory>
#include <string>

#include "core/http/inbound.h"
#include "core/http/request_parser.h"
#include "core/http/response_text.h"

namespace swage::http {

class Http1 final : public Inbound {
 public:
  explicit Http1(MessageLimits limits) : limits_(limits) {}

  void receive(Bytes in) override;
  [[nodiscard]] std::optional<Incoming> next() override;
  [[nodiscard]] bool has_next() const override { return !asked_ && !over_ && !in_.empty(); }
  void respond(std::int32_t stream, Response response) override;
  void write(std::vector<std::uint8_t>& out, std::size_t most) override;
  [[nodiscard]] bool wants_write() const override { return !out_.empty(); }
  [[nodiscard]] bool over() const override { return over_; }
  [[nodiscard]] bool is_full() const override { return asked_ || over_; }
  [[nodiscard]] std::size_t held() const override { return in_.size() + out_.size(); }

 private:
  void put(const Response& response);

  MessageLimits limits_;
  std::unique_ptr<RequestParser> parser_;  // nullptr: between requests
  std::string in_;                         // what is not parsed yet
  std::string out_;
  Framing framing_;  // of the response to the request at hand
  bool asked_ = false;
  bool over_ = false;
};

}  // namespace swage::http
