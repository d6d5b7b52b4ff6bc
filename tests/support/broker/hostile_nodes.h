// libp2p nodes that go wrong, each in its own way: nodes on one port of loopback, told apart by the address that was
// dialled. Up to some byte of what a node has to say it is honest, then its fault begins; so over many of them every
// step of every handshake is met, and what comes after the proof.
#pragma once

#include <map>
#include <memory>
#include <string>

#include "core/async/tcp.h"
#include "core/dial/upgrade.h"
#include "tests/support/broker/faulty_stream.h"

namespace swage::tests {

class HostileNodes {
 public:
  struct Behaviour {
    bool tls = false;        // or Noise
    bool impostor = false;   // has another key than the one that registers
    std::size_t honest = 0;  // bytes
    Fault fault = Fault::stall;
  };
  static constexpr std::uint32_t kIdentities = 16;

  // REQUIRES: outlives the loop's last turn.
  explicit HostileNodes(async::Loop& loop);

  [[nodiscard]] static Behaviour behaviour(std::uint32_t index);
  [[nodiscard]] static libp2p::PrivateKey key(std::uint32_t index);
  [[nodiscard]] std::string address(std::uint32_t index) const;
  // False where a node has the wrong key, or goes wrong before it has sent as much as a proof takes.
  [[nodiscard]] static bool can_prove(std::uint32_t index);

 private:
  static async::Task<> answer(HostileNodes& nodes, std::unique_ptr<async::TcpStream> stream);
  [[nodiscard]] dial::Upgrader& upgrader(const Behaviour& behaviour, std::uint32_t index);

  async::Loop& loop_;
  std::map<std::pair<bool, std::uint32_t>, std::unique_ptr<dial::Upgrader>> upgraders_;
  std::unique_ptr<async::TcpListener> listener_;
};

}  // namespace swage::tests
