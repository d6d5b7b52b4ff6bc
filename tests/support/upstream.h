// A nameserver for tests of what asks nameservers: over UDP and TCP at one port of 127.0.0.1, on a thread of its own,
// with answers of the test's choice, right or wrong.
#pragma once

#include <atomic>
#include <functional>
#include <thread>
#include <vector>

#include "core/net.h"
#include "tests/support/dns_client.h"
#include "tests/support/loopback.h"

namespace swage::tests {

class UpstreamServer {
 public:
  struct Reply {
    std::vector<Packet> messages{};  // one after the other; none: silence
    bool closes = false;             // the connection, afterwards
  };
  // Called on the server's thread.
  using Answer = std::function<Reply(const Packet& query, bool tcp)>;

  explicit UpstreamServer(Answer answer);
  ~UpstreamServer();
  UpstreamServer(const UpstreamServer&) = delete;
  UpstreamServer& operator=(const UpstreamServer&) = delete;

  [[nodiscard]] Endpoint endpoint() const { return port_.v4(); }
  [[nodiscard]] unsigned asked_udp() const { return udp_; }
  [[nodiscard]] unsigned asked_tcp() const { return tcp_; }
  [[nodiscard]] unsigned connections() const { return accepted_; }

 private:
  void run();
  void serve_udp();
  [[nodiscard]] bool serve_tcp(int socket);

  Answer answer_;
  Port port_;
  int udp_socket_, listener_;
  std::atomic<unsigned> udp_ = 0, tcp_ = 0, accepted_ = 0;
  std::atomic<bool> stopping_ = false;
  std::thread thread_;
};

// The answer to `query`, with its id and question, and with an A record if there is an address (a number each).
[[nodiscard]] Packet answer_to(const Packet& query, std::uint8_t last_byte = 1, std::uint8_t rcode = 0);

}  // namespace swage::tests
