// Node: a libp2p node as far as a broker needs one. It listens on TCP and WebSocket, proves its key by Noise and TLS,
// and on yamux answers identify and ping. In the program swage-peer.
#pragma once

#include <chrono>
#include <memory>
#include <string>
#include <vector>

#include "core/async/loop.h"
#include "core/async/task.h"
#include "core/async/tasks.h"
#include "core/async/tcp.h"
#include "core/dial/services.h"
#include "core/dial/upgrade.h"
#include "core/libp2p/key.h"
#include "core/libp2p/multiaddr.h"
#include "core/net.h"
#include "core/result.h"

namespace swage::peer {

class Node {
 public:
  struct Settings {
    std::vector<libp2p::Multiaddr> listen{};  // /ip4|ip6/A/tcp/P[/ws]; port 0: any
    bool noise = true, tls = true;            // at least one
    std::string agent{};                      // for identify
    std::size_t connections = 256;            // at once; more are closed
    std::chrono::milliseconds handshake_timeout{10'000};
  };

  // Listens on all of them, or fails. REQUIRES: the loop outlives it.
  [[nodiscard]] static Result<std::unique_ptr<Node>> start(async::Loop& loop, const libp2p::PrivateKey& key,
                                                           Settings settings);
  Node(const Node&) = delete;
  Node& operator=(const Node&) = delete;

  // Where it listens, with the ports that it got, without /p2p, in the order of Settings::listen.
  [[nodiscard]] std::vector<libp2p::Multiaddr> addresses() const;
  [[nodiscard]] std::size_t connections() const { return tasks_.size(); }
  // Accepts no more; those that are there go on until the Node is destroyed.
  void close();

 private:
  struct Listening {
    std::unique_ptr<async::TcpListener> listener;
    Endpoint at;
    bool is_websocket = false;
  };

  Node(async::Loop& loop, libp2p::PrivateKey key, Settings settings);
  [[nodiscard]] Result<> listen(const libp2p::Multiaddr& address);
  [[nodiscard]] dial::Services services_for(const Endpoint& peer, bool is_websocket) const;
  [[nodiscard]] async::Task<> serve(std::unique_ptr<async::Stream> stream, bool is_websocket, dial::Services services);
  [[nodiscard]] async::Task<Result<std::unique_ptr<dial::Connection>>> accept(std::unique_ptr<async::Stream> stream,
                                                                              bool is_websocket);

  async::Loop& loop_;
  Settings settings_;
  dial::Upgrader upgrader_;
  std::vector<Listening> listening_;
  async::Tasks tasks_;  // last: they use what is above
};

}  // namespace swage::peer
