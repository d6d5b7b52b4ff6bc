// DnsMetrics: CoreDNS's metrics of queries and responses, counted for one server block, or for the queries that are in
// none. In every dns process.
#pragma once

#include <cstdint>
#include <deque>
#include <string>
#include <unordered_map>
#include <vector>

#include "core/plugin/plugin.h"
#include "core/plugin/server_label.h"

namespace swage::plugins::prometheus {

class DnsMetrics : public Observer {
 public:
  using Clock = std::int64_t (*)();  // nanoseconds, steady
  [[nodiscard]] static std::int64_t steady_time();

  // `plugins`: what the label plugin may say, by ChainEntry::number; the first is "". `view`: the label. `registry`
  // outlives this.
  enum class Of : bool { zones, unrouted };
  DnsMetrics(metrics::Registry& registry, std::vector<Listener> listeners, std::vector<std::string> plugins, Of of,
             std::string view = {}, Clock clock = &steady_time);

  void sent(const Query& query, const Response& response, Bytes message) const override;

  // Says in every process which metrics there are.
  static void declare(metrics::Registry& registry);

 private:
  // The cells of one listener and zone. Made for the first query there.
  struct Row {
    metrics::Counters requests, responses;
    metrics::Counter do_requests;
    metrics::Histogram duration;
    metrics::Histogram request_size[2], response_size[2];  // by transport
  };
  [[nodiscard]] const Row& row_of(const Query& query) const;
  [[nodiscard]] const Row* make_row(const Query& query, std::size_t server) const;

  metrics::Registry& registry_;
  ServerLabel servers_;
  std::vector<std::string> plugins_;
  Of of_;
  std::string view_;
  Clock clock_;
  // By where the zone's name is kept, or by the port for unrouted queries; a map for each of servers_, and one for
  // those that come in where others listen. One thread a process.
  using Key = std::uintptr_t;
  mutable std::vector<std::unordered_map<Key, const Row*>> rows_;
  mutable std::deque<Row> all_;
  mutable Key last_key_ = 0;
  mutable std::size_t last_server_ = 0;
  mutable const Row* last_ = nullptr;
};

}  // namespace swage::plugins::prometheus
