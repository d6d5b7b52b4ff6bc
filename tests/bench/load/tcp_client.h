// TcpClient: a load over TCP, from one thread. Many connections, each of them always with some queries under way, and a
// look at each answer. Answers may come in any order (RFC 7766 section 6.2.1.1).
#pragma once

#include <chrono>
#include <cstdint>
#include <memory>
#include <vector>

#include "core/result.h"
#include "tests/bench/load/asker.h"
#include "tests/bench/load/queries.h"

namespace swage::bench {

struct TcpOptions {
  std::uint16_t port = 53;  // on 127.0.0.1
  unsigned connections = 1;
  unsigned window = 128;  // queries under way, for each connection
  std::chrono::nanoseconds timeout = std::chrono::seconds(5);
};

class TcpClient : public Asker {
 public:
  static constexpr unsigned kMostWindow = 1024;

  // `queries` outlives it. REQUIRES: it is not empty; window is not 0 and at most kMostWindow.
  TcpClient(const TcpOptions& options, Queries& queries);
  ~TcpClient() override;  // resets the connections: no TIME_WAIT keeps their ports

  // Opens all connections, from several addresses of 127.0.0.0/8, and has each of them answer a query, so that none
  // waits in a backlog.
  [[nodiscard]] Result<> open();
  // A connection that the server closes counts as a wrong answer, and what was under way on it as lost. So does what is
  // not answered when nothing came for the time-out.
  void run(const std::atomic<Phase>& phase) override;

 private:
  class Connection;
  [[nodiscard]] Result<> add_connection(unsigned index);
  // Answers that are there; then queries, where half a window is free and `ask` says so.
  void serve_ready(bool measuring, bool ask);
  void receive(Connection& connection, bool measuring);
  void take(Connection& connection, Bytes answer, std::uint64_t now, bool measuring);
  void send(Connection& connection, std::size_t count);
  void lose(Connection& connection);
  [[nodiscard]] Result<> wait_until_idle();

  TcpOptions options_;
  Queries& queries_;
  int epoll_;
  std::vector<std::unique_ptr<Connection>> connections_;
  std::vector<std::uint8_t> buffer_;  // of received bytes
  std::size_t asked_ = 0;
  std::size_t under_way_ = 0;
  std::uint64_t last_answer_ = 0;  // ns
};

// Asks one query on a connection of its own, again and again, until it is answered rightly; fails when `patience` is
// over.
[[nodiscard]] Result<> probe_tcp(std::uint16_t port, Queries& queries, std::chrono::nanoseconds patience);

}  // namespace swage::bench
