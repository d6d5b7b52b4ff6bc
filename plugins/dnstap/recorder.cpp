#include "plugins/dnstap/recorder.h"

#include <chrono>

namespace swage::plugins::dnstap {
namespace {

constexpr std::size_t kUsualExtra = 512;  // bytes; a longer text makes more room once

std::int64_t steady_time() {
  return std::chrono::duration_cast<std::chrono::nanoseconds>(std::chrono::steady_clock::now().time_since_epoch())
      .count();
}

}  // namespace

Recorder::Recorder(const Settings& settings, shm::WorkerMemory& memory, const Metadata& metadata)
    : full_(settings.full),
      has_extra_(settings.has_extra),
      extra_(settings.extra),
      metadata_(metadata),
      memory_(memory) {
  if (has_extra_) text_.reserve(kUsualExtra);
}

void Recorder::record(const Query& query, const Response& response, Bytes message) {
  const std::int64_t now = steady_time();
  if (!ring_) {
    const MutableBytes memory = memory_.own();
    if (memory.size() < tap::kLeastRing) return;  // this process has none
    ring_.emplace(memory, static_cast<std::uint64_t>(now));
  }
  tap::Event event;
  event.answered = !message.empty();
  event.is_tcp = query.transport == dns::Transport::tcp;
  event.scheme = query.scheme;
  event.is_update = query.opcode == dns::Opcode::update;
  event.received = query.received;
  event.sent = now;
  event.client = query.client;
  event.server = query.server;
  event.zone = {query.zone.data(), query.zone.size()};
  if (has_extra_) {
    text_.clear();
    extra_.append_to(text_, {query, response, log_line::kind_of(query, response), message.size(),
                             std::chrono::nanoseconds(now - query.received), &metadata_});
    event.extra = as_bytes(text_);
  }
  if (full_) {
    event.query = query.message;
    event.response = message;
  }
  ring_->write(event);
}

Result<Outcome> Dropped::serve(const Query& query, Response& response, Next next) const {
  Result<Outcome> outcome = next(query, response);
  if (outcome && *outcome == Outcome::drop) [[unlikely]]
    recorder_->record(query, response, {});
  return outcome;
}

}  // namespace swage::plugins::dnstap
