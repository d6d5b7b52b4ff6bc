// How a Service runs: in the service process, or, a Fetcher, in the fetch process.
#pragma once

#include <set>

#include "core/async/task.h"
#include "core/server/configuration.h"

namespace swage::server {

// Runs it until run() has returned. Where that is with an Error, logs it, and runs it again after a pause, which
// doubles each time unless it had run for a while; meanwhile it is in `failed`. REQUIRES: all outlive the loop.
[[nodiscard]] async::Task<> run_service(Host& host, const NamedService& named, std::set<const NamedService*>& failed);

}  // namespace swage::server
