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

// How many connections a process has, in all and of each client: an IPv4 address, or an IPv6 network of 64 bits. Some
// of the descriptors that the process may open are kept for other things.
class TcpClients {
 public:
  TcpClients();
  // False where the client, or all together, have as many as they may.
  [[nodiscard]] bool add(const IpAddress& client);
  void remove(const IpAddress& client);
  // True where connections are few enough for the usual idle time.
  [[nodiscard]] bool has_room() const { return count_ <= most_ * 3 / 4; }

 private:
  std::map<IpAddress, std::uint32_t> clients_;
  std::size_t count_ = 0, most_;
};

class TcpServer {
 public:
  // What the listeners of a process share; it must outlive them.
  struct Common {
    async::Loop& loop;
    Responder& responder;
    TcpClients clients{};
    std::vector<std::uint8_t> scratch = std::vector<std::uint8_t>(0xFFFF);  // a response before its length is known
  };

  // `socket`: listening. The server must live until sessions() is 0: see drain() and close().
  TcpServer(Common& common, Descriptor socket, const Router& router);
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
  [[nodiscard]] std::chrono::milliseconds time_for(const std::optional<std::chrono::seconds>& limit) const;

  Common& common_;
  async::TcpListener listener_;
  const Router& router_;
  std::set<Session*> sessions_;
  bool draining_ = false;
};

}  // namespace swage::server
