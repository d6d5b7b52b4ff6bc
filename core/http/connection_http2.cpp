// Connection, where the client speaks HTTP/2: requests are handled beside each other.
#include <utility>

#include "core/http/connection.h"
#include "core/http/http2.h"

namespace swage::http {

using async::Task;

namespace {

constexpr std::size_t kAtOnce = 16;               // requests of a connection that are handled
constexpr std::size_t kWrittenAtOnce = 64 << 10;  // bytes

}  // namespace

// What a connection waits for, each with its own deadline.
enum class Connection::Http2Waits { handlers, rest_of_request, request };

Task<> Connection::handle_http2(Http2& http, Http2Work& work, std::int32_t stream, Request request) {
  ++work.handled;
  Task<Response> handled = shared_.handler(std::move(request), caller_);
  Response response = co_await std::move(handled);
  http.respond(stream, std::move(response));
  --work.handled;
  work.answered = true;
  changed_.set();
}

void Connection::await_http2(Http2Waits waits) {
  const Limits& limits = shared_.limits;
  late_ = false;
  if (waits == Http2Waits::handlers) {
    client_.waiting_since.reset();
    return read_deadline_.stop();
  }
  client_.waiting_since = shared_.loop.now();
  if (waits == Http2Waits::rest_of_request) return read_deadline_.start(limits.header_time + limits.body_time);
  read_deadline_.start(first_ ? limits.header_time : limits.idle_time);
}

Task<> Connection::serve_http2() {
  const Limits& limits = shared_.limits;
  Http2 http({limits.header, limits.fields, limits.body});
  Http2Work work;
  async::Tasks handlers;  // end before what they refer to
  std::optional<Http2Waits> waits;
  bool draining = false;
  for (std::size_t asked = 0; true;) {
    changed_.reset();
    const Bytes in = ahead_.bytes();
    http.receive(in);
    consume(in.size());
    while (work.handled < kAtOnce) {
      std::optional<Inbound::Incoming> next = http.next();
      if (!next) break;
      first_ = false;
      ++asked;
      handlers.start(handle_http2(http, work, next->stream, std::move(next->request)));
    }
    hold(ahead_.capacity() + 2 * http.held());
    if ((shared_.draining || asked >= limits.requests) && !std::exchange(draining, true)) http.drain();
    std::vector<std::uint8_t> out;
    http.write(out, kWrittenAtOnce);
    if (!out.empty()) {
      const bool sent = co_await send(as_text(Bytes(out)));
      if (!sent) co_return;
      if (waits == Http2Waits::handlers) client_.waiting_since.reset();
      continue;
    }
    if (http.over() || ended_ || (late_ && work.handled == 0)) co_return;
    if (draining && http.streams() == 0) co_return;
    const Http2Waits now = work.handled > 0     ? Http2Waits::handlers
                           : http.streams() > 0 ? Http2Waits::rest_of_request
                                                : Http2Waits::request;
    if (waits != now || std::exchange(work.answered, false)) await_http2(now);
    waits = now;
    if (!http.has_next() || work.handled == kAtOnce) co_await changed_.wait();
  }
}

}  // namespace swage::http
