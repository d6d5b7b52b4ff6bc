#include "core/http/connection.h"

#include <utility>

#include "core/embedded_ipv4.h"
#include "core/http/proxied_stream.h"

namespace swage::http {

using async::Task;
using async::TlsSide;
using async::TlsStream;
using Stage = RequestParser::Stage;

namespace {

constexpr std::size_t kReadAhead = 16 << 10;   // bytes
constexpr std::chrono::seconds kLinger(2);     // see Connection::linger()
constexpr std::size_t kMaxLingered = 1 << 20;  // bytes

}  // namespace

Connection::Connection(Shared& shared, std::unique_ptr<async::TcpStream> tcp,
                       const std::optional<async::TlsContext>& tls)
    : shared_(shared),
      ahead_(kReadAhead),
      changed_(shared.loop),
      room_(shared.loop),
      gone_(shared.loop),
      read_deadline_(shared.loop,
                     [this] {
                       late_ = true;
                       changed_.set();
                     }),
      write_deadline_(shared.loop, [this] { close(); }),
      caller_{unmapped(tcp->peer().address), gone_},
      client_{network_of(caller_.address), {}} {
  async::TcpStream* const plain = tcp.get();
  const Endpoint peer = tcp->peer();
  std::unique_ptr<async::Stream> carrier = std::move(tcp);
  if (const auto& policy = shared.limits.proxy_protocol) {
    const auto known = [this](const IpAddress& client) { caller_.address = unmapped(client); };
    carrier = std::make_unique<ProxiedStream>(std::move(carrier), *policy, peer, known);
  }
  if (!tls) {
    tcp_ = plain;
    stream_ = std::move(carrier);
    return;
  }
  auto stream = std::make_unique<TlsStream>(shared.loop, std::move(carrier), *tls, TlsSide::server);
  tls_ = stream.get();
  stream_ = std::move(stream);
}

void Connection::start() {
  client_.waiting_since = shared_.loop.now();
  tasks_.start(run());
}

void Connection::close() {
  closed_ = ended_ = true;
  gone_.set();
  changed_.set();
  stream_->close();
}

Task<> Connection::run() {
  bool goes_on = co_await shake_hands();
  if (goes_on) tasks_.start(read_ahead());
  if (goes_on && tls_ != nullptr && tls_->alpn() == "h2") {
    co_await serve_http2();
    goes_on = false;
  }
  for (std::size_t count = 1; goes_on; ++count) {
    goes_on = co_await serve(count >= shared_.limits.requests);
    if (goes_on && !ahead_.bytes().empty()) co_await let_others_go_on();
  }
  close();
  client_.waiting_since.reset();
  shared_.ended(*this);
}

Task<bool> Connection::shake_hands() {
  if (tls_ == nullptr) co_return true;
  write_deadline_.start(shared_.limits.header_time);
  const Result<> done = co_await tls_->handshake();
  write_deadline_.stop();
  co_return done.has_value();
}

Task<> Connection::read_ahead() {
  while (true) {
    if (ahead_.full()) {
      room_.reset();
      co_await room_.wait();
    }
    const Result<std::size_t> size = co_await stream_->read(ahead_.room());
    if (!size || *size == 0) break;
    ahead_.filled(*size);
    changed_.set();
  }
  ended_ = true;
  gone_.set();
  changed_.set();
}

// Otherwise a client that sends many requests at once would have all of them answered while the others wait.
Task<> Connection::let_others_go_on() {
  client_.waiting_since = shared_.loop.now();
  co_await async::sleep(shared_.loop, std::chrono::milliseconds(0));
}

// What it holds of what the client sent, from now on.
void Connection::hold(std::size_t bytes) {
  shared_.held += bytes - client_.held;  // modulo 2^64
  client_.held = bytes;
  if (shared_.held > shared_.limits.held && shared_.pressed) shared_.pressed();
}

void Connection::consume(std::size_t size) {
  ahead_.consume(size);
  if (size > 0) room_.set();
}

// Takes one request and answers it. False: it was the connection's last.
Task<bool> Connection::serve(bool last) {
  const Limits& limits = shared_.limits;
  RequestParser parser({limits.header, limits.fields, limits.body});
  const Outcome outcome = co_await receive(parser);
  read_deadline_.stop();
  if (outcome == Outcome::closed) co_return false;
  client_.waiting_since.reset();
  first_ = false;
  if (outcome == Outcome::refused) {
    co_await refuse();
    co_return false;
  }
  const bool keeps_alive = parser.keeps_alive() && !last;
  Task<bool> handled = handle(parser.take(), keeps_alive);
  co_return co_await std::move(handled);
}

// Each deadline counts from where its part begins, however many bytes come meanwhile.
void Connection::await_stage(Stage stage) {
  const Limits& limits = shared_.limits;
  if (stage == Stage::start) read_deadline_.start(first_ ? limits.header_time : limits.idle_time);
  if (stage == Stage::head) read_deadline_.start(limits.header_time);
  if (stage == Stage::body) read_deadline_.start(limits.body_time);
}

// The server drains: a request that the client may be about to send is waited for, but not for long.
void Connection::hurry() {
  const std::chrono::nanoseconds waited(shared_.loop.now() - *client_.waiting_since);
  const auto left = std::chrono::ceil<std::chrono::milliseconds>(shared_.limits.grace_time - waited);
  late_ = late_ || left.count() <= 0;
  if (!late_) read_deadline_.start(left);
}

Task<Connection::Outcome> Connection::receive(RequestParser& parser) {
  client_.waiting_since = shared_.loop.now();
  late_ = false;
  bool hurried = false;
  std::size_t taken = 0;
  await_stage(Stage::start);
  for (Stage before = Stage::start;; before = parser.stage()) {
    Bytes in = ahead_.bytes();
    const std::size_t size = in.size();
    const auto received = parser.receive(in);
    consume(size - in.size());
    taken += size - in.size();
    hold(ahead_.capacity() + 2 * taken);
    if (!received) {
      refusal_ = received.error();
      co_return Outcome::refused;
    }
    const Stage stage = parser.stage();
    if (stage == Stage::done) co_return Outcome::request;
    if (stage == Stage::start && shared_.draining && !std::exchange(hurried, true)) hurry();
    if (ended_ || (stage == Stage::start && late_)) co_return Outcome::closed;
    if (stage != before) {
      late_ = false;
      await_stage(stage);
    }
    if (late_) {
      refusal_ = Refusal{408, "the request came too slowly"};
      co_return Outcome::refused;
    }
    changed_.reset();
    if (stage == Stage::body && before != Stage::body && parser.expects_continue()) {
      const bool sent = co_await send("HTTP/1.1 100 Continue\r\n\r\n");
      if (!sent) co_return Outcome::closed;
    }
    co_await changed_.wait();
  }
}

Task<bool> Connection::handle(Request request, bool keeps_alive) {
  Framing framing{request.method == "HEAD", request.http_1_0, !keeps_alive};
  Task<Response> handled = shared_.handler(std::move(request), caller_);
  const Response response = co_await std::move(handled);
  framing.closes |= shared_.draining || response.fields.lists("Connection", "close");
  const std::string text = response_text(response, framing, std::chrono::system_clock::now());
  hold(ahead_.capacity());
  const bool sent = co_await send(text);
  if (sent && framing.closes) co_await linger();
  co_return sent && !framing.closes;
}

Task<> Connection::refuse() {
  if (shared_.refused) shared_.refused(address(), refusal_.status, refusal_.text);
  Response response;
  response.status = refusal_.status;
  response.fields.add("Content-Type", "text/plain; charset=utf-8");
  response.body = std::string(refusal_.text) + "\n";
  Framing framing;
  framing.closes = true;
  const std::string text = response_text(response, framing, std::chrono::system_clock::now());
  const bool sent = co_await send(text);
  if (sent) co_await linger();
}

Task<bool> Connection::send(std::string_view text) {
  if (!client_.waiting_since) client_.waiting_since = shared_.loop.now();
  write_deadline_.start(shared_.limits.write_time);
  const Result<> sent = co_await stream_->write(as_bytes(text));
  write_deadline_.stop();
  co_return sent.has_value();
}

// Waits for the client to close, and reads what it sends meanwhile: to close on bytes that were not read would reset
// the connection, and the client might never see the response (RFC 9112, 9.6).
Task<> Connection::linger() {
  client_.waiting_since = shared_.loop.now();
  if (tls_ != nullptr) {
    write_deadline_.start(kLinger);
    const Result<> ended = co_await tls_->end_writing();
    write_deadline_.stop();
    if (!ended) co_return;
  } else if (!closed_) {
    tcp_->end_writing();
  }
  late_ = false;
  read_deadline_.start(kLinger);
  std::size_t lingered = 0;
  while (!ended_ && !late_) {
    if (lingered < kMaxLingered) {
      lingered += ahead_.bytes().size();
      consume(ahead_.bytes().size());
    }
    changed_.reset();
    co_await changed_.wait();
  }
  read_deadline_.stop();
}

}  // namespace swage::http
