// Http2: HTTP/2 (RFC 9113) over nghttp2. What a client can make it hold, or do, is bounded: streams, their fields and
// bodies, streams that it resets, CONTINUATION, PING and SETTINGS frames (nghttp2's own limits); all bodies of requests
// that are not answered have room for two of the largest together, by flow control.
#pragma once

#include <memory>

#include "core/http/inbound.h"

namespace swage::http {

class Http2 final : public Inbound {
 public:
  static constexpr std::uint32_t kStreams = 100;

  explicit Http2(MessageLimits limits);
  ~Http2() override;
  Http2(const Http2&) = delete;
  Http2& operator=(const Http2&) = delete;

  void receive(Bytes in) override;
  [[nodiscard]] std::optional<Incoming> next() override;
  [[nodiscard]] bool has_next() const override;
  void respond(std::int32_t stream, Response response) override;
  void write(std::vector<std::uint8_t>& out, std::size_t most) override;
  [[nodiscard]] bool wants_write() const override;
  [[nodiscard]] bool over() const override;
  [[nodiscard]] bool is_full() const override { return false; }  // it must hear of windows
  [[nodiscard]] std::size_t held() const override;

  // No further streams; those that are there are answered.
  void drain();
  // Streams that are there.
  [[nodiscard]] std::size_t streams() const;

 private:
  struct State;
  std::unique_ptr<State> state_;
};

}  // namespace swage::http
