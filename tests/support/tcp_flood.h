// Bad TCP clients in numbers, for tests and the bench: connections from many addresses of 127.0.0.0/8, all from one
// thread, each opened anew when the server closes it.
#pragma once

#include <atomic>
#include <cstdint>
#include <memory>
#include <thread>
#include <vector>

#include "core/net.h"
#include "tests/support/dns_client.h"

namespace swage::tests {

struct FloodOptions {
  enum class Kind : std::uint8_t {
    pipelining,   // queries as fast as the server takes them; reads all answers
    never_reads,  // the same, but reads nothing
    idle,         // asks nothing
    slow,         // a byte of `query` a second
    once          // sends `query`, as it is (it may be a part of one), and is idle
  };
  Kind kind = Kind::pipelining;
  unsigned connections = 1;
  Packet query{};  // with its length
  unsigned of_an_address = 128;
  unsigned first_network = 0;  // address 127.0.N.1 for the first, then 127.0.N+1.1: networks of 24 bits
};

class TcpFlood {
 public:
  // Begins at once.
  TcpFlood(const Endpoint& server, const FloodOptions& options);
  ~TcpFlood();  // resets all connections
  TcpFlood(const TcpFlood&) = delete;
  TcpFlood& operator=(const TcpFlood&) = delete;

  // Connections that are established on this side; those in the server's backlog too.
  [[nodiscard]] unsigned open() const { return open_; }
  [[nodiscard]] std::uint64_t closed() const { return closed_; }      // by the server, ever
  [[nodiscard]] std::uint64_t received() const { return received_; }  // bytes
  // Waits until so many are open.
  [[nodiscard]] bool wait_for_open(unsigned connections, Milliseconds patience) const;

 private:
  struct Connection;
  void run();
  void connect(Connection& connection);
  void serve(Connection& connection, std::uint32_t events);
  [[nodiscard]] bool send(Connection& connection);
  void send_slowly();
  void lose(Connection& connection);

  Endpoint server_;
  FloodOptions options_;
  Packet burst_;  // as many queries as are sent at once
  int epoll_;
  std::vector<std::unique_ptr<Connection>> connections_;
  std::vector<Connection*> lost_;  // to be opened again
  std::atomic<unsigned> open_{0};
  std::atomic<std::uint64_t> closed_{0}, received_{0};
  std::atomic<bool> stopping_{false};
  std::thread thread_;
};

// How long single queries over UDP take, one after the other.
struct Latency {
  double median = 0, p99 = 0;  // milliseconds
  // Without the time in which the server or this thread could have run and had no processor: on a busy machine.
  double p99_running = 0;
  std::size_t asked = 0, lost = 0;
};
// `process`: the one that answers.
[[nodiscard]] Latency measure_latency(const Endpoint& server, pid_t process, Bytes query, Milliseconds time);

// A TCP socket connected to `server` from 127.0.NETWORK.1, which is reset when closed; -1 where that fails.
// `receive_buffer`: bytes, as the kernel counts them; 0: its own choice.
[[nodiscard]] int connect_from(unsigned network, const Endpoint& server, int receive_buffer = 0);

}  // namespace swage::tests
