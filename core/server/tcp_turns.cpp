#include "core/server/tcp_turns.h"

#include <sys/epoll.h>
#include <sys/socket.h>

#include <algorithm>

namespace swage::server {
namespace {

constexpr int kSessionsATurn = 32;
constexpr int kSendBuffer = 16 << 10;  // bytes: what a connection has anyway
constexpr std::size_t kMaxSendBuffer = 256U << 10;

}  // namespace

TcpTurns::TcpTurns(async::Loop& of, Responder& by)
    : loop(of), responder(by), epoll_(epoll_create1(EPOLL_CLOEXEC)), poll_(of, epoll_.get(), [this] { turn(); }) {}

void TcpTurns::count_in(metrics::Registry& metrics) {
  counts_ = metrics.counters("swage_tls_handshakes_total", "Connections of TLS, by what came of their handshakes.", {},
                             {{"result", {"full", "resumed", "failed"}}});
}

bool TcpTurns::watch(TcpSession& session) {
  epoll_event event{.events = EPOLLIN, .data = {.ptr = &session}};
  return epoll_ctl(epoll_.get(), EPOLL_CTL_ADD, session.fd(), &event) == 0;
}

// A socket that has room, while the kernel has no memory for what is written to it, is writable all the time: it is
// served once for each time that room or memory was freed, or until its time is over. That a connection is gone is told
// in any case.
void TcpTurns::wait(TcpSession& session, TcpSession::Waits waits) {
  using enum TcpSession::Waits;
  std::uint32_t events = 0;
  if (waits == for_bytes) events = EPOLLIN;
  if (waits == for_a_turn) events = EPOLLOUT;
  if (waits == for_room) events = EPOLLOUT | EPOLLET;
  epoll_event event{.events = events, .data = {.ptr = &session}};
  CHECK(epoll_ctl(epoll_.get(), EPOLL_CTL_MOD, session.fd(), &event) == 0);
}

// Not uv_poll for each: libuv would serve all that are ready before it looks for anything else. What is not served in
// this turn is first in the next one: that is epoll's order.
void TcpTurns::turn() {
  std::array<epoll_event, kSessionsATurn> ready;
  in_turn_ = true;
  handshakes_ = 0;
  for (int left = kSessionsATurn; left > 0;) {
    const int count = epoll_wait(epoll_.get(), ready.data(), left, 0);
    if (count <= 0) break;
    left -= count;
    for (int i = 0; i < count; ++i) {
      auto& session = *static_cast<TcpSession*>(ready[static_cast<std::size_t>(i)].data.ptr);
      if (session.fd() >= 0) session.serve();  // else closed in this turn
    }
  }
  in_turn_ = false;
  closed_.clear();
}

void TcpTurns::hold(TcpSession& session, std::size_t bytes) {
  const std::size_t before = std::exchange(session.held_, bytes == 0 ? 0 : std::max(bytes, kLeastHeld));
  held_ += session.held_ - before;
  if (before == 0 && session.held_ > 0) session.holder_ = holders_.insert(holders_.end(), &session);
  if (before > 0 && session.held_ == 0) holders_.erase(session.holder_);
  while (held_ > kMaxHeld) holders_.front()->evict();
}

// The buffer that connections have (sockets.cpp) holds a message: with that, a client far away gets a message for each
// round trip.
void TcpTurns::begin_following(int socket) {
  ++following_;
  const int size = static_cast<int>(std::min(kMaxSendBuffers / following_, kMaxSendBuffer));
  if (size > kSendBuffer) setsockopt(socket, SOL_SOCKET, SO_SNDBUF, &size, sizeof size);
}

void TcpTurns::bury(std::list<TcpSession>& sessions, std::list<TcpSession>::iterator closed) {
  CHECK(closed->held_ == 0);
  closed_.splice(closed_.end(), sessions, closed);
  if (!in_turn_) closed_.clear();
}

}  // namespace swage::server
