// ready: says over HTTP whether all plugins can do their work. In the service process.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "core/plugin/http_endpoint.h"
#include "core/plugin/plugin.h"

namespace swage::plugins::ready {

class ReadyService : public Service {
 public:
  enum class Monitor : bool { until_ready, continuously };

  ReadyService(std::vector<Endpoint> endpoints, Monitor monitor)
      : endpoint_(std::move(endpoints), "/ready", [this] { return answer(); }), monitor_(monitor) {}
  [[nodiscard]] async::Task<Result<>> run(Host& host) override;

 private:
  [[nodiscard]] http::Response answer();

  HttpEndpoint endpoint_;
  Monitor monitor_;
  Host* host_ = nullptr;                           // while it runs
  std::optional<std::vector<std::string>> never_;  // those that were not ready each time that somebody asked
};

// ready [ADDRESS] { monitor until-ready|continuously }
[[nodiscard]] Result<> setup(Controller& controller);

}  // namespace swage::plugins::ready
