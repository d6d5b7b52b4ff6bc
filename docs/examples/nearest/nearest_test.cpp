#include <array>

#include "core/dns/client_subnet.h"
#include "tests/support/plugin_harness.h"

#include <catch2/catch.hpp>  // last: its CHECK is the one that counts here

namespace swage::plugins::nearest {

Result<> setup(Controller& controller);

namespace {

using namespace std::chrono_literals;
using tests::PluginHarness;

constexpr std::array kPlugins = {PluginType{"nearest", &setup}};

std::string setup_error(std::string_view corefile) { return PluginHarness::setup_error(kPlugins, corefile); }

constexpr std::string_view kCorefile =
    "example.org {\n nearest {\n  0.0.0.0/0 203.0.113.1\n  10.0.0.0/8 203.0.113.2\n  10.1.0.0/16 203.0.113.3\n }\n}";

TEST_CASE("nearest: setup") {
  CHECK(setup_error(kCorefile) == "");
  CHECK(setup_error(". {\n nearest\n}") == "Corefile:2: nearest: expected a network and its address in a block");
  CHECK(setup_error(". {\n nearest {\n  10.0.0.0/8\n }\n}").starts_with("Corefile:3: nearest: "));
  CHECK(setup_error(". {\n nearest {\n  here 10.0.0.1\n }\n}").starts_with("Corefile:3: nearest: "));
  CHECK(setup_error(". {\n nearest {\n  10.0.0.0/8 there\n }\n}").starts_with("Corefile:3: nearest: "));
}

TEST_CASE("nearest: the smallest network that has the clients") {
  PluginHarness harness(kPlugins, kCorefile);
  const auto address = [&](const std::string& behind) {
    const std::string said = harness.ask("example.org. A" + behind);
    return said.substr(said.find(" A ") + 3);
  };
  CHECK(address("") == "203.0.113.1\n");  // from 192.0.2.7
  CHECK(harness.response().options.empty());
  CHECK(address(" subnet=10.1.2.0/24") == "203.0.113.3\n");
  CHECK(address(" subnet=10.2.0.0/16") == "203.0.113.2\n");
  CHECK(address(" subnet=10.0.0.0/8") == "203.0.113.2\n");
  CHECK(address(" subnet=0.0.0.0/0") == "203.0.113.1\n");  // who does not want it known
  harness.arrival.client.address = *IpAddress::parse("10.1.0.1");
  CHECK(address("") == "203.0.113.3\n");
  CHECK(harness.ask("example.org. AAAA").starts_with("NOERROR aa\n-- authority\n"));
  CHECK(harness.ask("example.org. A subnet=2001:db8::/32") == "REFUSED\n");  // the next plugin's
}

TEST_CASE("nearest: the answer says for which clients it is") {
  PluginHarness harness(kPlugins, kCorefile);
  static_cast<void>(harness.ask("example.org. A subnet=10.1.2.0/24"));
  REQUIRE(harness.response().options.size() == 1);
  CHECK(harness.response().options[0].code == dns::kOptionClientSubnet);
  CHECK(as_text(harness.response().options[0].data) == std::string_view("\0\1\x18\x18\x0a\1\2", 7));
}

}  // namespace
}  // namespace swage::plugins::nearest
