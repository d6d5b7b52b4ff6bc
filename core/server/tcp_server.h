// Serves the TCP connections of one listening socket (RFC 7766); see tcp_session.h for what a connection may do. In dns
// processes.
#pragma once

#include <chrono>
#include <list>
#include <optional>

#include "core/async/loop.h"
#include "core/descriptor.h"
#include "core/net.h"
#include "core/server/listener_tls.h"
#include "core/server/router.h"
#include "core/server/tcp_session.h"
#include "core/server/tcp_turns.h"

namespace swage::server {

class TcpServer {
 public:
  // `socket`: listening, non-blocking; see open_sockets(). The others must outlive the server.
  TcpServer(TcpTurns& turns, Descriptor socket, const Router& router);
  ~TcpServer();
  TcpServer(const TcpServer&) = delete;
  TcpServer& operator=(const TcpServer&) = delete;

  // Accepts no new connections; connections that are idle for half a second are closed.
  void drain();
  // Closes all connections at once.
  void close();
  [[nodiscard]] std::size_t sessions() const { return sessions_.size(); }

  // For TcpSession.
  [[nodiscard]] const Router& router() const { return router_; }
  [[nodiscard]] const TcpLimits& limits() const { return router_.tcp; }
  [[nodiscard]] std::chrono::milliseconds idle_time() const;
  // `limit` of the Corefile, if it has one and the connection may take so long.
  [[nodiscard]] std::chrono::milliseconds time_for(const std::optional<std::chrono::seconds>& limit) const;
  // REQUIRES: the scheme is not dns.
  [[nodiscard]] const async::TlsContext& tls() { return tls_->context(); }
  void forget(TcpSession::Place closed) { turns_.bury(sessions_, closed); }

 private:
  void accept();
  [[nodiscard]] bool accept_one();
  void wait_for_descriptors(int error);

  TcpTurns& turns_;
  Descriptor socket_;
  Endpoint local_;
  const Router& router_;
  std::optional<ListenerTls> tls_;
  std::list<TcpSession> sessions_;
  bool draining_ = false;
  bool starved_ = false;  // said in the log already
  std::optional<async::Poll> poll_;
  async::Timer retry_;
};

}  // namespace swage::server
