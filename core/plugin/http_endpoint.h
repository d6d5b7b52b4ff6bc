// HttpEndpoint: a small HTTP server for machines that watch the server, as several plugins have one: an address in the
// Corefile, one path, a text. Plain HTTP, in the service process. Beside core/plugin/plugin.h, because it is a
// Service's.
#pragma once

#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "core/async/event.h"
#include "core/http/message.h"
#include "core/plugin/plugin.h"

namespace swage {

// "[ADDRESS]:PORT" as CoreDNS's plugins take it, "localhost:9153", ":8080", "[::1]:80", "192.0.2.1:80": localhost is
// 127.0.0.1, no address is every one.
[[nodiscard]] Result<std::vector<Endpoint>> parse_http_address(std::string_view text);

// What to write for "coredns:9153", which CoreDNS looks up; empty where `text` does not begin with a host's name.
[[nodiscard]] std::string host_name_hint(std::string_view text);

// Reads the directive's optional [ADDRESS] and asks for its sockets. Empty where server blocks before this one have
// taken them: then there is nothing to serve here.
[[nodiscard]] Result<std::vector<Endpoint>> read_http_address(Controller& controller, std::string_view usual);

class HttpEndpoint {
 public:
  using Answer = std::function<http::Response()>;

  // Answers GET and HEAD of `path` with `answer`; other paths with 404, other methods with 405.
  HttpEndpoint(std::vector<Endpoint> endpoints, std::string path, Answer answer)
      : endpoints_(std::move(endpoints)), path_(std::move(path)), answer_(std::move(answer)) {}

  // As a Service's.
  [[nodiscard]] async::Task<Result<>> run(Host& host);
  [[nodiscard]] const std::vector<Endpoint>& endpoints() const { return endpoints_; }

 private:
  static async::Task<http::Response> answer_later(const HttpEndpoint& self, http::Request request);
  [[nodiscard]] http::Response answer(const http::Request& request) const;

  std::vector<Endpoint> endpoints_;
  std::string path_;
  Answer answer_;
};

[[nodiscard]] http::Response text_response(unsigned status, std::string body);

}  // namespace swage
