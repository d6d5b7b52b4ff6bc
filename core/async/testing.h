// For the tests of core/async: a task run to its end, and connected TCP sockets.
#pragma once

#include <arpa/inet.h>
#include <sys/socket.h>
#include <unistd.h>

#include <optional>
#include <utility>

#include "core/async/loop.h"
#include "core/async/tcp.h"

#undef CHECK  // Catch's is meant from here on
#include <catch2/catch.hpp>

namespace swage::async::testing {

template <typename T>
Task<> keep(Task<T> task, std::optional<T>& result) {
  result.emplace(co_await std::move(task));
}

// Runs `loop` until nothing is left to do, and gives the task's value.
template <typename T>
T run(Loop& loop, Task<T> task) {
  std::optional<T> result;
  loop.spawn(keep(std::move(task), result));
  loop.run();
  REQUIRE(result.has_value());
  return *std::move(result);
}

inline void run(Loop& loop, Task<> task) {
  loop.spawn(std::move(task));
  loop.run();
  REQUIRE(loop.alive() == 0);
}

inline Endpoint loopback(std::uint16_t port = 0) { return Endpoint{*IpAddress::parse("127.0.0.1"), port, 0}; }

// A listening socket of 127.0.0.1, and where it is.
inline std::pair<int, Endpoint> listening_socket(int backlog = 128) {
  sockaddr_storage address;
  socklen_t size = loopback().to_sockaddr(address);
  auto* name = reinterpret_cast<sockaddr*>(&address);
  const int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  REQUIRE(bind(fd, name, size) == 0);
  REQUIRE(::listen(fd, backlog) == 0);
  REQUIRE(getsockname(fd, name, &size) == 0);
  return {fd, Endpoint::from_sockaddr(name)};
}

// A connected plain socket; blocking, or not waiting for the connection.
inline int client_socket(const Endpoint& to, int flags = 0) {
  sockaddr_storage address;
  const socklen_t size = to.to_sockaddr(address);
  const int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC | flags, 0);
  const int status = connect(fd, reinterpret_cast<const sockaddr*>(&address), size);
  REQUIRE((status == 0 || errno == EINPROGRESS));
  return fd;
}

// A connection: our stream, and the other side as a plain blocking socket.
struct Connection {
  explicit Connection(Loop& loop) {
    const auto [listener, at] = listening_socket();
    other = client_socket(at);
    auto adopted = TcpStream::adopt(loop, accept(listener, nullptr, nullptr));
    REQUIRE(adopted);
    stream = std::move(*adopted);
    ::close(listener);
  }
  ~Connection() { close_other(); }
  void close_other() {
    if (other >= 0) ::close(std::exchange(other, -1));
  }

  std::unique_ptr<TcpStream> stream;
  int other;
};

}  // namespace swage::async::testing
