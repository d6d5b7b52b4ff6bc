// Serves the TCP connections of one listener (RFC 7766): pipelined requests, answered in order; an idle time; limits in
// all and for each client. In dns processes.
#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <set>
#include <vector>

#include "core/async/loop.h"
#include "core/async/tcp.h"
#include "core/net.h"
#include "core/server/channel.h"
#include "core/server/responder.h"

namespace swage::server {

class TcpServer {
 public:
  // `socket`: listening. The server must live until sessions() is 0: see drain() and close().
  TcpServer(async::Loop& loop, Descriptor socket, const Router& router);
  ~TcpServer();

  // Accepts nobody any more; connections that are idle for half a second are closed.
  void drain();
  // Closes all connections at once.
  void close();
  [[nodiscard]] std::size_t sessions() const { return sessions_.size(); }

 private:
  struct Session;
  void accept(std::unique_ptr<async::TcpStream> stream);
  static async::Task<> run(TcpServer& server, std::unique_ptr<async::TcpStream> stream);
  [[nodiscard]] async::Task<bool> answer_waiting(Session& session);
  [[nodiscard]] std::chrono::milliseconds idle_time() const;

  async::Loop& loop_;
  async::TcpListener listener_;
  Responder responder_;
  std::vector<std::uint8_t> scratch_;  // a response before its length is known
  std::set<Session*> sessions_;
  std::map<IpAddress, std::uint32_t> clients_;  // how many connections each has
  std::size_t most_sessions_;
  bool draining_ = false;
};

}  // namespace swage::server
