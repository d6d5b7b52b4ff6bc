#include "core/server/fetch_metrics.h"

namespace swage::server {

FetchMetrics::FetchMetrics(metrics::Registry& registry, Fetches fetches) {
  if (fetches.empty()) return;
  metrics::Choice names{"fetch", {}};
  for (const auto& each : fetches) names.values.push_back(each->name());
  queries =
      registry.counters("swage_fetch_queries_total", "Queries that waited for something to be fetched.", {}, {names});
  wants = registry.counters("swage_fetch_wants_total", "Keys that dns processes asked for.", {}, {names});
  const metrics::Counters refused =
      registry.counters("swage_fetch_refused_total", "Answers that could not be fetched or waited for, by reason.", {},
                        {names, {"reason", {"none", "no_room", "failed", "late", "too_often"}}});
  over_share = registry.counter("swage_fetch_over_share_total",
                                "Queries refused because their client's network has its share of those that wait.");
  waiting = registry.gauge("swage_fetch_waiting_queries", "Queries that wait for something to be fetched.");
  fetching = registry.gauge("swage_fetch_keys", "Keys that are being fetched.");
  waiting_keys = registry.gauge("swage_fetch_waiting_keys", "Keys that wait until it is their network's turn.");
  queued = registry.counter("swage_fetch_queued_keys_total",
                            "Keys that were not fetched at once, because of what their network has fetched already.");
  waited = registry.histogram("swage_fetch_wait_seconds", "How long queries waited that were answered then.",
                              {.001, .0025, .005, .01, .025, .05, .1, .25, .5, 1, 2.5, 5});
  for (const auto& each : fetches) each->count_refusals(refused);
}

}  // namespace swage::server
