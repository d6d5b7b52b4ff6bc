// health: says over HTTP that the server is alive, keeps it alive for a while when it is told to end, and measures how
// long it takes to say so. In the service process.
#pragma once

#include "core/plugin/http_endpoint.h"
#include "core/plugin/plugin.h"

namespace swage::plugins::health {

class HealthService : public Service {
 public:
  HealthService(std::vector<Endpoint> endpoints, metrics::Histogram duration, metrics::Counter failures);
  [[nodiscard]] async::Task<Result<>> run(Host& host) override;

 private:
  [[nodiscard]] async::Task<> watch(Host& host);

  HttpEndpoint endpoint_;
  metrics::Histogram duration_;
  metrics::Counter failures_;
};

// health [ADDRESS] { lameduck DURATION }
[[nodiscard]] Result<> setup(Controller& controller);

}  // namespace swage::plugins::health
