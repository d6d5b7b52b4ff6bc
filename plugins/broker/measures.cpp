#include "plugins/broker/measures.h"

#include <algorithm>
#include <iterator>
#include <vector>

namespace swage::plugins::broker {
namespace {

constexpr std::string_view kHandler = "/v1/_acme-challenge";
constexpr std::string_view kDuration = "coredns_forge_acme_http_request_duration_seconds";
constexpr std::string_view kDurationHelp = "The latency of the HTTP requests.";

const std::vector<double>& time_bounds() {
  static const std::vector<double> bounds = {0.1, 0.5, 1, 2, 5, 8, 10, 20, 30};
  return bounds;
}

// Clients choose the method: all unusual ones are one series.
std::string_view known_method(std::string_view method) {
  static constexpr std::string_view kMethods[] = {"POST", "GET", "HEAD", "PUT", "DELETE", "PATCH", "OPTIONS"};
  const auto* const known = std::ranges::find(kMethods, method);
  return known == std::end(kMethods) ? "other" : *known;
}

}  // namespace

Agent agent_of(std::string_view name) {
  const auto holds = [name](std::string_view part) { return name.find(part) != std::string_view::npos; };
  if (name.starts_with("kubo/")) return Agent::kubo;
  if (name.starts_with("go-ipfs/")) return Agent::go_ipfs;
  if (name.starts_with("helia/")) return Agent::helia;
  if (name.starts_with("libp2p/") || holds("js-libp2p/")) return Agent::js_libp2p;
  if (holds("go-libp2p")) return Agent::go_libp2p;
  if (holds("Go-http-client")) return Agent::go_http_client;
  if (holds("python-requests")) return Agent::python_requests;
  if (name.starts_with("curl/")) return Agent::curl;
  if (name == "node") return Agent::node;
  if (name.starts_with("Mozilla/")) return Agent::browser;
  return Agent::other;
}

Measures::Measures(metrics::Registry& registry)
    : registry_(&registry),
      probes_(registry.counters("coredns_forge_acme_libp2p_probe_total",
                                "The count of libp2p probes performed before accepting registration.", {},
                                {{"result", {"ok", "error"}},
                                 {"agent",
                                  {"kubo", "go-ipfs", "helia", "js-libp2p", "go-libp2p", "go-http-client",
                                   "python-requests", "curl", "node", "browser", "other"}}})),
      results_(registry.counters(
          "swage_broker_registrations_total", "Registrations of peers that proved their key, by outcome.", {},
          {{"result", {"ok", "invalid", "forbidden", "limited", "unreachable", "unavailable", "gone"}}})),
      unproven_(registry.counters(
          "swage_broker_unauthenticated_total", "Requests refused before their peer was known, by the reason.", {},
          {{"reason", {"host", "malformed", "token", "signature", "limited", "busy", "http"}}})),
      inflight_(registry.gauge("coredns_forge_acme_http_requests_inflight",
                               "The number of inflight requests being handled at the same time.",
                               {{"handler", std::string(kHandler)}, {"service", ""}})) {
  registry.declare(metrics::Kind::histogram, kDuration, kDurationHelp, time_bounds(),
                   {"code", "handler", "method", "service"});
}

void Measures::probed(bool reached, Agent agent) const {
  probes_.at(reached ? 0 : 1, static_cast<std::size_t>(agent)).add();
}

Measures::Request::Request(const Measures& measures) : measures_(measures) { measures_.inflight_.add(1); }

void Measures::Request::answered(std::string_view method, unsigned status) const {
  if (measures_.registry_ == nullptr) return;
  const std::chrono::duration<double> time = std::chrono::steady_clock::now() - began_;
  measures_.durations(status, known_method(method)).observe(time.count());
}

metrics::Histogram Measures::durations(unsigned status, std::string_view method) const {
  const auto [place, is_new] = durations_.try_emplace({status, method});
  if (is_new) {
    place->second = registry_->histogram(kDuration, kDurationHelp, time_bounds(),
                                         {{"code", std::to_string(status)},
                                          {"handler", std::string(kHandler)},
                                          {"method", std::string(method)},
                                          {"service", ""}});
  }
  return place->second;
}

}  // namespace swage::plugins::broker
