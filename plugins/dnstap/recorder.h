// Recorder: writes down what is asked and answered, in the ring of this dns process. Allocates nothing, waits for
// nothing, makes no system call.
#pragma once

#include <memory>
#include <optional>
#include <string>

#include "core/dnstap/ring.h"
#include "core/plugin/plugin.h"
#include "core/shm/worker_memory.h"
#include "plugins/dnstap/settings.h"

namespace swage::plugins::dnstap {

class Recorder {
 public:
  // `memory` and `metadata`, of the server block, outlive it.
  Recorder(const Settings& settings, shm::WorkerMemory& memory, const Metadata& metadata);

  // A query and the message that was sent; no bytes: none was.
  void record(const Query& query, const Response& response, Bytes message);

 private:
  const bool full_, has_extra_;
  const log_line::Format extra_;
  const Metadata& metadata_;
  shm::WorkerMemory& memory_;
  std::optional<tap::RingWriter> ring_;
  std::string text_;  // of extra_; keeps its room between queries
};

// In the chain for what is not answered at all.
class Dropped : public Plugin {
 public:
  explicit Dropped(std::shared_ptr<Recorder> recorder) : recorder_(std::move(recorder)) {}
  [[nodiscard]] Result<Outcome> serve(const Query& query, Response& response, Next next) const override;
  [[nodiscard]] bool sees(dns::MessageKind) const override { return true; }

 private:
  std::shared_ptr<Recorder> recorder_;
};

// For all else.
class Answered : public Observer {
 public:
  explicit Answered(std::shared_ptr<Recorder> recorder) : recorder_(std::move(recorder)) {}
  void sent(const Query& query, const Response& response, Bytes message) const override {
    recorder_->record(query, response, message);
  }

 private:
  std::shared_ptr<Recorder> recorder_;
};

}  // namespace swage::plugins::dnstap
