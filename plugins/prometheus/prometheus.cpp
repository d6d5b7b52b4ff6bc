#include "plugins/prometheus/prometheus.h"

#include <algorithm>
#include <ranges>

#include "plugins/prometheus/dns_metrics.h"

namespace swage::plugins::prometheus {
namespace {

constexpr std::size_t kMaxZones = 500;  // of a server block that coredns_plugin_enabled names
constexpr std::string_view kAddress = "localhost:9153";
constexpr std::string_view kCompiler = "c++ " __VERSION__;

// By ChainEntry::number.
std::vector<std::string> plugin_names(const ServerBlock& block) {
  std::vector<std::string> names = {""};  // the server itself
  for (const NamedDirective& each : block.directives) names.push_back(each.known_as);
  return names;
}

// The directives of the server block, each once.
std::vector<std::string> directives_of(const ServerBlock& block) {
  std::vector<std::string> names;
  for (const NamedDirective& each : block.directives) {
    const bool known = std::ranges::find(names, each.known_as) != names.end();
    if (each.present && !known) names.push_back(each.known_as);
  }
  return names;
}

}  // namespace

http::Response PrometheusService::scrape() const {
  http::Response response = text_response(200, host_->metrics_text());
  response.fields.set("Content-Type", "text/plain; version=0.0.4; charset=utf-8");
  return response;
}

async::Task<Result<>> PrometheusService::run(Host& host) {
  host_ = &host;
  return endpoint_.run(host);
}

namespace {

// Gauges say 1 in the service process alone: those of all processes are added up.
class ConstantService : public Service {
 public:
  explicit ConstantService(std::vector<metrics::Gauge> ones) : ones_(std::move(ones)) {}
  Result<> prepare() override {
    for (const metrics::Gauge& each : ones_) each.set(1);
    return {};
  }
  async::Task<Result<>> run(Host&) override { co_return Result<>(); }

 private:
  std::vector<metrics::Gauge> ones_;
};

}  // namespace

Result<> setup(Controller& controller) {
  controller.once();
  TRY(std::vector<Endpoint> endpoints, read_http_address(controller, kAddress));
  TRY(controller.read_block({{"runtime_metrics", [] { return Result<>(); }}}));  // of Go's runtime; there is none here

  metrics::Registry& registry = controller.metrics();
  DnsMetrics::declare(registry);
  std::vector<metrics::Gauge> ones;
  ones.push_back(registry.gauge(
      "coredns_build_info",
      "A metric with a constant '1' value labeled by version, revision, and goversion from which the server was built.",
      {{"version", SWAGE_VERSION}, {"revision", ""}, {"goversion", std::string(kCompiler)}}));
  ones.push_back(registry.gauge("coredns_forge_info", "Information about the instance.", {{"version", SWAGE_VERSION}}));
  static_cast<void>(registry.counter("coredns_panics_total", "A metrics that counts the number of panics."));
  const ServerBlock& block = controller.block();
  const std::vector<std::string> directives = directives_of(block);
  for (const Listener& listener : block.listeners()) {
    for (const dns::Name& zone : block.zones | std::views::take(kMaxZones)) {
      for (const std::string& name : directives) {
        ones.push_back(registry.gauge(
            "coredns_plugin_enabled",
            "A metric that indicates whether a plugin is enabled on per server and zone basis.",
            {{"server", listener.name}, {"zone", zone.to_string()}, {"view", block.view}, {"name", name}}));
      }
    }
  }
  controller.add(std::make_unique<ConstantService>(std::move(ones)));
  if (!endpoints.empty()) controller.add(std::make_unique<PrometheusService>(std::move(endpoints)));
  const std::vector<std::string> plugins = plugin_names(block);
  controller.add(
      std::make_unique<const DnsMetrics>(registry, block.listeners(), plugins, DnsMetrics::Of::zones, block.view));
  auto& unrouted = block.server->unrouted;  // counted once, however many server blocks want it
  if (unrouted == nullptr) {
    unrouted = std::make_unique<const DnsMetrics>(registry, block.listeners(), plugins, DnsMetrics::Of::unrouted);
  }
  return {};
}

}  // namespace swage::plugins::prometheus
