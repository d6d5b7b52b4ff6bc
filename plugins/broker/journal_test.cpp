// What is counted of peers that were dialled. What is logged: registration_test.cpp, authentication_test.cpp.
#include <fmt/format.h>

#include "plugins/broker/journal.h"

#include "core/metrics/sums.h"
#include "plugins/broker/registration_testing.h"
#include "tests/support/log_capture.h"

#include <catch2/catch.hpp>

using namespace swage;
using namespace swage::plugins::broker;
using namespace swage::plugins::broker::testing;

namespace {

struct Probes {
  // So many probes of this result and agent were counted.
  [[nodiscard]] int probes(std::string_view result, std::string_view agent) const {
    metrics::SheetReader sheet(registry.memory());
    sheet.update();
    metrics::Sums sums;
    sums.add_trusted(sheet, metrics::Sums::Gauges::take);
    const std::string text = sums.text();
    const std::string line =
        fmt::format("coredns_forge_acme_libp2p_probe_total{{result=\"{}\",agent=\"{}\"}} ", result, agent);
    const std::size_t at = text.find(line);
    return at == std::string::npos ? 0 : std::stoi(text.substr(at + line.size()));
  }

  metrics::Registry registry;
  tests::LogCapture log;
};

libp2p::PeerId peer(std::uint8_t number) { return key_of(number).public_key().peer_id(); }

}  // namespace

TEST_CASE("broker: a peer counts as what it says by identify, else as what its request says") {
  Probes counted;
  {
    Journal journal("broker", Measures(counted.registry), kClocks.steady);
    journal.not_reached(Agent::curl);
    journal.reached(peer(1), Agent::node);
    journal.reached(peer(2), Agent::node);
    journal.reached(peer(3), Agent::browser);
    CHECK(counted.probes("error", "curl") == 1);
    CHECK(counted.probes("ok", "node") == 0);  // they may still say it

    journal.identified(peer(1), "kubo/0.33.0");
    journal.identified(peer(1), "helia/5");      // once
    journal.identified(peer(4), "kubo/0.33.0");  // was not reached
    CHECK(counted.probes("ok", "kubo") == 1);
    CHECK(counted.probes("ok", "helia") == 0);

    steady += 6'000;
    journal.measure();
    CHECK(counted.probes("ok", "node") == 0);
    steady += 1;
    journal.measure();
    CHECK(counted.probes("ok", "node") == 1);
    CHECK(counted.probes("ok", "browser") == 1);
    journal.identified(peer(2), "kubo/0.33.0");  // too late
    CHECK(counted.probes("ok", "kubo") == 1);
    journal.reached(peer(5), Agent::python_requests);
  }
  CHECK(counted.probes("ok", "python-requests") == 1);  // nobody is forgotten at the end
}
