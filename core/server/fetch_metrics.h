// What is counted of answers that have to be fetched (core/plugin/fetch.h). Made in each process, after the Corefile
// was set up: dns processes count, the service process knows the names then, the fetch process too. There is none of it
// where nothing is fetched.
#pragma once

#include <array>
#include <memory>
#include <span>

#include "core/metrics/registry.h"
#include "core/plugin/fetch.h"

namespace swage::server {

using Fetches = std::span<const std::unique_ptr<Fetch>>;
inline constexpr std::array kFetchBy = {Fetch::By::service, Fetch::By::fetch};

struct FetchMetrics {
  FetchMetrics() = default;
  // Has each Fetch count what it refuses.
  FetchMetrics(metrics::Registry& registry, Fetches fetches);

  // By Fetch::number() - 1.
  metrics::Counters queries;    // that had to wait
  metrics::Counters wants;      // keys that were asked for
  metrics::Counter over_share;  // queries that did not wait because their network has its share of those that do
  metrics::Gauge waiting;       // queries, in the dns processes
  metrics::Gauge fetching;      // keys, in the processes that fetch
  metrics::Gauge waiting_keys;  // that are to be fetched when it is their turn
  metrics::Counter queued;      // keys that had to wait for their turn
  metrics::Histogram waited;    // seconds until a query was answered for which something was fetched
};

}  // namespace swage::server
