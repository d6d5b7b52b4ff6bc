#include "core/websocket/websocket.h"

#include <openssl/rand.h>

#include <array>
#include <utility>

#include "core/async/carrier.h"
#include "core/async/pieces.h"
#include "core/websocket/codec.h"
#include "core/websocket/upgrade.h"

namespace swage::websocket {

using async::Loop;
using async::Stream;
using async::Task;

namespace {

constexpr std::size_t kMessage = std::size_t{16} << 10;  // the most bytes that we put into one

void fill_randomly(MutableBytes bytes) { CHECK(RAND_bytes(bytes.data(), static_cast<int>(bytes.size())) == 1); }

struct WebSocket : async::Carrier {
  using Shared = std::shared_ptr<WebSocket>;

  WebSocket(Loop& loop, std::unique_ptr<Stream> stream, Side side)
      : Carrier(loop, std::move(stream)), codec(side, fill_randomly) {}

  static Task<Result<>> connect(Shared self, std::string host, std::string path);
  static Task<Result<>> accept(Shared self);
  static Task<Result<std::size_t>> read(Shared self, MutableBytes into);
  static Task<Result<>> write(Shared self, Stream::Parts parts);
  void leave();

  Task<Result<>> read_head(HttpHead& head);
  Task<Result<>> say(std::string text);

  Codec codec;
  bool upgraded = false;
};

Task<Result<>> WebSocket::say(std::string text) {
  std::vector<std::uint8_t> bytes(text.begin(), text.end());
  put(bytes);
  co_return co_await written(0);
}

// What follows the head stays in input().
Task<Result<>> WebSocket::read_head(HttpHead& head) {
  for (;;) {
    CO_TRY(const bool more, co_await fill());
    if (!more) co_return fail("WebSocket: the other side closed the connection instead of an upgrade");
    CO_TRY(const bool whole, head.receive(input()));
    release_input();
    if (whole) co_return {};
  }
}

Task<Result<>> WebSocket::connect(Shared self, std::string host, std::string path) {
  std::array<std::uint8_t, 16> random;
  fill_randomly(random);
  const std::string key = client_key(random);
  CO_TRY(std::string request, upgrade_request(host, path, key));
  CO_TRY(co_await self->say(std::move(request)));
  HttpHead head;
  CO_TRY(co_await self->read_head(head));
  CO_TRY(check_upgrade_response(head.text(), key));
  self->upgraded = true;
  co_return {};
}

Task<Result<>> WebSocket::accept(Shared self) {
  HttpHead head;
  CO_TRY(co_await self->read_head(head));
  UpgradeAnswer answer = answer_upgrade_request(head.text());
  CO_TRY(co_await self->say(std::move(answer.response)));
  if (answer.refusal) co_return std::unexpected(*std::move(answer.refusal));
  self->upgraded = true;
  co_return {};
}

Task<Result<std::size_t>> WebSocket::read(Shared self, MutableBytes into) {
  for (;;) {
    CO_TRY(self->can_read());
    const Result<std::size_t> size = self->codec.receive(self->input(), into);
    self->put(self->codec.output());
    self->release_input();
    if (!size) co_return self->fail_for_ever(size.error());
    if (*size != 0 || self->codec.ended()) co_return *size;
    CO_TRY(const bool more, co_await self->fill());
    if (!more) {
      co_return self->fail_for_ever(Error("WebSocket: truncated: the connection ended without a close frame"));
    }
  }
}

Task<Result<>> WebSocket::write(Shared self, Stream::Parts parts) {
  CO_TRY(self->can_write());
  async::Pieces messages(parts, kMessage);
  for (Bytes message = messages.next(); !message.empty(); message = messages.next()) {
    if (self->codec.closed()) co_return fail("write: the other side closed the WebSocket");
    self->codec.send(message);
    self->put(self->codec.output());
    CO_TRY(co_await self->written(kRoom));
  }
  co_return co_await self->written(0);
}

void WebSocket::leave() {
  if (upgraded && can_write() && pending() == 0) {
    codec.close(Close::normal);
    put(codec.output());
  }
  close();
}

class WebSocketStream : public Stream {
 public:
  explicit WebSocketStream(WebSocket::Shared socket) : socket_(std::move(socket)) {}
  ~WebSocketStream() override { socket_->leave(); }
  WebSocketStream(const WebSocketStream&) = delete;
  WebSocketStream& operator=(const WebSocketStream&) = delete;

  Task<Result<std::size_t>> read(MutableBytes into) override { return WebSocket::read(socket_, into); }
  void close() override { socket_->leave(); }

 private:
  Task<Result<>> write_parts(Parts parts) override {
    return async::Carrier::all_of(socket_, WebSocket::write(socket_, parts));
  }

  WebSocket::Shared socket_;
};

}  // namespace

Task<Result<std::unique_ptr<Stream>>> connect(Loop& loop, std::unique_ptr<Stream> carrier, std::string host,
                                              std::string path) {
  const auto socket = std::make_shared<WebSocket>(loop, std::move(carrier), Side::client);
  std::unique_ptr<Stream> stream = std::make_unique<WebSocketStream>(socket);  // closes where this ends early
  CO_TRY(co_await WebSocket::connect(socket, std::move(host), std::move(path)));
  co_return stream;
}

Task<Result<std::unique_ptr<Stream>>> accept(Loop& loop, std::unique_ptr<Stream> carrier) {
  const auto socket = std::make_shared<WebSocket>(loop, std::move(carrier), Side::server);
  std::unique_ptr<Stream> stream = std::make_unique<WebSocketStream>(socket);
  CO_TRY(co_await WebSocket::accept(socket));
  co_return stream;
}

}  // namespace swage::websocket
