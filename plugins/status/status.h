// status: a page for operators. A Service in the service process, which shows what Reporters say, and an Observer in
// dns processes, which leaves a sample of queries (traffic.h).
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "core/http/message.h"
#include "core/plugin/plugin.h"
#include "core/plugin/report.h"
#include "plugins/status/traffic.h"

namespace swage::plugins::status {

// Whether a browser that asks for the page under `host`, a Host field, may have it: an address, localhost, or one of
// `hosts`, with any port.
[[nodiscard]] bool is_known_host(std::string_view host, const std::vector<std::string>& hosts);

class Status : public Service, public Reporter {
 public:
  Status(std::vector<Endpoint> endpoints, std::vector<std::string> hosts, const shm::WorkerMemory& memory)
      : endpoints_(std::move(endpoints)), hosts_(std::move(hosts)), traffic_(memory) {}

  [[nodiscard]] async::Task<Result<>> run(Host& host) override;
  void report(Report& report, Report::Topic topic) override;

  [[nodiscard]] http::Response answer(const http::Request& request, Host& host);

 private:
  [[nodiscard]] async::Task<> count(Host& host);
  [[nodiscard]] const std::string& json(Host& host);

  std::vector<Endpoint> endpoints_;
  std::vector<std::string> hosts_;
  Traffic traffic_;
  std::string json_;           // as it was made last
  std::int64_t stale_at_ = 0;  // nanoseconds of the loop's time
};

// status [ADDRESS] { public ; host NAME... }
[[nodiscard]] Result<> setup(Controller& controller);

}  // namespace swage::plugins::status
