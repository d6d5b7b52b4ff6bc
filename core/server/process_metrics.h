// What Prometheus's client libraries say of a process (process_cpu_seconds_total and so on), for the supervisor and all
// its children together. Reads /proc; in the service process.
#pragma once

#include <cstdint>
#include <string>

#include "core/metrics/registry.h"

namespace swage::server {

// In Prometheus's text format; empty where there is no /proc. Called by a child, whose parent is the supervisor.
// `cpu_ticks`: what was said before, 0 at first.
[[nodiscard]] std::string process_metrics_text(std::uint64_t& cpu_ticks);

// How many descriptors this process has open: each process counts its own, since none can look into another.
[[nodiscard]] metrics::Gauge open_descriptors(metrics::Registry& registry);
void count_open_descriptors(const metrics::Gauge& gauge);

}  // namespace swage::server
