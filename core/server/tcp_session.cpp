#include "core/server/tcp_session.h"

#include <linux/sockios.h>
#include <sys/ioctl.h>
#include <sys/socket.h>

#include <algorithm>
#include <cerrno>
#include <optional>

#include "core/dns/parse.h"
#include "core/server/tcp_server.h"
#include "core/server/tcp_turns.h"

namespace swage::server {
namespace {

using namespace std::chrono_literals;

constexpr std::size_t kRequestsInARow = 8;  // then UDP is looked at
constexpr std::size_t kKept = 512;          // bytes that a buffer keeps for the next part of a request

// Timers may pass 1 ms early.
constexpr std::int64_t kTimerIsEarly = 1'000'000;  // nanoseconds

bool try_again() { return errno == EAGAIN || errno == EWOULDBLOCK || errno == EINTR; }

// How much of `bytes` the kernel takes now; nothing where the connection is broken.
std::optional<std::size_t> send_some(int fd, Bytes bytes) {
  if (bytes.empty()) return 0U;
  const ssize_t size = send(fd, bytes.data(), bytes.size(), MSG_NOSIGNAL);
  if (size >= 0) return static_cast<std::size_t>(size);
  return try_again() ? std::optional<std::size_t>(0U) : std::nullopt;
}

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
      arrival_{dns::Transport::tcp, client, local, 0, this},
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
  forget_parked();
  end_following();
  forget(in_);
  forget(out_);
  turns_.hold(*this, 0);
  turns_.clients.remove(*this);
  timer_.stop();
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
  turns_.let_udp(arrival_.received);
  if (waits_ == Waits::for_nothing) return close();  // the connection is gone
  if (!write_rest()) return close();
  if (!out_.empty()) return;
  if (following_) return send_following();
  Bytes requests = in_;
  if (!more_ && !ends_ && !receive(requests)) return close();
  if (awaits_header_ && !ends_ && !take_header(requests)) return close();
  std::size_t size = 0;
  const std::size_t answered = ends_ || awaits_header_ ? 0 : answer(requests, size);
  keep(requests.subspan(answered));
  if (!write(Bytes(turns_.out).first(size))) return close();
  settle(answered > 0);
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
  const ssize_t size = recv(fd(), turns_.in.data(), turns_.in.size(), 0);
  if (size == 0 && parked() > 0) {  // the client asks nothing more, and may wait for its answers
    ends_ = true;
    return true;
  }
  if (size == 0) return false;
  if (size < 0) {
    requests = in_;
    return try_again();
  }
  requests = Bytes(turns_.in).first(static_cast<std::size_t>(size));
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
    if (in_a_row % kRequestsInARow == 0) turns_.let_udp();
  }
  if (!may_ask()) ends_ = true;
  return at;
}

void TcpSession::answer_later(const Arrival&, Bytes response) {
  if (response.empty()) return;
  std::array<std::uint8_t, 2> length;
  store_u16(length.data(), static_cast<std::uint16_t>(response.size()));
  out_.insert(out_.end(), length.begin(), length.end());
  out_.insert(out_.end(), response.begin(), response.end());
}

void TcpSession::flush_later() {
  arrival_.received = turns_.loop.now();
  if (!write_rest()) return close();
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
  const std::optional<std::size_t> size = send_some(fd(), responses);
  if (!size) return false;
  out_.assign(responses.begin() + static_cast<std::ptrdiff_t>(*size), responses.end());
  return true;
}

bool TcpSession::write_rest() {
  const std::optional<std::size_t> size = send_some(fd(), out_);
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
  if (written && ends_ && parked() == 0) return close();
  const Waits waits = !out_.empty()         ? Waits::for_room
                      : more_ || following_ ? Waits::for_a_turn
                      : ends_               ? Waits::for_nothing
                                            : Waits::for_bytes;
  if (waits != std::exchange(waits_, waits)) turns_.wait(*this, waits);
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
  const std::size_t waiting = in_.capacity() + out_.capacity();
  turns_.hold(*this, waiting > 2 * kKept ? waiting : 0);
}

void TcpSession::close_after(std::chrono::milliseconds time) { set_deadline(turns_.loop.now(), time); }

void TcpSession::set_deadline(std::int64_t from, std::chrono::milliseconds time) {
  deadline_ = from + std::chrono::nanoseconds(time).count();
  if (deadline_ >= timer_passes_) return;
  timer_passes_ = deadline_;
  timer_.start(time);
}

void TcpSession::time_passed() {
  turns_.let_udp();
  timer_passes_ = std::numeric_limits<std::int64_t>::max();
  const std::int64_t left = deadline_ - turns_.loop.now();
  const bool fetches = parked() > 0 && out_.empty() && in_.empty();  // it waits for us
  if (left <= kTimerIsEarly) return fetches ? set_deadline(turns_.loop.now(), server_.idle_time()) : cut_off();
  timer_passes_ = deadline_;
  timer_.start(std::chrono::ceil<std::chrono::milliseconds>(std::chrono::nanoseconds(left)));
}

}  // namespace swage::server
