// What the kernel holds for the TCP connections of a server on this machine.
#pragma once

#include <cstddef>
#include <cstdint>

namespace swage::tests {

struct SocketMemory {
  std::size_t sockets =
      0;  // connections whose local port it is, those that the server has closed and that wait included
  std::size_t sending = 0, receiving = 0;  // bytes of memory for what was not acknowledged, and for what was not read

  [[nodiscard]] std::size_t all() const { return sending + receiving; }
};

// Of IPv4 connections, by NETLINK_SOCK_DIAG, as `ss -tm sport = :PORT`. Ends the process where the kernel does not say.
[[nodiscard]] SocketMemory socket_memory(std::uint16_t port);

}  // namespace swage::tests
