// Which children hang. Each beats twice a second out of its event loop (core/server/pulse.h). One that does not is
// stopped, waits for ever or runs in circles: it is killed, and replaced as any that ended.
#include "core/server/generation.h"

#include <fmt/format.h>

#include "core/server/work.h"

namespace swage::server {
namespace {

using namespace std::chrono_literals;

constexpr auto kHangs = 4s;  // without a beat
// A service process may be at a long piece of work: as long as it has had at least this share of a processor since its
// last beat, it is given more time.
constexpr auto kMaxBusy = 60s;
constexpr double kBusyShare = 0.2;
constexpr auto kMaxRestart = 5min;  // of a child that replaces another one

bool is_busy(const ChildProcess& child, SteadyTime::duration since) {
  const std::chrono::duration<double> had = cpu_time_of(child.pid) - child.cpu_time;
  return had >= kBusyShare * since;
}

void check(ChildProcess& child, SteadyTime now, bool late, std::span<const PluginType> plugins) {
  if (!child.ready) {
    if (now - child.started > kMaxRestart)
      child.condemn(fmt::format("not set up within {} minutes", kMaxRestart.count()));
    return;
  }
  const std::uint64_t beats = child.pulse.beats();
  if (beats != child.beats || late) {
    child.beats = beats;
    child.beat = now;
    if (child.role.is_service()) child.cpu_time = cpu_time_of(child.pid);
    return;
  }
  const auto silent = now - child.beat;
  if (silent < kHangs || (child.role.is_service() && silent < kMaxBusy && is_busy(child, silent))) return;
  child.condemn(fmt::format("it has made no progress for {} s{}",
                            std::chrono::duration_cast<std::chrono::seconds>(silent).count(),
                            describe_work(child.pulse.rest(), plugins)));
}

}  // namespace

void Generation::check_health(bool late) {
  const SteadyTime now = steady_now();
  for (ChildProcess& child : children_) {
    if (!child.condemned) check(child, now, late, plugins_.types());
  }
}

}  // namespace swage::server
