// Many libp2p nodes on one port: which of them answers, the address tells that was dialled, 127.1.0.0 and up unless the
// test has a network of its own. They prove their keys by Noise and hang up when the other side does; that is what a
// registration needs.
#pragma once

#include <cstdint>
#include <memory>
#include <string>

#include "core/async/loop.h"
#include "core/async/tcp.h"
#include "core/crypto/random.h"
#include "core/libp2p/key.h"

namespace swage::tests {

// Node `index` listens at this address of loopback, and the address belongs to this node.
[[nodiscard]] IpAddress node_address(std::uint32_t index);
[[nodiscard]] std::uint32_t node_at(const IpAddress& address);

class Nodes {
 public:
  // Of any number, up to 16 million, at `first` and up. REQUIRES: IPv4; outlives the loop's last turn.
  explicit Nodes(async::Loop& loop, const IpAddress& first = node_address(0));

  // The Ed25519 key of node `index`.
  [[nodiscard]] static libp2p::PrivateKey key(std::uint32_t index);
  // Where it listens: "/ip4/127.1.0.7/tcp/4001".
  [[nodiscard]] std::string address(std::uint32_t index) const;

 private:
  static async::Task<> answer(Nodes& nodes, std::unique_ptr<async::TcpStream> stream);

  async::Loop& loop_;
  std::uint32_t first_;  // as an index of node_address(), modulo 2^32
  std::unique_ptr<async::TcpListener> listener_;
  crypto::SystemRandom random_;
};

}  // namespace swage::tests
