#include "plugins/reload/reload.h"

#include <algorithm>
#include <random>

#include "core/log.h"

namespace swage::plugins::reload {

using namespace std::chrono_literals;
using std::chrono::milliseconds;

namespace {

constexpr milliseconds kMinInterval = 2s;
constexpr milliseconds kMinJitter = 1s;

// [INTERVAL] [JITTER], or nullopt for off.
Result<std::optional<ReloadService::Times>> read_times(Controller& controller) {
  ReloadService::Times times;
  if (controller.has_arg()) {
    const auto interval = controller.expect_duration(kMinInterval);
    if (controller.val() == "off") return std::nullopt;
    TRY(times.interval, interval);
  }
  if (controller.has_arg()) {
    TRY(times.jitter, controller.expect_duration());
    if (times.jitter != 0ms && times.jitter < kMinJitter) {
      return controller.fail("'{}' is neither 0 nor at least 1s", controller.val());
    }
  }
  return times;
}

}  // namespace

ReloadService::ReloadService(Times times, double random) : interval_(times.interval) {
  const milliseconds jitter = std::min(times.jitter, times.interval / 2);
  interval_ += std::chrono::duration_cast<milliseconds>((random - 0.5) * jitter);
}

async::Task<Result<>> ReloadService::run(Host& host) {
  while (true) {  // not `while (!co_await …)`: see Host::stopping() about coroutines without a variable
    const bool stopped = co_await host.stopping(interval_);
    if (stopped) co_return Result<>();
    const std::string plugin = host.changed_plugin();
    if (plugin.empty() && !host.corefile_changed()) continue;
    swage::log::info("plugin/reload: {} has changed", plugin.empty() ? "the Corefile" : plugin);
    host.request_reload();
  }
}

Result<> setup(Controller& controller) {
  controller.once();
  TRY(const std::optional<ReloadService::Times> chosen, read_times(controller));
  if (!chosen) return {};
  std::random_device device;
  controller.add(std::make_unique<ReloadService>(*chosen, std::uniform_real_distribution(0.0, 1.0)(device)));
  return {};
}

}  // namespace swage::plugins::reload
