#include "plugins/prometheus/prometheus.h"

#include <array>
#include <catch2/catch.hpp>

#include "core/metrics/sums.h"
#include "plugins/prometheus/dns_metrics.h"
#include "tests/support/plugin_harness.h"

using namespace swage;
using plugins::prometheus::DnsMetrics;
using tests::PluginHarness;

namespace {

// Answers A; drops nothing; fails for TXT; others are the next one's.
class Answers : public Plugin {
 public:
  Result<Outcome> serve(const Query& query, Response& response, Next next) const override {
    if (query.qtype == dns::Type::txt) return fail("no");
    if (query.qtype != dns::Type::a) return next(query, response);
    response.rcode = dns::Rcode::noerror;
    return Outcome::send;
  }
};
Result<> answers(Controller& controller) {
  controller.next();
  controller.add(std::make_unique<const Answers>());
  return {};
}
Result<> bind(Controller& controller) {
  controller.once();
  TRY(controller.expect_arg("an interface"));
  controller.block().addresses = {*IpAddress::parse("192.0.2.1")};
  return {};
}

// A filter that accepts all.
Result<> view(Controller& controller) {
  class All : public Filter {
   public:
    bool accepts(const Query&) const override { return true; }
  };
  controller.once();
  TRY(controller.block().view, controller.expect_arg("a name"));
  TRY(controller.read_block({{"expr", [&] { return controller.ignore(); }}}));
  controller.add(std::unique_ptr<const Filter>(std::make_unique<All>()));
  return {};
}

constexpr std::array kPlugins = {PluginType{"bind", &bind}, PluginType{"prometheus", &plugins::prometheus::setup},
                                 PluginType{"answers", &answers}};

std::string text_of(const PluginHarness& server) {
  metrics::SheetReader sheet(server.configuration().metrics->memory());
  sheet.update();
  metrics::Sums sums;
  sums.add_trusted(sheet, metrics::Sums::Gauges::take);
  return sums.text();
}

bool has(const std::string& text, const std::string& line) {
  return ("\n" + text).find("\n" + line + "\n") != std::string::npos;
}

std::string setup_error(std::string_view corefile) { return PluginHarness::setup_error(kPlugins, corefile); }

}  // namespace

TEST_CASE("prometheus: setup") {
  const PluginHarness shared(kPlugins, ". {\n prometheus\n}\nexample.org {\n prometheus\n}\n");
  CHECK(shared.configuration().service_sockets.size() == 1);
  CHECK(shared.configuration().server->unrouted != nullptr);
  CHECK(setup_error(". {\n prometheus :9253 {\n  runtime_metrics\n }\n}").empty());
  CHECK(setup_error(". {\n prometheus 9253\n}") == "Corefile:2: prometheus: '9253' is not [ADDRESS]:PORT");
  CHECK(setup_error(". {\n prometheus {\n  tls x\n }\n}") ==
        "Corefile:3: prometheus: unknown property 'tls'; expected runtime_metrics");
  CHECK(setup_error(". {\n prometheus\n prometheus\n}") == "Corefile:3: prometheus: stands twice in a server block");
}

TEST_CASE("prometheus: queries and responses by their labels") {
  PluginHarness server(kPlugins, "example.org example.net {\n prometheus\n answers\n}\n");
  static_cast<void>(server.ask("a.example.org. A"));
  static_cast<void>(server.ask("b.example.org. A do"));
  static_cast<void>(server.ask("example.net. LOC"));
  static_cast<void>(server.ask("example.net. TXT"));
  server.arrival.transport = dns::Transport::tcp;
  server.arrival.client.address = *IpAddress::parse("2001:db8::1");
  static_cast<void>(server.ask("example.org. HTTPS"));
  const std::string text = text_of(server);
  INFO(text);
  const std::string org = "{server=\"dns://:53\",zone=\"example.org.\",view=\"\"";
  const std::string net = "{server=\"dns://:53\",zone=\"example.net.\",view=\"\"";
  CHECK(has(text, "coredns_dns_requests_total" + org + ",proto=\"udp\",family=\"1\",type=\"A\"} 2"));
  CHECK(has(text, "coredns_dns_requests_total" + org + ",proto=\"tcp\",family=\"2\",type=\"HTTPS\"} 1"));
  CHECK(has(text, "coredns_dns_requests_total" + net + ",proto=\"udp\",family=\"1\",type=\"other\"} 1"));
  CHECK(has(text, "coredns_dns_do_requests_total" + org + "} 1"));
  CHECK(has(text, "coredns_dns_responses_total" + org + ",rcode=\"NOERROR\",plugin=\"answers\"} 2"));
  CHECK(has(text, "coredns_dns_responses_total" + org + ",rcode=\"REFUSED\",plugin=\"\"} 1"));
  CHECK(has(text, "coredns_dns_responses_total" + net + ",rcode=\"SERVFAIL\",plugin=\"\"} 1"));
  CHECK(has(text, "coredns_dns_request_duration_seconds_count" + org + "} 3"));
  CHECK(has(text, "coredns_dns_request_size_bytes_count" + org + ",proto=\"udp\"} 2"));
  CHECK(has(text, "coredns_dns_response_size_bytes_bucket" + org + ",proto=\"tcp\",le=\"100\"} 1"));
  CHECK(text.find("le=\"64000\"") != std::string::npos);
  CHECK(text.find("le=\"8.192\"") != std::string::npos);
}

TEST_CASE("prometheus: the view's name is a label") {
  constexpr std::array kWithView = {PluginType{"view", &view}, PluginType{"prometheus", &plugins::prometheus::setup},
                                    PluginType{"answers", &answers}};
  PluginHarness server(kWithView, "example.org {\n prometheus\n answers\n view inside {\n  expr true\n }\n}\n");
  static_cast<void>(server.ask("a.example.org. A"));
  const std::string text = text_of(server);
  INFO(text);
  CHECK(has(text,
            "coredns_dns_responses_total{server=\"dns://:53\",zone=\"example.org.\",view=\"inside\",rcode=\"NOERROR\","
            "plugin=\"answers\"} 1"));
  CHECK(text.find("name=\"view\"") != std::string::npos);
}

TEST_CASE("prometheus: the server is where the block listens") {
  PluginHarness server(kPlugins, "example.org:53 example.org:54 {\n bind x\n prometheus\n answers\n}\n");
  static_cast<void>(server.ask("example.org. A"));
  server.arrival.server.port = 54;
  static_cast<void>(server.ask("example.org. A"));
  static_cast<void>(server.ask("example.org. A"));
  const std::string text = text_of(server);
  CHECK(text.find(
            "requests_total{server=\"dns://192.0.2.1:53\",zone=\"example.org.\",view=\"\",proto=\"udp\",family=\"1\","
            "type=\"A\"} 1\n") != std::string::npos);
  CHECK(text.find(
            "requests_total{server=\"dns://192.0.2.1:54\",zone=\"example.org.\",view=\"\",proto=\"udp\",family=\"1\","
            "type=\"A\"} 2\n") != std::string::npos);
}

TEST_CASE("prometheus: names in no server block are in the zone 'dropped'") {
  PluginHarness server(kPlugins, "example.org {\n prometheus\n answers\n}\n");
  static_cast<void>(server.ask("example.org. A"));
  server.configuration().server->unrouted->sent(server.query(), server.response(), server.sent());
  CHECK(text_of(server).find(
            "requests_total{server=\"dns://:53\",zone=\"dropped\",view=\"\",proto=\"udp\",family=\"1\",type="
            "\"A\"} 1\n") != std::string::npos);
}
