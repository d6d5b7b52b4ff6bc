// What the TCP connections of a process share: turns, buffers, memory. In dns processes.
//
// A turn of the event loop serves a bounded number of connections, round robin; each of them gets one buffer (see
// tcp_session.h).
#pragma once

#include <array>
#include <list>
#include <vector>

#include "core/async/loop.h"
#include "core/descriptor.h"
#include "core/server/responder.h"
#include "core/server/tcp_session.h"

namespace swage::server {

class TcpTurns {
 public:
  static constexpr std::size_t kReadSize = 2048;       // bytes of requests that a connection gets rid of in a turn
  static constexpr std::size_t kWriteSize = 16 << 10;  // bytes of responses after which its turn is over
  // Bytes of requests and responses that connections wait with, in all; one that waits counts kLeastHeld. Where there
  // are more, the one that has waited longest is closed.
  static constexpr std::size_t kMaxHeld = 16 << 20;
  static constexpr std::size_t kLeastHeld = 4 << 10;
  static constexpr std::size_t kMaxSendBuffers = 8 << 20;  // bytes

  // Both must outlive this.
  TcpTurns(async::Loop& loop, Responder& responder);
  TcpTurns(const TcpTurns&) = delete;
  TcpTurns& operator=(const TcpTurns&) = delete;

  // Has the session served whenever there are bytes to read, until its socket is closed; or whenever what it waits for
  // instead is there, or the connection is gone. False where the kernel has no memory for that.
  [[nodiscard]] bool watch(TcpSession& session);
  void wait(TcpSession& session, TcpSession::Waits waits);

  // Whether another handshake of TLS, which costs as much as 100 queries, may go on in this turn: so that connections
  // that are there do not wait for all that are to come.
  [[nodiscard]] bool may_shake_hands() { return handshakes_ < kHandshakes && ++handshakes_ > 0; }

  // Counts handshakes from now on.
  void count_in(metrics::Registry& metrics);
  enum Handshake : std::size_t { full, resumed, failed };
  void count(Handshake result) const { counts_.at(result).add(); }

  // Says how many bytes `session` waits with. May evict sessions, that one too.
  void hold(TcpSession& session, std::size_t bytes);
  // Messages follow on the connection (dns::Stream), which gets a larger buffer of the kernel's for them: all that have
  // such share out kMaxSendBuffers.
  void begin_following(int socket);
  void end_following() { --following_; }

  // Destroys a closed session that holds nothing: at once, or after the turn, in which it may be known still.
  void bury(std::list<TcpSession>& sessions, std::list<TcpSession>::iterator closed);

  async::Loop& loop;
  Responder& responder;
  TcpClients clients;
  std::array<std::uint8_t, kReadSize> in;  // what was just read
  std::vector<std::uint8_t> out =
      std::vector<std::uint8_t>(kWriteSize + 2 + 0xFFFF);  // responses, each after its length

 private:
  static constexpr unsigned kHandshakes = 4;  // in a turn

  void turn();

  std::size_t held_ = 0, following_ = 0;
  std::list<TcpSession*> holders_;  // the one that has waited longest is the first
  bool in_turn_ = false;
  unsigned handshakes_ = 0;  // in this turn
  metrics::Counters counts_;
  std::list<TcpSession> closed_;  // in this turn
  Descriptor epoll_;
  async::Poll poll_;
};

}  // namespace swage::server
