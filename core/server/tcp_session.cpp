#include "core/server/tcp_session.h"

#include <linux/sockios.h>
#include <sys/ioctl.h>
#include <sys/socket.h>

#include <algorithm>
#include <cerrno>
#include <optional>

#include "core/dns/parse.h"
#include "core/doh/doh.h"
#include "core/http/http1.h"
#include "core/http/http2.h"
#include "core/server/tcp_server.h"
#include "core/server/tcp_turns.h"

namespace swage::server {
namespace {

using namespace std::chrono_literals;

constexpr std::size_t kHttpInARow = 64;       // requests over HTTP in a turn
constexpr std::size_t kHttpHeld = 256 << 10;  // bytes of a connection, beyond which nothing more is answered
constexpr auto kReadOn = 2s;
constexpr std::size_t kKept = 512;  // bytes that a buffer keeps for the next part of a request

// Timers may pass 1 ms early.
constexpr std::int64_t kTimerIsEarly = 1'000'000;  // nanoseconds

bool try_again() { return errno == EAGAIN || errno == EWOULDBLOCK || errno == EINTR; }

void forget(std::vector<std::uint8_t>& bytes) {
  bytes.clear();
  if (bytes.capacity() > kKept) std::vector<std::uint8_t>().swap(bytes);
}

}  // namespace

TcpSession::TcpSession(TcpServer& server, TcpTurns& turns, Descriptor socket, const Endpoint& client,
                       const Endpoint& local)
    : Origin(kMostParked),
      server_(server),
      turns_(turns),
      socket_(std::move(socket)),
      secured_(server.router().scheme == Scheme::dns),
      arrival_{dns::Transport::tcp, client, local, 0, this, server.router().scheme},
      awaits_header_(server.router().proxy != nullptr),
      timer_(turns.loop, [this] { time_passed(); }) {}

void TcpSession::start(Place self) {
  self_ = self;
  if (!turns_.clients.add(*this, arrival_.client.address)) {
    socket_ = Descriptor();
    return server_.forget(self_);
  }
  if (!turns_.watch(*this)) return close();
  close_after(server_.time_for(server_.limits().read));
}

void TcpSession::close() {
  if (tls_ != nullptr && secured_ && !lingers_ && out_.empty()) tls_->say_goodbye();
  forget_parked();
  end_following();
  forget(in_);
  forget(out_);
  turns_.hold(*this, 0);
  turns_.clients.remove(*this);
  timer_.stop();
  tls_.reset();
  socket_ = Descriptor();
  server_.forget(self_);
}

// With a reset, where the client has not taken all: what it does not read would stay in the kernel for minutes.
void TcpSession::cut_off() {
  int unread = 0;
  if (!out_.empty() || ioctl(fd(), SIOCOUTQ, &unread) != 0 || unread != 0) {
    const linger reset{.l_onoff = 1, .l_linger = 0};
    setsockopt(fd(), SOL_SOCKET, SO_LINGER, &reset, sizeof reset);
  }
  close();
}

void TcpSession::serve() {
  arrival_.received = turns_.loop.now();
  if (waits_ == Waits::for_nothing) return close();  // the connection is gone
  if (lingers_) return read_on();
  if (!secured_) return shake_hands();
  if (!write_rest()) return close();
  if (!out_.empty()) return;
  if (following_) return send_following();
  if (http_ != nullptr) return serve_http();
  Bytes requests = in_;
  if (!more_ && !ends_ && !receive(requests)) return close();
  if (awaits_header_ && !ends_ && !take_header(requests)) return close();
  std::size_t size = 0;
  const std::size_t answered = ends_ || awaits_header_ ? 0 : answer(requests, size);
  keep(requests.subspan(answered));
  if (!write(Bytes(turns_.out).first(size))) return close();
  settle(answered > 0);
}

void TcpSession::shake_hands() {
  if (!turns_.may_shake_hands()) {  // it is still ready in the next turn
    if (waits_ == Waits::for_room) wait_for(Waits::for_a_turn);
    return;
  }
  if (tls_ == nullptr && !begin_tls()) return;
  const Step step = tls_->handshake();
  if (step == Step::failed || step == Step::ended) {
    turns_.count(TcpTurns::failed);
    return close();
  }
  secured_ = step == Step::done;
  if (secured_) turns_.count(tls_->resumed() ? TcpTurns::resumed : TcpTurns::full);
  if (secured_ && arrival_.scheme == Scheme::https) begin_http();
  wait_for(step == Step::wants_room       ? Waits::for_room
           : secured_ && tls_->has_more() ? Waits::for_a_turn
                                          : Waits::for_bytes);
}

// A header of the PROXY protocol comes before TLS.
bool TcpSession::begin_tls() {
  Bytes first;
  if (awaits_header_) {
    if (!receive(first) || !take_header(first)) return close(), false;
    if (awaits_header_) return keep(first), false;
  }
  tls_ = std::make_unique<async::TlsSocket>(server_.tls(), fd(), first);
  forget(in_);
  return true;
}

// To close while the client still sends would reset the connection, and it might never see the response (RFC 9112
// section 9.6). What it sends is read and forgotten.
void TcpSession::begin_to_linger() {
  lingers_ = true;
  tls_->say_goodbye();
  shutdown(fd(), SHUT_WR);
  turns_.hold(*this, 0);
  wait_for(Waits::for_bytes);
  close_after(kReadOn);
}

void TcpSession::read_on() {
  const ssize_t got = recv(fd(), turns_.in.data(), turns_.in.size(), 0);
  if (got == 0 || (got < 0 && !try_again())) close();
}

void TcpSession::begin_http() {
  if (tls_->alpn() == "h2") {
    http_ = std::make_unique<http::Http2>(doh::kLimits);
  } else {
    http_ = std::make_unique<http::Http1>(doh::kLimits);
  }
}

void TcpSession::serve_http() {
  Bytes requests;
  if (!more_ && !ends_ && !http_->is_full() && !receive(requests)) return close();
  http_->receive(requests);
  const bool answered = answer_http();
  if (!write_http()) return close();
  settle(answered);
}

bool TcpSession::answer_http() {
  bool answered = false;
  for (std::size_t in_a_row = 1; http_->held() < kHttpHeld && requests_ != server_.limits().most_requests; ++in_a_row) {
    std::optional<http::Inbound::Incoming> next = http_->next();
    if (!next) break;
    answered = true;
    ++requests_;
    const auto message = doh::message_of(next->request);
    if (!message) {
      http_->respond(next->stream, message.error());
      continue;
    }
    arrival_.stream = next->stream;
    const std::size_t waiting = parked();
    const MutableBytes out = MutableBytes(turns_.out).first(0xFFFF);
    const std::size_t size = turns_.responder.respond(server_.router(), *message, arrival_, out);
    if (turns_.responder.has_following()) static_cast<void>(turns_.responder.take_following());
    if (size > 0) {
      http_->respond(next->stream, doh::response_of(out.first(size)));
    } else if (parked() == waiting) {
      http_->respond(next->stream, doh::no_response());
    }
    if (in_a_row >= kHttpInARow) break;
  }
  if (requests_ == server_.limits().most_requests) ends_ = true;
  return answered;
}

bool TcpSession::write_http() {
  std::vector<std::uint8_t> made;
  http_->write(made, TcpTurns::kWriteSize);
  if (http_->over()) ends_ = true;
  const bool may_ask = !ends_ && http_->held() < kHttpHeld;
  more_ = http_->wants_write() || (may_ask && http_->has_next());
  return write(made);
}

TcpSession::Step TcpSession::read(std::size_t& size) {
  if (tls_ != nullptr) return tls_->read(turns_.in, size);
  const ssize_t got = recv(fd(), turns_.in.data(), turns_.in.size(), 0);
  if (got < 0) return try_again() ? Step::wants_bytes : Step::failed;
  size = static_cast<std::size_t>(got);
  return size == 0 ? Step::ended : Step::done;
}

std::optional<std::size_t> TcpSession::send(Bytes bytes) {
  if (bytes.empty()) return 0U;
  if (tls_ != nullptr) {
    std::size_t size = 0;
    return tls_->write(bytes, size) == Step::failed ? std::nullopt : std::optional(size);
  }
  const ssize_t size = ::send(fd(), bytes.data(), bytes.size(), MSG_NOSIGNAL);
  if (size >= 0) return static_cast<std::size_t>(size);
  return try_again() ? std::optional<std::size_t>(0U) : std::nullopt;
}

void TcpSession::send_following() {
  std::uint8_t* const out = turns_.out.data();
  const std::optional<std::size_t> size = turns_.responder.next(*following_, arrival_, {out + 2, 0xFFFF});
  if (!size) return close();
  if (*size == 0) {
    end_following();
    more_ = !in_.empty() && !ends_;  // it may be whole
    return settle(false);
  }
  store_u16(out, static_cast<std::uint16_t>(*size));
  if (!write(Bytes(turns_.out).first(2 + *size))) return close();
  settle(true);
}

void TcpSession::end_following() {
  if (following_) turns_.end_following();
  following_.reset();
}

// A request that arrives in pieces is put together in in_; others are answered where they were read.
bool TcpSession::receive(Bytes& requests) {
  std::size_t size = 0;
  const Step step = read(size);
  blocked_ = step == Step::wants_room;
  if (step == Step::ended && parked() > 0) {  // the client asks nothing more, and may wait for its answers
    ends_ = true;
    return true;
  }
  if (step == Step::ended || step == Step::failed) return false;
  if (step != Step::done) {
    requests = in_;
    return true;
  }
  requests = Bytes(turns_.in).first(size);
  if (in_.empty()) return true;
  in_.insert(in_.end(), requests.begin(), requests.end());
  requests = in_;
  return true;
}

bool TcpSession::take_header(Bytes& requests) {
  using Do = ProxyPolicy::Verdict::Do;
  const ProxyPolicy::Verdict verdict = server_.router().proxy->judge(requests, arrival_.client);
  if (verdict.what == Do::wait) return true;
  awaits_header_ = false;
  if (verdict.what == Do::refuse || !turns_.clients.move(*this, verdict.client.address)) return false;
  arrival_.client = verdict.client;
  requests = requests.subspan(verdict.size);
  return true;
}

std::size_t TcpSession::answer(Bytes requests, std::size_t& size) {
  const auto may_ask = [this] { return requests_ != server_.limits().most_requests; };
  std::size_t at = 0;
  more_ = false;
  for (std::size_t in_a_row = 1; may_ask() && requests.size() - at >= 2; ++in_a_row) {
    const std::size_t length = load_u16(&requests[at]);
    if (length < dns::kHeaderSize) {
      ends_ = true;
      break;
    }
    if (requests.size() - at < 2 + length) break;
    if (size >= TcpTurns::kWriteSize) {
      more_ = true;
      break;
    }
    const Bytes request = requests.subspan(at + 2, length);
    std::uint8_t* const out = &turns_.out[size];
    const std::size_t answer = turns_.responder.respond(server_.router(), request, arrival_, {out + 2, 0xFFFF});
    store_u16(out, static_cast<std::uint16_t>(answer));
    if (answer > 0) size += 2 + answer;
    at += 2 + length;
    ++requests_;
    if (turns_.responder.has_following()) {
      following_ = turns_.responder.take_following();
      turns_.begin_following(fd());
      break;
    }
  }
  if (!may_ask()) ends_ = true;
  return at;
}

void TcpSession::answer_later(const Arrival& arrival, Bytes response) {
  if (http_ != nullptr) {
    return http_->respond(arrival.stream, response.empty() ? doh::no_response() : doh::response_of(response));
  }
  if (response.empty()) return;
  std::array<std::uint8_t, 2> length;
  store_u16(length.data(), static_cast<std::uint16_t>(response.size()));
  out_.insert(out_.end(), length.begin(), length.end());
  out_.insert(out_.end(), response.begin(), response.end());
}

void TcpSession::flush_later() {
  arrival_.received = turns_.loop.now();
  if (!write_rest() || (http_ != nullptr && out_.empty() && !write_http())) return close();
  settle(true);
}

void TcpSession::keep(Bytes requests) {
  if (requests.empty() || ends_) return forget(in_);
  const bool in_place = !in_.empty();
  if (in_place) {
    in_.erase(in_.begin(), in_.end() - static_cast<std::ptrdiff_t>(requests.size()));
  } else {
    in_.assign(requests.begin(), requests.end());
  }
}

bool TcpSession::write(Bytes responses) {
  const std::optional<std::size_t> size = send(responses);
  if (!size) return false;
  out_.assign(responses.begin() + static_cast<std::ptrdiff_t>(*size), responses.end());
  return true;
}

bool TcpSession::write_rest() {
  const std::optional<std::size_t> size = send(out_);
  if (!size) return false;
  out_.erase(out_.begin(), out_.begin() + static_cast<std::ptrdiff_t>(*size));
  if (out_.empty()) forget(out_);
  return true;
}

// What it waits for now, and how long. The time begins anew with each request that was answered, not with a part of
// one.
void TcpSession::settle(bool answered) {
  const TcpLimits& limits = server_.limits();
  if (answered) {
    answered_ = true;
    turns_.clients.touch(*this);
    set_deadline(arrival_.received, server_.time_for(limits.write));
  }
  const bool written = out_.empty() && !more_ && !following_;
  if (written && ends_ && parked() == 0) return http_ != nullptr ? begin_to_linger() : close();
  const bool is_full = http_ != nullptr && http_->is_full();
  const Waits waits = !out_.empty() || blocked_ ? Waits::for_room
                      : more_ || following_     ? Waits::for_a_turn
                      : ends_ || is_full        ? Waits::for_nothing
                      : has_more()              ? Waits::for_a_turn
                                                : Waits::for_bytes;
  wait_for(waits);
  if (written) {
    const bool part = !in_.empty();
    // A request that has begun to arrive has its own time, which its further parts do not begin anew.
    if (limits.read && part) {
      if (answered_ || !begun_) set_deadline(arrival_.received, server_.time_for(limits.read));
    } else if (answered_ && limits.write) {
      set_deadline(arrival_.received, server_.idle_time());
    }
    begun_ = part;
    answered_ = false;
  }
  const std::size_t waiting = in_.capacity() + out_.capacity() + (http_ != nullptr ? http_->held() : 0);
  turns_.hold(*this, waiting > 2 * kKept ? waiting : 0);
}

void TcpSession::wait_for(Waits waits) {
  if (waits != std::exchange(waits_, waits)) turns_.wait(*this, waits);
}

void TcpSession::close_after(std::chrono::milliseconds time) { set_deadline(turns_.loop.now(), time); }

void TcpSession::set_deadline(std::int64_t from, std::chrono::milliseconds time) {
  deadline_ = from + std::chrono::nanoseconds(time).count();
  if (deadline_ >= timer_passes_) return;
  timer_passes_ = deadline_;
  timer_.start(time);
}

void TcpSession::time_passed() {
  timer_passes_ = std::numeric_limits<std::int64_t>::max();
  const std::int64_t left = deadline_ - turns_.loop.now();
  const bool fetches = parked() > 0 && out_.empty() && in_.empty();  // it waits for us
  if (left <= kTimerIsEarly) return fetches ? set_deadline(turns_.loop.now(), server_.idle_time()) : cut_off();
  timer_passes_ = deadline_;
  timer_.start(std::chrono::ceil<std::chrono::milliseconds>(std::chrono::nanoseconds(left)));
}

}  // namespace swage::server
