#include "plugins/broker/measures.h"

#include <catch2/catch.hpp>

#include "core/metrics/sums.h"

using namespace swage;
using namespace swage::plugins::broker;

TEST_CASE("broker: what software says it is, in p2p-forge's words") {
  struct Case {
    std::string_view name;
    Agent expected;
  };
  const Case cases[] = {
      {"kubo/0.32.1/", Agent::kubo},
      {"go-ipfs/0.13", Agent::go_ipfs},
      {"helia/5.0 libp2p/2", Agent::helia},
      {"libp2p/2.3.1 UserAgent=v22", Agent::js_libp2p},
      {"thing js-libp2p/2", Agent::js_libp2p},
      {"github.com/libp2p/go-libp2p", Agent::go_libp2p},
      {"Go-http-client/1.1", Agent::go_http_client},
      {"python-requests/2.32", Agent::python_requests},
      {"curl/8", Agent::curl},
      {"node", Agent::node},
      {"node-foo", Agent::other},
      {"Mozilla/5.0", Agent::browser},
      {"", Agent::other},
  };
  for (const Case& test : cases) {
    INFO(test.name);
    CHECK(agent_of(test.name) == test.expected);
  }
}

TEST_CASE("broker: what is counted, under p2p-forge's names") {
  metrics::Registry registry;
  const Measures measures(registry);
  measures.probed(true, Agent::kubo);
  measures.probed(false, Agent::other);
  measures.decided(Measures::Result::limited);
  {
    const Measures::Request one(measures), two(measures);
    one.answered("POST", 200);
    two.answered("BREW", 405);
  }
  const Measures::Request three(measures);
  metrics::SheetReader sheet(registry.memory());
  sheet.update();
  metrics::Sums sums;
  sums.add_trusted(sheet, metrics::Sums::Gauges::take);
  const std::string text = sums.text();
  for (const char* const line :
       {"coredns_forge_acme_libp2p_probe_total{result=\"ok\",agent=\"kubo\"} 1\n",
        "coredns_forge_acme_libp2p_probe_total{result=\"error\",agent=\"other\"} 1\n",
        "swage_broker_registrations_total{result=\"limited\"} 1\n",
        "coredns_forge_acme_http_requests_inflight{handler=\"/v1/_acme-challenge\",service=\"\"} 1\n",
        "coredns_forge_acme_http_request_duration_seconds_bucket{code=\"200\",handler=\"/v1/_acme-challenge\","
        "method=\"POST\",service=\"\",le=\"0.1\"} 1\n",
        "coredns_forge_acme_http_request_duration_seconds_count{code=\"405\",handler=\"/v1/_acme-challenge\","
        "method=\"other\",service=\"\"} 1\n"}) {
    INFO(line << text);
    CHECK(text.find(line) != std::string::npos);
  }
  Measures().probed(true, Agent::kubo);  // counts nothing
  Measures::Request(Measures()).answered("POST", 200);
}
