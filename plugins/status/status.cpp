#include "plugins/status/status.h"

#include <sys/random.h>

#include <algorithm>
#include <array>
#include <chrono>
#include <ctime>

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include "core/async/tasks.h"
#include "core/control/report_json.h"
#include "core/http/server.h"
#include "core/plugin/http_endpoint.h"
#include "core/text.h"
#include "plugins/status/page.h"

namespace swage::plugins::status {
namespace {

using namespace std::chrono_literals;
using control::Json;
using Topic = Report::Topic;

constexpr std::string_view kUsual = "127.0.0.1:8090";
constexpr std::int64_t kFresh = 900'000'000;  // nanoseconds: however many watch, it is made once
constexpr std::int64_t kRest = 20;            // times as long as it took, where there are very many zones
constexpr std::size_t kMostZones = 500;

http::Limits limits() {
  http::Limits limits;
  limits.body = 0;
  limits.connections = 64;
  limits.header_time = limits.body_time = limits.write_time = 5s;
  limits.grace_time = 100ms;
  return limits;
}

template <typename Item>
Json list(const std::vector<Item>& items) {
  Json list = Json::array();
  for (const Item& each : items) list.push_back(control::to_json(each));
  return list;
}

std::string make_nonce() {
  std::array<std::uint8_t, 16> bytes{};
  CHECK(getentropy(bytes.data(), bytes.size()) == 0);
  std::string text;
  for (const std::uint8_t byte : bytes) text += fmt::format("{:02x}", byte);
  return text;
}

// Whether nobody but this machine can reach it.
bool is_local(const Endpoint& endpoint) {
  static const std::array kLocal = {*Prefix::parse("127.0.0.0/8"), *Prefix::parse("::1/128")};
  return std::ranges::any_of(kLocal, [&](const Prefix& each) { return each.contains(endpoint.address); });
}

// What has something wrong comes first.
bool is_well(const Report::Zone& zone) { return zone.loaded && zone.problem.empty(); }

std::string make_json(Reporting& reporting) {
  Report report;
  reporting.report_server(report);
  reporting.report_zones(report);
  for (const Topic topic :
       {Topic::registrations, Topic::challenges, Topic::certificates, Topic::keys, Topic::fleet, Topic::traffic}) {
    reporting.report_topic(report, topic);
  }
  const Report::Time now = std::time(nullptr);
  Json json = {{"now", now}, {"server", control::to_json(report.server)}, {"problems", control::problems(report, now)}};
  json["zones_all"] = report.zones.size();
  std::ranges::stable_sort(report.zones, [](const Report::Zone& a, const Report::Zone& b) {
    return std::pair(is_well(a), std::string_view(a.name)) < std::pair(is_well(b), std::string_view(b.name));
  });
  report.zones.resize(std::min(report.zones.size(), kMostZones));
  report.keys.resize(std::min(report.keys.size(), kMostZones));
  json["processes"] = list(report.processes);
  json["zones"] = list(report.zones);
  json["registrations"] = list(report.registrations);
  json["challenges"] = list(report.challenges);
  json["certificates"] = list(report.certificates);
  json["keys"] = list(report.keys);
  json["fleet"] = list(report.fleet);
  if (report.traffic) json["traffic"] = control::to_json(*report.traffic);
  return control::text_of(json);
}

// What every response has: nobody else may show, keep or guess it.
void protect(http::Response& response) {
  response.fields.add("Cache-Control", "no-store");
  response.fields.add("X-Content-Type-Options", "nosniff");
  response.fields.add("Referrer-Policy", "no-referrer");
  response.fields.add("Cross-Origin-Resource-Policy", "same-origin");
  response.fields.add("X-Frame-Options", "DENY");
}

}  // namespace

bool is_known_host(std::string_view host, const std::vector<std::string>& hosts) {
  const std::size_t bracket = host.rfind(']');
  const std::size_t colon = host.rfind(':');
  if (colon != std::string_view::npos && (bracket == std::string_view::npos || colon > bracket)) {
    if (!is_decimal(host.substr(colon + 1))) return false;
    host = host.substr(0, colon);
  }
  if (host.starts_with('[') && host.ends_with(']')) {
    return IpAddress::parse(host.substr(1, host.size() - 2)).has_value();
  }
  const auto is_host = [host](const std::string& each) { return equal_without_case(each, host); };
  return equal_without_case(host, "localhost") || IpAddress::parse(host).has_value() ||
         std::ranges::any_of(hosts, is_host);
}

http::Response Status::answer(const http::Request& request, Host& host) {
  http::Response response;
  if (!is_known_host(request.fields.find("Host").value_or(""), hosts_)) {
    response = text_response(421, "The page is not shown under this name: see the directive status.\n");
  } else if (request.path() != "/" && request.path() != "/status.json") {
    response = text_response(404, "404 page not found\n");
  } else if (request.method != "GET" && request.method != "HEAD") {
    response = text_response(405, "only GET\n");
  } else if (request.path() == "/") {
    const std::string nonce = make_nonce();
    response.fields.add("Content-Type", "text/html; charset=utf-8");
    response.fields.add(
        "Content-Security-Policy",
        fmt::format("default-src 'none'; script-src 'nonce-{0}'; style-src 'nonce-{0}'; connect-src "
                    "'self'; img-src data:; base-uri 'none'; form-action 'none'; frame-ancestors 'none'",
                    nonce));
    response.body = page(nonce);
  } else {
    response.fields.add("Content-Type", "application/json");
    response.body = json(host);
  }
  protect(response);
  return response;
}

const std::string& Status::json(Host& host) {
  const std::int64_t now = host.loop().now();
  if (json_.empty() || now > stale_at_) {
    Reporting* const reporting = Reporting::of(host);
    json_ = reporting == nullptr ? "{}" : make_json(*reporting);
    const std::int64_t end = host.loop().now();
    stale_at_ = end + std::max(kFresh, kRest * (end - now));
  }
  return json_;
}

void Status::report(Report& report, Topic topic) {
  if (topic == Topic::traffic) report.traffic = traffic_.report();
}

async::Task<> Status::count(Host& host) {
  while (true) {
    const bool stopped = co_await host.stopping(1s);
    if (stopped) co_return;
    traffic_.read(host.loop().now());
  }
}

// A Server's Handler is a coroutine.
static async::Task<http::Response> answer_later(Status& self, http::Request request, Host& host) {
  co_return self.answer(request, host);
}

async::Task<Result<>> Status::run(Host& host) {
  async::Tasks counting;
  counting.start(count(host));
  const auto handler = [this, &host](http::Request request, http::Caller&) {
    return answer_later(*this, std::move(request), host);
  };
  http::Server server(host.loop(), limits(), handler);
  for (const Endpoint& each : endpoints_) {
    std::optional<Descriptor> socket = host.take_listening_socket(each);
    if (socket) server.listen(socket->release());
  }
  co_await host.stopping().wait();
  server.drain();
  co_await async::wait_for(server.drained(), 2s);
  co_return Result<>();
}

Result<> setup(Controller& controller) {
  controller.once();
  const config::Token at = controller.token();
  TRY(std::vector<Endpoint> endpoints, read_http_address(controller, kUsual));
  bool is_public = false;
  std::vector<std::string> hosts;
  const auto read_hosts = [&]() -> Result<> {
    do {
      TRY(hosts.emplace_back(), controller.expect_arg("the name of a host"));
    } while (controller.has_arg());
    return {};
  };
  TRY(controller.read_block({{"public",
                              [&]() -> Result<> {
                                is_public = true;
                                return {};
                              }},
                             {"host", read_hosts}}));
  if (!is_public && !std::ranges::all_of(endpoints, &is_local)) {
    return std::unexpected(controller.error_at(
        at, fmt::format("{}: others can reach that, and the page has no password; add the line 'public' if they may",
                        endpoints.front().to_string())));
  }
  shm::WorkerMemory& memory = controller.worker_memory("status traffic", sizeof(piece::Piece));
  controller.add(std::make_unique<const Sampler>(memory));
  if (!endpoints.empty()) controller.add(std::make_unique<Status>(std::move(endpoints), std::move(hosts), memory));
  return {};
}

}  // namespace swage::plugins::status
