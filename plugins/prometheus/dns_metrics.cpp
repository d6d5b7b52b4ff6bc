#include "plugins/prometheus/dns_metrics.h"

#include <algorithm>
#include <array>
#include <chrono>

#include <fmt/format.h>

namespace swage::plugins::prometheus {
namespace {

using dns::Rcode;
using dns::Type;

// Names, help, bounds and lists of values are CoreDNS's (plugin/metrics): dashboards depend on them.
constexpr std::string_view kRequests = "coredns_dns_requests_total";
constexpr std::string_view kRequestsHelp = "Counter of DNS requests made per zone, protocol and family.";
constexpr std::string_view kDo = "coredns_dns_do_requests_total";
constexpr std::string_view kDoHelp = "Counter of DNS requests with DO bit set per zone.";
constexpr std::string_view kDuration = "coredns_dns_request_duration_seconds";
constexpr std::string_view kDurationHelp = "Histogram of the time (in seconds) each request took per zone.";
constexpr std::string_view kRequestSize = "coredns_dns_request_size_bytes";
constexpr std::string_view kRequestSizeHelp = "Size of the request in bytes per zone and protocol.";
constexpr std::string_view kResponseSize = "coredns_dns_response_size_bytes";
constexpr std::string_view kResponseSizeHelp = "Size of the returned response in bytes.";
constexpr std::string_view kResponses = "coredns_dns_responses_total";
constexpr std::string_view kResponsesHelp = "Counter of response status codes.";

constexpr std::array kTypes = {Type::a,     Type::aaaa, Type::cname, Type::dnskey, Type::ds,  Type::mx,  Type::nsec3,
                               Type::nsec,  Type::ns,   Type::ptr,   Type::rrsig,  Type::soa, Type::srv, Type::txt,
                               Type::https, Type::svcb, Type::ixfr,  Type::axfr,   Type::any};
constexpr std::size_t kRcodes = 24;  // 0 to 23; others are OTHER

const std::vector<double>& time_bounds() {
  static const std::vector<double> bounds = [] {
    std::vector<double> made;
    for (int i = 0; i < 16; ++i) made.push_back(0.00025 * (1 << i));
    return made;
  }();
  return bounds;
}

const std::vector<double>& size_bounds() {
  static const std::vector<double> bounds = {0,    100,  200,  300,  400,  511,  1023,
                                             2047, 4095, 8291, 16e3, 32e3, 48e3, 64e3};
  return bounds;
}

std::size_t index_of(Type type) {
  for (std::size_t i = 0; i < kTypes.size(); ++i) {
    if (kTypes[i] == type) return i;
  }
  return kTypes.size();
}

std::vector<std::string> type_names() {
  std::vector<std::string> names;
  for (const Type type : kTypes) names.push_back(dns::to_string(type));
  names.emplace_back("other");
  return names;
}

std::vector<std::string> rcode_names() {
  std::vector<std::string> names;
  for (std::size_t i = 0; i < kRcodes; ++i) names.push_back(dns::to_string(static_cast<Rcode>(i)));
  names.emplace_back("OTHER");
  return names;
}

}  // namespace

std::int64_t DnsMetrics::steady_time() {
  return std::chrono::duration_cast<std::chrono::nanoseconds>(std::chrono::steady_clock::now().time_since_epoch())
      .count();
}

DnsMetrics::DnsMetrics(metrics::Registry& registry, std::vector<Listener> listeners, std::vector<std::string> plugins,
                       Of of, std::string view, Clock clock)
    : registry_(registry),
      servers_(std::move(listeners)),
      plugins_(std::move(plugins)),
      of_(of),
      view_(std::move(view)),
      clock_(clock),
      rows_(servers_.names().size() + 1) {}

void DnsMetrics::declare(metrics::Registry& registry) {
  using metrics::Kind;
  registry.declare(Kind::counter, kRequests, kRequestsHelp, {}, {"server", "zone", "view", "proto", "family", "type"});
  registry.declare(Kind::counter, kDo, kDoHelp, {}, {"server", "zone", "view"});
  registry.declare(Kind::histogram, kDuration, kDurationHelp, time_bounds(), {"server", "zone", "view"});
  registry.declare(Kind::histogram, kRequestSize, kRequestSizeHelp, size_bounds(), {"server", "zone", "view", "proto"});
  registry.declare(Kind::histogram, kResponseSize, kResponseSizeHelp, size_bounds(),
                   {"server", "zone", "view", "proto"});
  registry.declare(Kind::counter, kResponses, kResponsesHelp, {}, {"server", "zone", "view", "rcode", "plugin"});
}

void DnsMetrics::sent(const Query& query, const Response& response, Bytes message) const {
  const Row& row = row_of(query);
  const std::size_t transport = query.transport == dns::Transport::tcp ? 1 : 0;
  row.requests.at(transport, query.client.address.is_v6() ? 1 : 0, index_of(query.qtype)).add();
  if (query.edns.dnssec_ok) row.do_requests.add();
  row.duration.observe(static_cast<double>(std::max<std::int64_t>(clock_() - query.received, 0)) * 1e-9);
  row.request_size[transport].observe(static_cast<double>(query.message.size()));
  row.response_size[transport].observe(static_cast<double>(message.size()));
  row.responses.at(std::min(static_cast<std::size_t>(response.rcode), kRcodes), response.plugin).add();
}

const DnsMetrics::Row& DnsMetrics::row_of(const Query& query) const {
  const bool one = of_ == Of::zones && servers_.names().size() == 1;
  const std::size_t server = one ? 0 : servers_.index_of(query);
  const Key key = of_ == Of::zones ? reinterpret_cast<Key>(query.zone.data()) : query.server.port;
  if (last_ != nullptr && key == last_key_ && server == last_server_) return *last_;
  auto& rows = rows_[server];
  const auto known = rows.find(key);
  const Row* const row = known != rows.end() ? known->second : make_row(query, server);
  if (known == rows.end()) rows.emplace(key, row);
  last_key_ = key;
  last_server_ = server;
  return *(last_ = row);
}

const DnsMetrics::Row* DnsMetrics::make_row(const Query& query, std::size_t server) const {
  // "dropped" without a closing dot, so that it can be no zone.
  const std::string zone = of_ == Of::unrouted ? "dropped" : query.zone.to_string();
  const std::string name =
      server == servers_.names().size() ? fmt::format("dns://:{}", query.server.port) : servers_.names()[server];
  const metrics::Labels labels = {{"server", name}, {"zone", zone}, {"view", view_}};
  Row row;
  row.requests = registry_.counters(kRequests, kRequestsHelp, labels,
                                    {{"proto", {"udp", "tcp"}}, {"family", {"1", "2"}}, {"type", type_names()}});
  row.responses =
      registry_.counters(kResponses, kResponsesHelp, labels, {{"rcode", rcode_names()}, {"plugin", plugins_}});
  row.do_requests = registry_.counter(kDo, kDoHelp, labels);
  row.duration = registry_.histogram(kDuration, kDurationHelp, time_bounds(), labels);
  for (std::size_t i = 0; i < 2; ++i) {
    metrics::Labels with_proto = labels;
    with_proto.emplace_back("proto", i == 0 ? "udp" : "tcp");
    row.request_size[i] = registry_.histogram(kRequestSize, kRequestSizeHelp, size_bounds(), with_proto);
    row.response_size[i] = registry_.histogram(kResponseSize, kResponseSizeHelp, size_bounds(), with_proto);
  }
  all_.push_back(row);
  return &all_.back();
}

}  // namespace swage::plugins::prometheus
