// A connection to a consumer of dnstap: over a Unix socket, TCP or TLS, with the beginning and the end of Frame
// Streams. Service process.
#pragma once

#include <memory>

#include "core/async/event.h"
#include "core/async/stream.h"
#include "core/dnstap/frames.h"
#include "plugins/dnstap/settings.h"

namespace swage::plugins::dnstap {

class Connection {
 public:
  // Connected, and the consumer has accepted; within some seconds.
  [[nodiscard]] static async::Task<Result<std::shared_ptr<Connection>>> open(async::Loop& loop, Target target,
                                                                             bool verifies);
  Connection(async::Loop& loop, std::unique_ptr<async::Stream> stream)
      : loop_(loop), stream_(std::move(stream)), ended_(loop) {}

  // Whole frames. An Error where the consumer takes nothing for some seconds.
  [[nodiscard]] async::Task<Result<>> write(Bytes frames);
  // Says that nothing follows, and waits a moment until the consumer has heard it. Closes.
  [[nodiscard]] async::Task<> finish();
  void close() { stream_->close(); }
  // Set when the consumer has gone, or says what is not expected.
  [[nodiscard]] async::Event& ended() { return ended_; }

 private:
  static async::Task<> listen(std::shared_ptr<Connection> self);
  [[nodiscard]] async::Task<Result<>> begin();
  [[nodiscard]] async::Task<Result<>> shake_hands();

  async::Loop& loop_;
  std::unique_ptr<async::Stream> stream_;
  tap::ControlReader control_;
  async::Event ended_;
};

}  // namespace swage::plugins::dnstap
