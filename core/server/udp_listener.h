// Serves one UDP socket: up to 64 requests in with one system call, their responses out with another. In dns processes.
#pragma once

#include <memory>

#include "core/descriptor.h"
#include "core/net.h"
#include "core/server/park.h"
#include "core/server/responder.h"

namespace swage::server {

// The buffers of a batch. A process has one, which its listeners use in turn.
class UdpBatch;
struct DeleteUdpBatch {
  void operator()(UdpBatch* batch) const;
};
[[nodiscard]] std::unique_ptr<UdpBatch, DeleteUdpBatch> make_udp_batch();

class UdpListener final : public Origin {
 public:
  // `socket`: bound to `local`, non-blocking; on a wildcard address with IP_PKTINFO or IPV6_RECVPKTINFO. The rest must
  // outlive the listener.
  UdpListener(Descriptor socket, const Endpoint& local, const Router& router, Responder& responder, UdpBatch& batch);

  ~UdpListener() override { forget_parked(); }

  // Answers what is waiting, at most a few batches, so that others get their turn: called whenever the socket is
  // readable.
  void serve();
  // One batch at most: in the middle of other work.
  // Answers all that has arrived so far. For the end, when no other process will read this socket.
  void serve_all();

  void answer_later(const Arrival& arrival, Bytes response) override;
  void flush_later() override {}

  [[nodiscard]] int fd() const { return socket_.get(); }

 private:
  [[nodiscard]] std::size_t serve_batch();
  void answer(std::size_t index, std::int64_t now);
  void send(std::size_t count);

  Descriptor socket_;
  Endpoint local_;
  bool wildcard_;
  const Router& router_;
  Responder& responder_;
  UdpBatch& batch_;
};

}  // namespace swage::server
