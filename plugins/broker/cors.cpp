#include "plugins/broker/cors.h"

#include <algorithm>

#include "core/text.h"

namespace swage::plugins::broker {

std::vector<std::string> Cors::origins_of(const http::Request& request) {
  std::vector<std::string> origins;
  for (const http::Field& field : request.fields) {
    if (equal_without_case(field.name, "Origin")) origins.push_back(field.value);
  }
  return origins;
}

bool Cors::any() const { return std::ranges::find(origins_, "*") != origins_.end(); }

bool Cors::allows(const std::vector<std::string>& origins) const {
  return origins.size() == 1 && (any() || std::ranges::find(origins_, origins.front()) != origins_.end());
}

bool Cors::is_preflight(const http::Request& request) const {
  return request.method == "OPTIONS" && request.fields.count("Access-Control-Request-Method") > 0 &&
         request.fields.count("Authorization") == 0 && allows(origins_of(request));
}

http::Response Cors::preflight() {
  http::Response response;
  response.status = 204;
  response.fields.add("Access-Control-Allow-Methods", "GET, OPTIONS, POST");
  response.fields.add("Access-Control-Allow-Headers", "Authorization, Content-Type, Forge-Authorization, User-Agent");
  response.fields.add("Access-Control-Max-Age", "86400");
  return response;
}

void Cors::allow(const std::vector<std::string>& origins, http::Response& response) const {
  if (!origins_.empty() && !any()) response.fields.add("Vary", "Origin");
  if (!allows(origins)) return;
  response.fields.add("Access-Control-Allow-Origin", any() ? "*" : origins.front());
  response.fields.add("Access-Control-Expose-Headers", "Authentication-Info, Retry-After, WWW-Authenticate");
}

}  // namespace swage::plugins::broker
