// Measures: what a broker counts, under p2p-forge's names where it has them. Handles; in the service process.
#pragma once

#include <chrono>
#include <cstdint>
#include <map>
#include <string>
#include <string_view>
#include <utility>

#include "core/metrics/registry.h"

namespace swage::plugins::broker {

// What is known of a client's software, in p2p-forge's words for it: "kubo", "helia", "other".
enum class Agent : std::uint8_t {
  kubo,
  go_ipfs,
  helia,
  js_libp2p,
  go_libp2p,
  go_http_client,
  python_requests,
  curl,
  node,
  browser,
  other
};
// From what it calls itself: by identify, or as a User-Agent.
[[nodiscard]] Agent agent_of(std::string_view name);

class Measures {
 public:
  // gone: the client went away meanwhile.
  enum class Result : std::uint8_t { ok, invalid, forbidden, limited, unreachable, unavailable, gone };
  // Why a request is not authenticated. http: it is not a valid request.
  enum class Unproven : std::uint8_t { host, malformed, token, signature, limited, busy, http };

  Measures() = default;  // counts nothing
  // `registry` outlives this.
  explicit Measures(metrics::Registry& registry);

  // A peer was dialled.
  void probed(bool reached, Agent agent) const;
  // An authenticated peer was told the outcome of its registration.
  void decided(Result result) const { results_.at(static_cast<std::size_t>(result)).add(); }

  // A request was refused before its peer was known; those that only ask for a challenge are not.
  void unproven(Unproven reason) const { unproven_.at(static_cast<std::size_t>(reason)).add(); }

  // Counts a request for registrations as long as it lives.
  class Request {
   public:
    explicit Request(const Measures& measures);
    ~Request() { measures_.inflight_.add(-1); }
    Request(const Request&) = delete;
    Request& operator=(const Request&) = delete;
    // `method`: as the client spelled it; the usual ones are told apart.
    void answered(std::string_view method, unsigned status) const;

   private:
    const Measures& measures_;
    std::chrono::steady_clock::time_point began_ = std::chrono::steady_clock::now();
  };

 private:
  // Of requests with this status and method.
  [[nodiscard]] metrics::Histogram durations(unsigned status, std::string_view method) const;

  metrics::Registry* registry_ = nullptr;
  metrics::Counters probes_, results_, unproven_;
  mutable std::map<std::pair<unsigned, std::string_view>, metrics::Histogram> durations_;  // those asked for before
  metrics::Gauge inflight_;
};

}  // namespace swage::plugins::broker
