// The supervisor's part in metrics: it gives each child memory to count in, keeps what those have counted that ended,
// and counts what it does itself. See scraper.h.
#include <fcntl.h>

#include <ctime>

#include "core/log.h"
#include "core/metrics/sums.h"
#include "core/server/supervisor.h"

namespace swage::server {
namespace {

// Another descriptor of the memory, through which nothing can be written.
Result<Descriptor> read_only(const shm::Segment& memory) {
  Descriptor opened(open(fmt::format("/proc/self/fd/{}", memory.fd()).c_str(), O_RDONLY | O_CLOEXEC));
  if (opened.exists()) return opened;
  Descriptor borrowed(memory.fd());
  Result<Descriptor> copy = borrowed.duplicate();
  static_cast<void>(borrowed.release());
  return copy;
}

std::string about(const ChildProcess& child) { return fmt::format("process {} {}", child.pid, child.generation); }

Result<> send(ChildProcess& to, const std::string& text, const shm::Segment& memory) {
  Descriptor descriptor;
  if (memory.exists()) {
    TRY(descriptor, read_only(memory));
  }
  to.channel.send({Message::Kind::metrics, text, std::move(descriptor)});
  return {};
}

}  // namespace

// Memory for what a new child counts; to the service all that is counted elsewhere.
Result<> Supervisor::hand_metrics(ChildProcess& child) {
  TRY(child.metrics, shm::Segment::create("swage metrics of " + child.name, metrics::kSheetSize));
  TRY(child.metrics.fix_size());
  Descriptor borrowed(child.metrics.fd());
  Result<Descriptor> own = borrowed.duplicate();
  static_cast<void>(borrowed.release());
  if (!own) return std::unexpected(own.error());
  child.channel.send({Message::Kind::metrics, fmt::format("own {}", child.generation), std::move(*own)});
  tell_services(about(child), child.metrics);
  if (child.worker) return {};
  TRY(send(child, "supervisor", metrics_.segment()));
  TRY(send(child, "past 0", past_metrics_));
  for (Generation* const generation : {current_.get(), next_.get()}) {
    if (generation == nullptr) continue;
    for (const ChildProcess& other : generation->children) TRY(send(child, about(other), other.metrics));
  }
  for (const ChildProcess& other : leaving_) TRY(send(child, about(other), other.metrics));
  return {};
}

void Supervisor::tell_services(const std::string& text, const shm::Segment& memory) {
  const auto tell = [&](std::list<ChildProcess>& children) {
    for (ChildProcess& child : children) {
      if (child.worker || child.pid < 0) continue;
      const Result<> sent = send(child, text, memory);
      if (!sent) log::error("{}: metrics: {}", child.name, sent.error().text());
    }
  };
  if (current_) tell(current_->children);
  if (next_) tell(next_->children);
  tell(leaving_);
}

// The child has ended: what it counted goes to what is kept of all those before it.
void Supervisor::keep_metrics(ChildProcess& child) {
  say_up(child, false);
  if (!child.metrics.exists()) return;
  metrics::Sums sums;
  for (const shm::Segment* memory : {&past_metrics_, &child.metrics}) {
    if (!memory->exists()) continue;
    metrics::SheetReader sheet(memory->bytes());
    sheet.update();
    sums.add_past(sheet);
  }
  Result<shm::Segment> past = sums.sheet();
  if (past) {
    past_metrics_ = *std::move(past);
  } else {
    log::error("{}: what it counted is lost: {}", child.name, past.error().text());
  }
  child.metrics = shm::Segment();
  const pid_t pid = std::exchange(child.pid, -1);  // it is told nothing
  tell_services(fmt::format("past {}", pid), past_metrics_);
  child.pid = pid;
}

void Supervisor::say_up(const ChildProcess& child, bool up) {
  metrics_.gauge("swage_processes", "Processes that run.", {{"role", child.worker ? "dns" : "service"}})
      .add(up ? 1 : -1);
  count_restarts(child, 0);  // increase() does not see a series that begins with 1
}

void Supervisor::count_restarts(const ChildProcess& child, std::uint64_t times) {
  metrics_
      .counter("swage_child_restarts_total", "Processes that ended, and were started again.",
               {{"role", child.worker ? "dns" : "service"}})
      .add(times);
}

void Supervisor::count_reload(bool succeeded) {
  const bool first = succeeded && current_ == nullptr;
  metrics_
      .counter("swage_reloads_total", "Times that the Corefile was read again, by result.",
               {{"result", succeeded ? "ok" : "error"}})
      .add(first ? 0 : 1);
  metrics_.counter("coredns_reload_failed_total", "Counter of the number of failed reload attempts.")
      .add(succeeded ? 0 : 1);
  metrics_.gauge("swage_config_last_reload_successful", "Whether the last start or reload succeeded.")
      .set(succeeded ? 1 : 0);
  if (!succeeded) return;
  metrics_.gauge("swage_config_last_reload_success_timestamp_seconds", "When the configuration in force came to be.")
      .set(static_cast<double>(std::time(nullptr)));
}

}  // namespace swage::server
