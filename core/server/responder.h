// From the bytes of a request to the bytes of its response: parse, route, chain, encode. No I/O; the same for UDP, TCP
// and tests. One for each dns process; its Query and Response are used again for each query.
#pragma once

#include <memory>

#include "core/server/router.h"
#include "core/server/work.h"

namespace swage::server {

// How a request came in.
struct Arrival {
  dns::Transport transport = dns::Transport::udp;
  Endpoint client;
  Endpoint server;
  std::int64_t received = 0;  // nanoseconds, steady clock
};

class Responder {
 public:
  Responder() : own_(std::make_unique<Work>()), work_(own_.get()) {}
  ~Responder();
  Responder(const Responder&) = delete;
  Responder& operator=(const Responder&) = delete;

  // Works in `memory` from now on, which must outlive the responder and have room for a Work.
  void work_in(MutableBytes memory);
  // What it counts itself: requests that no plugin sees. Without this it counts nothing.
  void count_in(metrics::Registry& metrics);
  // Observes queries that no server block takes; nullptr: none does.
  void show_unrouted(const Observer* observer) { unrouted_ = observer; }

  // Writes the response to `request` into `out`; returns its size, 0 where nothing is to be sent.
  // REQUIRES: `out` has 512 bytes or more; for TCP 65,535.
  [[nodiscard]] std::size_t respond(const Router& router, Bytes request, const Arrival& arrival, MutableBytes out);

 private:
  [[nodiscard]] Result<Outcome> answer(const Router& router, const Block*& block);

  std::unique_ptr<Work> own_;  // none where it works in other memory
  Work* work_;
  metrics::Counters invalid_;
  metrics::Counter dropped_;
  const Observer* unrouted_ = nullptr;
};

// How long a TCP connection may be idle, in units of 100 ms (RFC 7828), as we tell the clients that ask.
inline constexpr std::uint16_t kTcpIdleTime = 100;

}  // namespace swage::server
