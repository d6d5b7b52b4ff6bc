#include <array>

#include "tests/support/plugin_harness.h"

#include <catch2/catch.hpp>  // last: its CHECK is the one that counts here

namespace swage::plugins::nipio {

Result<> setup(Controller& controller);

namespace {

using tests::PluginHarness;

constexpr std::array kPlugins = {PluginType{"nipio", &setup}};
constexpr std::string_view kSoa =
    "-- authority\nexample.org. 86400 IN SOA ns.example.org. hostmaster.example.org. 1 86400 2400 604800 86400\n";

TEST_CASE("nipio: setup") {
  CHECK(PluginHarness::setup_error(kPlugins, ". {\n nipio\n}") == "");
  CHECK(PluginHarness::setup_error(kPlugins, ". {\n nipio {\n  ttl 5m\n }\n}") == "");
  CHECK(PluginHarness::setup_error(kPlugins, ". {\n nipio a\n}") ==
        "Corefile:2: nipio: unexpected 'a'; expected the end of the line");
}

TEST_CASE("nipio: the label before the zone is an address") {
  PluginHarness harness(kPlugins, "example.org {\n nipio\n}");
  for (const std::string name : {"10-0-0-1", "www.10-0-0-1", "a.b.10-0-0-1"}) {
    CHECK(harness.ask(name + ".example.org. A") == "NOERROR aa\n" + name + ".example.org. 3600 IN A 10.0.0.1\n");
  }
  CHECK(harness.ask("10-0-0-1.example.org. AAAA") == "NOERROR aa\n" + std::string(kSoa));
}

TEST_CASE("nipio: other names are not there") {
  PluginHarness harness(kPlugins, "example.org {\n nipio\n}");
  for (const std::string name : {"10-0-0-256", "10-0-0", "www", "10-0-0-1.www", "--1", "1234567890123456"}) {
    CHECK(harness.ask(name + ".example.org. A") == "NXDOMAIN aa\n" + std::string(kSoa));
  }
  CHECK(harness.ask("example.org. A") == "REFUSED\n");
}

}  // namespace
}  // namespace swage::plugins::nipio
