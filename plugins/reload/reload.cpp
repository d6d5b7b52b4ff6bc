#include "plugins/reload/reload.h"

#include <algorithm>
#include <random>

#include "core/config/values.h"
#include "core/log.h"

namespace swage::plugins::reload {

using namespace std::chrono_literals;
using std::chrono::milliseconds;

namespace {

constexpr milliseconds kMinInterval = 2s;
constexpr milliseconds kMinJitter = 1s;

Result<milliseconds> duration(const Controller& controller) {
  const auto parsed = config::parse_duration(controller.val());
  if (!parsed) return std::unexpected(controller.error("directive 'reload': {}", parsed.error().text()));
  return std::chrono::duration_cast<milliseconds>(*parsed);
}

// [INTERVAL] [JITTER], or nullopt for off.
Result<std::optional<Reload::Times>> times(Controller& controller) {
  Reload::Times times;
  if (controller.next_arg()) {
    if (controller.val() == "off") return std::nullopt;
    TRY(times.interval, duration(controller));
    if (times.interval < kMinInterval) {
      return std::unexpected(
          controller.error("directive 'reload': an interval of '{}', but it must be at least 2s", controller.val()));
    }
  }
  if (controller.next_arg()) {
    TRY(times.jitter, duration(controller));
    if (times.jitter != 0ms && times.jitter < kMinJitter) {
      return std::unexpected(
          controller.error("directive 'reload': a jitter of '{}', but it must be 0s or at least 1s", controller.val()));
    }
  }
  return times;
}

}  // namespace

Reload::Reload(Times times, double random) : interval_(times.interval) {
  const milliseconds jitter = std::min(times.jitter, times.interval / 2);
  interval_ += std::chrono::duration_cast<milliseconds>((random - 0.5) * jitter);
}

async::Task<Result<>> Reload::run(Host& host) {
  while (true) {  // not `while (!co_await …)`: see Host::stopping() about coroutines without a variable
    const bool stopped = co_await host.stopping(interval_);
    if (stopped) co_return Result<>();
    if (!host.corefile_changed()) continue;
    swage::log::info("plugin/reload: the Corefile has changed");
    host.request_reload();
  }
}

Result<> setup(Controller& controller) {
  controller.next();
  TRY(const std::optional<Reload::Times> chosen, times(controller));
  TRY(controller.expect_end());
  if (controller.next_block()) return std::unexpected(controller.error("directive 'reload' has no block"));
  if (controller.next()) return std::unexpected(controller.error("directive 'reload' twice in a server block"));
  if (!chosen) return {};
  std::random_device device;
  controller.add(std::make_unique<Reload>(*chosen, std::uniform_real_distribution(0.0, 1.0)(device)));
  return {};
}

}  // namespace swage::plugins::reload
