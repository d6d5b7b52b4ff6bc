// Which children hang. Each beats twice a second out of its event loop (core/server/pulse.h). One that does not is
// stopped, waits for ever or runs in circles: it is killed, and replaced as any that ended.
#include "core/log.h"
#include "core/server/process_metrics.h"
#include "core/server/service_manager.h"
#include "core/server/supervisor.h"

namespace swage::server {
namespace {

using namespace std::chrono_literals;

constexpr auto kHangs = 4s;  // without a beat
// A service process may be at a long piece of work: as long as it has had at least this share of a processor since its
// last beat, it is given more time.
constexpr auto kBusy = 60s;
constexpr double kBusyShare = 0.2;
constexpr auto kMaxSetUp = 5min;  // of a child that replaces another one
// A supervisor that wakes up this late was stopped itself, or the whole machine was: nobody's silence counts.
constexpr auto kLate = 2s;
constexpr auto kCountEvery = 5s;  // descriptors

}  // namespace

// What is to be done twice a second while there is a configuration in force.
void Supervisor::check_health() {
  const SteadyTime now = steady_now();
  if (now < health_checked_ + Pulse::kInterval) return;
  const bool late = now > health_checked_ + kLate;
  health_checked_ = now;
  if (now > descriptors_counted_ + kCountEvery) {
    descriptors_counted_ = now;
    count_open_descriptors(open_descriptors(metrics_));
  }
  if (watchdog_ && !shutting_down_) notify_service_manager("WATCHDOG=1");
  for (ChildProcess& child : current_->children) {
    if (child.condemned || child.pid < 0) continue;
    if (!child.ready) {
      if (now - child.started > kMaxSetUp)
        condemn(child, fmt::format("not set up within {} minutes", kMaxSetUp.count()));
      continue;
    }
    const std::uint64_t beats = child.pulse.beats();
    if (beats != child.beats || late || !child.beat) {
      child.beats = beats;
      child.beat = now;
      if (!child.worker) child.cpu_time = cpu_time_of(child.pid);
      continue;
    }
    const auto silent = now - *child.beat;
    if (silent < kHangs || (!child.worker && silent < kBusy && is_busy(child, silent))) continue;
    condemn(child, fmt::format("it has made no progress for {} s",
                               std::chrono::duration_cast<std::chrono::seconds>(silent).count()));
  }
}

bool Supervisor::is_busy(const ChildProcess& child, SteadyTime::duration since) {
  const std::chrono::duration<double> had = cpu_time_of(child.pid) - child.cpu_time;
  return had >= kBusyShare * since;
}

}  // namespace swage::server
