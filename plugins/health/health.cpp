#include "plugins/health/health.h"

#include <algorithm>
#include <chrono>

#include "core/async/tasks.h"
#include "core/async/tcp.h"
#include "core/http/client.h"
#include "core/log.h"

namespace swage::plugins::health {

using namespace std::chrono_literals;

namespace {

constexpr std::string_view kAddress = ":8080";
constexpr auto kEvery = 1s;
constexpr auto kPatience = 3s;
constexpr auto kLongest = 1h;

const std::vector<double>& time_bounds() {  // CoreDNS's slim ones
  static const std::vector<double> bounds = {0.00025, 0.0025, 0.025, 0.25, 2.5};
  return bounds;
}

// One request to the server's own endpoint, as others send it.
async::Task<Result<>> ask(async::Loop& loop, Endpoint at) {
  async::TcpStream stream(loop);
  async::Timer deadline(loop, [&stream] { stream.close(); });
  deadline.start(kPatience);
  CO_TRY(co_await stream.connect(at));
  std::string request = "GET /health HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n";
  CO_TRY(const http::Received received, co_await http::exchange(stream, std::move(request)));
  if (received.status != 200) co_return fail("status {}", received.status);
  co_return Result<>();
}

}  // namespace

HealthService::HealthService(std::vector<Endpoint> endpoints, metrics::Histogram duration, metrics::Counter failures)
    : endpoint_(std::move(endpoints), "/health", [] { return text_response(200, "OK"); }),
      duration_(duration),
      failures_(failures) {}

async::Task<Result<>> HealthService::run(Host& host) {
  async::Tasks watching;
  watching.start(watch(host));
  co_return co_await endpoint_.run(host);
}

async::Task<> HealthService::watch(Host& host) {
  async::Loop& loop = host.loop();
  Endpoint at = endpoint_.endpoints().front();
  if (at.address.is_unspecified()) at.address = *IpAddress::parse("127.0.0.1");
  while (!co_await host.stopping(kEvery)) {
    const std::int64_t began = loop.now();
    const Result<> answered = co_await ask(loop, at);
    const double seconds = static_cast<double>(loop.now() - began) * 1e-9;
    duration_.observe(seconds);
    if (!answered) {
      failures_.add();
      log::warning("plugin/health: asking http://{}/health failed: {}", at.to_string(), answered.error().text());
    } else if (seconds > 1) {
      log::warning("plugin/health: asking http://{}/health took {:.3f} s", at.to_string(), seconds);
    }
  }
}

Result<> setup(Controller& controller) {
  controller.once();
  TRY(std::vector<Endpoint> endpoints, read_http_address(controller, kAddress));
  std::chrono::milliseconds& lameduck = controller.block().server->lameduck;  // the longest of all server blocks
  TRY(controller.read_block({{"lameduck", [&]() -> Result<> {
                                TRY(const auto time, controller.expect_duration(0s, kLongest));
                                lameduck = std::max(lameduck, time);
                                return {};
                              }}}));
  metrics::Registry& registry = controller.metrics();
  const auto duration = registry.histogram("coredns_health_request_duration_seconds",
                                           "Histogram of the time (in seconds) each request took.", time_bounds());
  const auto failures =
      registry.counter("coredns_health_request_failures_total", "The number of times the health check failed.");
  if (!endpoints.empty()) controller.add(std::make_unique<HealthService>(std::move(endpoints), duration, failures));
  return {};
}

}  // namespace swage::plugins::health
