#include "core/fleet/measures.h"

namespace swage::fleet {

Measures Measures::of(metrics::Registry& registry, const std::string& zone) {
  const metrics::Labels labels{{"zone", zone}};
  const std::vector<double> times{0.002, 0.005, 0.01, 0.02, 0.05, 0.1, 0.25, 0.5, 1, 2, 5, 12};
  Measures made;
  made.members = registry.gauge("swage_fleet_members", "Nameservers that a registration waits for.", labels);
  made.fenced = registry.gauge("swage_fleet_fenced", "1 where challenges are answered with SERVFAIL.", labels);
  made.fence_seconds = registry.gauge("swage_fleet_fence_seconds",
                                      "For how long challenges are answered if the engine is silent.", labels);
  made.revision = registry.gauge("swage_fleet_revision", "The revision of the engine that has been seen.", labels);
  made.joins = registry.counter("swage_fleet_joins_total", "How often this server has become a member.", labels);
  made.requests = registry.counter("swage_fleet_engine_requests_total", "Requests to the engine.", labels);
  made.request_failures =
      registry.counter("swage_fleet_engine_failures_total", "Requests to the engine that failed.", labels);
  made.failures = registry.counters("swage_fleet_failures_total", "Registrations that could not be stored.", labels,
                                    {{"reason", {"engine", "room", "timeout"}}});
  made.engine_write =
      registry.histogram("swage_fleet_write_seconds", "From a value's writing to the engine's answer.", times, labels);
  made.acknowledgement = registry.histogram("swage_fleet_acknowledgement_seconds",
                                            "From a value's writing until all nameservers have it.", times, labels);
  return made;
}

}  // namespace swage::fleet
