#include "plugins/broker/api.h"

#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace swage::plugins::broker {
namespace {

constexpr std::string_view kHealth = "/v1/health";

// A client whose endpoint ends with a slash asks for "//v1/…".
std::string without_repeated_slashes(std::string_view path) {
  std::string clean;
  for (const char c : path) {
    if (c != '/' || !clean.ends_with('/')) clean.push_back(c);
  }
  return clean;
}

http::Response not_found() {
  http::Response response;
  response.status = 404;
  response.fields.add("Content-Type", "text/plain; charset=utf-8");
  response.body = "not found\n";
  return response;
}

http::Response uncertified() {
  http::Response response;
  response.status = 503;
  response.fields.add("Retry-After", "30");
  response.fields.add("Content-Type", "text/plain; charset=utf-8");
  response.body = "there is no certificate yet\n";
  return response;
}

}  // namespace

http::Response Api::health() const {
  http::Response response;
  response.status = store_.accepts() ? 204 : 503;
  if (response.status == 503) response.fields.add("Retry-After", "5");
  return response;
}

async::Task<http::Response> Api::answer_at(std::string path, http::Request request, http::Caller& caller) {
  if (!has_certificate_()) co_return uncertified();
  if (path == kHealth) co_return health();
  if (path != "/v1/_acme-challenge") co_return not_found();
  if (cors_.is_preflight(request)) co_return Cors::preflight();
  const Measures::Request measured(measures_);
  const std::string method = request.method;
  http::Response response = co_await registrar_.answer(std::move(request), caller);
  measured.answered(method, response.status);
  co_return response;
}

async::Task<http::Response> Api::answer(http::Request request, http::Caller& caller) {
  std::string path = without_repeated_slashes(request.path());
  const std::vector<std::string> origins = Cors::origins_of(request);
  const bool is_health = path.starts_with(kHealth);  // load balancers ask all the time
  const AccessLog::Request logged(log_, request);
  http::Response response = co_await answer_at(std::move(path), std::move(request), caller);
  if (!is_health) logged.answered(response.status);
  response.fields.add("Cache-Control", "no-store");
  cors_.allow(origins, response);
  co_return response;
}

}  // namespace swage::plugins::broker
