// Sending: reads the rings of all dns processes, and sends what is in them to a consumer, for as long as there is one.
// Whatever the consumer does, no query waits: what it does not take in time is lost, and counted. Service process.
#pragma once

#include <chrono>
#include <string>
#include <vector>

#include "core/dnstap/ring.h"
#include "core/plugin/plugin.h"
#include "core/shm/worker_memory.h"
#include "plugins/dnstap/connection.h"
#include "plugins/dnstap/settings.h"

namespace swage::plugins::dnstap {

struct Counts {
  metrics::Counter sent, lost;
  metrics::Gauge connections;
};

class Sending : public Service {
 public:
  // `memory` outlives it.
  Sending(Settings settings, shm::WorkerMemory& memory, Counts counts);
  [[nodiscard]] async::Task<Result<>> run(Host& host) override;

 private:
  // Until there is no connection any more; true: it is told to stop, and all is sent.
  [[nodiscard]] async::Task<Result<bool>> serve(Host& host);
  [[nodiscard]] async::Task<Result<>> send_all(Host& host, Connection& connection);
  // Puts what was not sent yet into frames_, as much as goes at a time. True: there is more.
  bool gather();
  void report(const Result<>& result);

  Settings settings_;
  shm::WorkerMemory& memory_;
  Counts counts_;
  std::int64_t begun_ = 0;  // steady clock: what is older another process has sent
  std::vector<tap::RingReader> readers_;
  tap::RingReader::Batch batch_;
  std::string frames_, payload_;
  std::uint64_t in_frames_ = 0;  // messages in frames_
  std::string problem_;          // in the log already
};

}  // namespace swage::plugins::dnstap
