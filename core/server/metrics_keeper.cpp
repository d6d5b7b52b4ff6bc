#include "core/server/metrics_keeper.h"

#include <fcntl.h>

#include <ctime>
#include <vector>

#include <fmt/format.h>

#include "core/log.h"
#include "core/metrics/sums.h"
#include "core/server/process_metrics.h"

namespace swage::server {
namespace {

// Another descriptor of the memory, through which nothing can be written.
Result<Descriptor> read_only(const shm::Mapping& memory) {
  Descriptor opened(open(fmt::format("/proc/self/fd/{}", memory.descriptor().get()).c_str(), O_RDONLY | O_CLOEXEC));
  if (opened.exists()) return opened;
  return memory.descriptor().duplicate();
}

void complain(const std::string& child, const Error& error) { log::error("{}: metrics: {}", child, error.text()); }

}  // namespace

Result<> MetricsKeeper::begin(ChildProcess& child, Services services) {
  TRY(shm::Segment memory, shm::Segment::create_fixed("swage metrics of " + child.name, metrics::kSheetSize));
  TRY(Descriptor own, memory.descriptor().duplicate());
  child.channel.send(message::OwnMetrics{child.generation, std::move(own)});
  if (child.role.is_service()) {
    TRY(Descriptor ours, read_only(own_.mapping()));
    child.channel.send(message::SupervisorMetrics{std::move(ours)});
    if (past_.exists()) {
      TRY(Descriptor past, read_only(past_));
      child.channel.send(message::PastMetrics{0, std::move(past)});
    }
    for (const auto& [pid, sheet] : sheets_) {
      TRY(Descriptor other, read_only(sheet.memory));
      child.channel.send(message::ProcessMetrics{pid, sheet.generation, std::move(other)});
    }
  }
  tell(services, child.pid, child.generation, memory);
  sheets_.insert_or_assign(child.pid, Sheet{child.generation, std::move(memory)});
  count_up(child, 1);
  return {};
}

void MetricsKeeper::tell(Services services, pid_t pid, unsigned generation, const shm::Mapping& memory) const {
  for (ChildProcess* const service : services) {
    Result<Descriptor> copy = read_only(memory);
    if (!copy) {
      complain(service->name, copy.error());
      continue;
    }
    service->channel.send(message::ProcessMetrics{pid, generation, *std::move(copy)});
  }
}

void MetricsKeeper::end(const ChildProcess& child, Services services) {
  if (sheets_.contains(child.pid)) count_up(child, -1);
  end(child.pid, services);
}

void MetricsKeeper::end(pid_t pid, Services services) {
  const auto ended = sheets_.extract(pid);
  if (ended.empty()) return;
  add_to_past(ended.mapped().memory.bytes());
  for (ChildProcess* const service : services) {
    message::PastMetrics message{pid};
    if (past_.exists()) {
      Result<Descriptor> copy = read_only(past_);
      if (!copy) complain(service->name, copy.error());
      if (copy) message.sheet = *std::move(copy);
    }
    service->channel.send(std::move(message));
  }
}

void MetricsKeeper::add_to_past(Bytes added) {
  metrics::Sums sums;
  for (const Bytes memory : {past_.bytes(), added}) {
    if (memory.empty()) continue;
    metrics::SheetReader sheet(memory);
    sheet.update();
    sums.add_past(sheet);
  }
  Result<shm::Mapping> past = sums.sheet();
  if (past) {
    past_ = *std::move(past);
  } else {
    log::error("metrics: what a process counted is lost: {}", past.error().text());
  }
}

// What this process counted itself is past from here on, too.
Result<> MetricsKeeper::hand_over(Channel& successor) {
  metrics::Sums sums;
  for (const Bytes memory : {past_.bytes(), own_.mapping().bytes()}) {
    if (memory.empty()) continue;
    metrics::SheetReader sheet(memory);
    sheet.update();
    sums.add_past(sheet);
  }
  TRY(const shm::Mapping past, sums.sheet());
  TRY(Descriptor copy, past.descriptor().duplicate());
  successor.send(message::PastMetrics{0, std::move(copy)});
  for (const auto& [pid, sheet] : sheets_) {
    TRY(Descriptor own, read_only(sheet.memory));
    successor.send(message::ProcessMetrics{pid, sheet.generation, std::move(own)});
  }
  return {};
}

Result<> MetricsKeeper::hand_over(const ChildProcess& begun, Channel& successor) {
  const auto found = sheets_.find(begun.pid);
  if (found == sheets_.end()) return {};
  TRY(Descriptor copy, read_only(found->second.memory));
  successor.send(message::ProcessMetrics{begun.pid, begun.generation, std::move(copy)});
  return {};
}

Result<> MetricsKeeper::take_over(message::PastMetrics past) {
  if (!past.sheet) return {};
  TRY(past_, shm::Mapping::open_sealed(*std::move(past.sheet), shm::Seal::whole));
  return {};
}

Result<> MetricsKeeper::take_over(message::ProcessMetrics process, Services services) {
  TRY(shm::Mapping memory, shm::Mapping::attach(std::move(process.sheet)));
  tell(services, process.pid, process.generation, memory);
  sheets_.insert_or_assign(process.pid, Sheet{process.generation, std::move(memory), true});
  return {};
}

void MetricsKeeper::end_taken_over(pid_t pid, Services services) {
  const auto found = sheets_.find(pid);
  if (found != sheets_.end() && found->second.taken_over) end(pid, services);
}

void MetricsKeeper::end_all_taken_over(Services services) {
  std::vector<pid_t> pids;
  for (const auto& [pid, sheet] : sheets_) {
    if (sheet.taken_over) pids.push_back(pid);
  }
  for (const pid_t pid : pids) end(pid, services);
}

void MetricsKeeper::count_up(const ChildProcess& child, int change) {
  own_.gauge("swage_processes", "Processes that run.", {{"role", child.role.kind_name()}}).add(change);
  count_restarts(child, 0);  // increase() does not see a series that begins with 1
}

void MetricsKeeper::count_restarts(const ChildProcess& child, std::uint64_t times) {
  own_.counter("swage_child_restarts_total", "Processes that ended, and were started again.",
               {{"role", child.role.kind_name()}})
      .add(times);
}

void MetricsKeeper::count_success(bool first) {
  count_reload(first ? 0 : 1, 0);
  own_.gauge("swage_config_last_reload_success_timestamp_seconds", "When the configuration in force came to be.")
      .set(static_cast<double>(std::time(nullptr)));
}

void MetricsKeeper::count_failed_reload() { count_reload(0, 1); }

void MetricsKeeper::count_reload(std::uint64_t succeeded, std::uint64_t failed) {
  const auto reloads = [this](const char* result) {
    return own_.counter("swage_reloads_total", "Times that the Corefile was read again, by result.",
                        {{"result", result}});
  };
  if (failed == 0) reloads("ok").add(succeeded);
  if (failed != 0) reloads("error").add(failed);
  own_.counter("coredns_reload_failed_total", "Counter of the number of failed reload attempts.").add(failed);
  own_.gauge("swage_config_last_reload_successful", "Whether the last start or reload succeeded.")
      .set(failed == 0 ? 1 : 0);
}

void MetricsKeeper::count_descriptors() { count_open_descriptors(open_descriptors(own_)); }

}  // namespace swage::server
