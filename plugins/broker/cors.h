// Cors: which web pages a browser lets ask the broker (https://fetch.spec.whatwg.org/#http-cors-protocol). None unless
// the Corefile says so: a page could use up its visitors' limits. In the service process.
#pragma once

#include <string>
#include <vector>

#include "core/http/message.h"

namespace swage::plugins::broker {

class Cors {
 public:
  // "https://example.org", as browsers write them; "*": all. Empty: none.
  explicit Cors(std::vector<std::string> origins = {}) : origins_(std::move(origins)) {}

  // A browser's preflight, for a page that may ask. Some clients' first request is an OPTIONS of their own: it
  // has credentials, which a preflight never has (https://fetch.spec.whatwg.org/#cors-preflight-fetch).
  [[nodiscard]] bool is_preflight(const http::Request& request) const;
  [[nodiscard]] static http::Response preflight();

  // What lets the page that asked see the response; nothing where it may not. `origins`: of the request.
  void allow(const std::vector<std::string>& origins, http::Response& response) const;
  [[nodiscard]] static std::vector<std::string> origins_of(const http::Request& request);

 private:
  [[nodiscard]] bool any() const;
  [[nodiscard]] bool allows(const std::vector<std::string>& origins) const;

  std::vector<std::string> origins_;
};

}  // namespace swage::plugins::broker
