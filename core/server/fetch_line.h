// One end of the line between a dns process and a process of its configuration that fetches: a SEQPACKET socket pair of
// the supervisor's making, with packets of fetch_wire.h. Neither side waits for the other.
#pragma once

#include <utility>

#include "core/descriptor.h"
#include "core/result.h"

namespace swage::server {

class FetchLine {
 public:
  FetchLine() = default;  // none
  explicit FetchLine(Descriptor socket) : socket_(std::move(socket)) {}

  // Two connected ends, non-blocking, closed on exec.
  [[nodiscard]] static Result<std::pair<Descriptor, Descriptor>> pair();

  [[nodiscard]] bool exists() const { return socket_.exists(); }
  [[nodiscard]] int fd() const { return socket_.get(); }

  // False where there is no room now. A packet to an end that is gone counts as sent: receive() notices.
  [[nodiscard]] bool send(Bytes packet) const;
  // The next packet, in `buffer`; empty where there is none now. An Error where the other end is gone, or has said
  // something longer than `buffer`.
  [[nodiscard]] Result<Bytes> receive(MutableBytes buffer) const;

 private:
  Descriptor socket_;
};

}  // namespace swage::server
