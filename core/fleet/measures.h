// Measures: what a fleet counts and measures. A value; in every process, counted in the service process.
#pragma once

#include <string>

#include "core/metrics/registry.h"

namespace swage::fleet {

struct Measures {
  enum class Failure : std::uint8_t { engine, room, timeout };

  metrics::Gauge members, fenced, fence_seconds, revision;
  metrics::Counter joins, requests, request_failures;
  metrics::Counters failures;  // by Failure
  metrics::Histogram acknowledgement, engine_write;

  [[nodiscard]] static Measures of(metrics::Registry& registry, const std::string& zone);
};

}  // namespace swage::fleet
