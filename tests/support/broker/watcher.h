// A listener on a port of every address of this network, which writes down what was connected to and hangs up.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "core/async/loop.h"
#include "core/async/tcp.h"

namespace swage::tests {

class Watcher {
 public:
  Watcher(async::Loop& loop, std::uint16_t port);

  // The addresses that were connected to since the last call, in order; IPv4 as such, however it was dialled.
  [[nodiscard]] std::vector<std::string> take() { return std::exchange(connected_, {}); }

 private:
  std::vector<std::string> connected_;
  std::unique_ptr<async::TcpListener> v4_, v6_;
};

}  // namespace swage::tests
