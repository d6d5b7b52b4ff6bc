#include "core/server/service_run.h"

#include <algorithm>
#include <chrono>

#include "core/log.h"

namespace swage::server {
namespace {

constexpr std::chrono::seconds kFirstPause{1}, kMaxPause{60}, kServiceStableAfter{60};

}  // namespace

async::Task<> run_service(Host& host, const NamedService& named, std::set<const NamedService*>& failed) {
  std::chrono::seconds pause = kFirstPause;
  while (true) {
    const std::int64_t begun = host.loop().now();
    const Result<> ended = co_await named.service->run(host);
    if (ended) co_return;
    const std::string why = placed(named, ended.error()).text();
    if (host.stopping().is_set()) {
      log::error("{}", why);
      co_return;
    }
    if (std::chrono::nanoseconds(host.loop().now() - begun) > kServiceStableAfter) pause = kFirstPause;
    log::error("{}; running it again in {} s", why, pause.count());
    failed.insert(&named);
    const bool stopped = co_await host.stopping(pause);
    if (stopped) co_return;
    failed.erase(&named);
    pause = std::min(2 * pause, kMaxPause);
  }
}

}  // namespace swage::server
