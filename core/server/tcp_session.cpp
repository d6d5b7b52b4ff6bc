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
    : server_(server),
      turns_(turns),
      socket_(std::move(socket)),
      arrival_{dns::Transport::tcp, client, local, 0},
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
  if (!write_rest()) return close();
  if (!out_.empty()) return;
  Bytes requests = in_;
  if (!more_ && !ends_ && !receive(requests)) return close();
  std::size_t size = 0;
  const std::size_t answered = ends_ ? 0 : answer(requests, size);
  keep(requests.subspan(answered));
  if (!write(Bytes(turns_.out).first(size))) return close();
  settle(answered > 0);
}

// A request that arrives in pieces is put together in in_; others are answered where they were read.
bool TcpSession::receive(Bytes& requests) {
  const ssize_t size = recv(fd(), turns_.in.data(), turns_.in.size(), 0);
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
    if (in_a_row % kRequestsInARow == 0) turns_.let_udp();
  }
  if (!may_ask()) ends_ = true;
  return at;
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
  const bool written = out_.empty() && !more_;
  if (written && ends_) return close();
  const Waits waits = written ? Waits::for_bytes : Waits::for_room;
  if (waits != std::exchange(waits_, waits)) turns_.wait(*this, waits == Waits::for_room);
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
  if (left <= kTimerIsEarly) return cut_off();
  timer_passes_ = deadline_;
  timer_.start(std::chrono::ceil<std::chrono::milliseconds>(std::chrono::nanoseconds(left)));
}

}  // namespace swage::server
