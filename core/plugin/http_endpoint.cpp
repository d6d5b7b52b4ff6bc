#include "core/plugin/http_endpoint.h"

#include <algorithm>
#include <chrono>
#include <utility>

#include <fmt/format.h>

#include "core/config/values.h"
#include "core/http/server.h"
#include "core/text.h"

namespace swage {

using namespace std::chrono_literals;

namespace {

// As CoreDNS's: 5 seconds for each part.
http::Limits limits() {
  http::Limits limits;
  limits.body = 0;
  limits.connections = 256;
  limits.header_time = limits.body_time = limits.write_time = 5s;
  limits.grace_time = 100ms;
  return limits;
}

}  // namespace

std::string host_name_hint(std::string_view text) {
  const std::size_t colon = text.rfind(':');
  const std::string_view name = text.substr(0, colon);
  const auto is_name = [](char c) { return is_letter_or_digit(c) || c == '-' || c == '.' || c == '_'; };
  if (colon == std::string_view::npos || !std::ranges::all_of(name, is_name) || std::ranges::none_of(name, is_letter)) {
    return "";
  }
  const std::string_view port = text.substr(colon);
  return fmt::format(": names of hosts are not looked up; write an address, or {} for all addresses", port);
}

Result<std::vector<Endpoint>> parse_http_address(std::string_view text) {
  const auto wrong = [text] { return fail("'{}' is not [ADDRESS]:PORT{}", text, host_name_hint(text)); };
  const std::size_t colon = text.rfind(':');
  if (colon == std::string_view::npos) return wrong();
  const auto port = config::parse_integer<std::uint16_t>(text.substr(colon + 1), 1, 65535);
  if (!port) return wrong();
  std::string_view address = text.substr(0, colon);
  if (address.empty()) {
    return std::vector<Endpoint>{{IpAddress(), *port, 0}, {IpAddress::v6(std::array<std::uint8_t, 16>{}), *port, 0}};
  }
  if (address == "localhost") address = "127.0.0.1";
  const bool brackets = address.starts_with('[') && address.ends_with(']');
  if (brackets) address = address.substr(1, address.size() - 2);
  const auto parsed = IpAddress::parse(address);
  if (!parsed || parsed->is_v6() != brackets) return wrong();
  return std::vector<Endpoint>{{*parsed, *port, 0}};
}

Result<std::vector<Endpoint>> read_http_address(Controller& controller, std::string_view usual) {
  const bool given = controller.next_arg();
  TRY(const std::vector<Endpoint> endpoints, parse_http_address(given ? controller.val() : usual));
  std::vector<Endpoint> ours;
  for (const Endpoint& each : endpoints) {
    TRY(const bool first, controller.listen_tcp(each, Controller::Sharing::between_blocks));
    if (first) ours.push_back(each);
  }
  return ours;
}

http::Response text_response(unsigned status, std::string body) {
  http::Response response;
  response.status = status;
  response.fields.add("Content-Type", "text/plain; charset=utf-8");
  response.body = std::move(body);
  return response;
}

// A Server's Handler is a coroutine.
async::Task<http::Response> HttpEndpoint::answer_later(const HttpEndpoint& self, http::Request request) {
  co_return self.answer(request);
}

http::Response HttpEndpoint::answer(const http::Request& request) const {
  if (request.path() != path_) return text_response(404, "404 page not found\n");
  if (request.method != "GET" && request.method != "HEAD") return text_response(405, "only GET\n");
  return answer_();
}

async::Task<Result<>> HttpEndpoint::run(Host& host) {
  const auto handler = [this](http::Request request, http::Caller&) { return answer_later(*this, std::move(request)); };
  http::Server server(host.loop(), limits(), handler);
  std::size_t count = 0;
  for (const Endpoint& each : endpoints_) {
    std::optional<Descriptor> socket = host.take_listening_socket(each);
    if (!socket) continue;  // no IPv6 here
    server.listen(socket->release());
    ++count;
  }
  if (count == 0 && !endpoints_.empty()) co_return fail("{}: no socket to listen on", endpoints_.front().to_string());
  co_await host.stopping().wait();
  server.drain();
  co_await async::wait_for(server.drained(), 2s);
  co_return Result<>();
}

}  // namespace swage
