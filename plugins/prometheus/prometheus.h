// prometheus: exposes what the server counts, over HTTP, and counts the queries of its server block. The counting is in
// the dns processes (dns_metrics.h), the rest in the service process.
#pragma once

#include <string>
#include <vector>

#include "core/plugin/http_endpoint.h"
#include "core/plugin/plugin.h"

namespace swage::plugins::prometheus {

class PrometheusService : public Service {
 public:
  explicit PrometheusService(std::vector<Endpoint> endpoints)
      : endpoint_(std::move(endpoints), "/metrics", [this] { return scrape(); }) {}
  [[nodiscard]] async::Task<Result<>> run(Host& host) override;

 private:
  [[nodiscard]] http::Response scrape() const;

  HttpEndpoint endpoint_;
  Host* host_ = nullptr;  // while it runs
};

// prometheus [ADDRESS] { runtime_metrics }
[[nodiscard]] Result<> setup(Controller& controller);

}  // namespace swage::plugins::prometheus
