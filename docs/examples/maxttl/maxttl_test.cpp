#include <array>

#include "tests/support/plugin_harness.h"

#include <catch2/catch.hpp>  // last: its CHECK is the one that counts here

namespace swage::plugins::maxttl {

Result<> setup(Controller& controller);

namespace {

using namespace std::chrono_literals;
using tests::PluginHarness;

constexpr std::array kPlugins = {PluginType{"maxttl", &setup}};

std::string setup_error(std::string_view corefile) { return PluginHarness::setup_error(kPlugins, corefile); }

TEST_CASE("maxttl: setup") {
  CHECK(setup_error(". {\n maxttl 1m\n}") == "");
  CHECK(setup_error(". {\n maxttl\n}") == "Corefile:2: maxttl: expected seconds or a duration after 'maxttl'");
}

TEST_CASE("maxttl: TTLs of all sections are at most that") {
  const auto rest = tests::zone_rest(
      "@ 3600 SOA ns host 1 1 1 1 300\n@ 3600 NS ns\nns 3600 A 192.0.2.1\nshort 5 A 192.0.2.2\n", "example.org.");
  PluginHarness harness(kPlugins, "example.org {\n maxttl 60\n}", rest);
  CHECK(harness.ask("ns.example.org. A") == "NOERROR aa\nns.example.org. 60 IN A 192.0.2.1\n");
  CHECK(harness.ask("short.example.org. A") == "NOERROR aa\nshort.example.org. 5 IN A 192.0.2.2\n");
  CHECK(harness.ask("example.org. NS").find("ns.example.org. 60 IN A 192.0.2.1") != std::string::npos);
  CHECK(harness.ask("none.example.org. A") ==
        "NXDOMAIN aa\n-- authority\nexample.org. 60 IN SOA ns.example.org. host.example.org. 1 1 1 1 300\n");
}

TEST_CASE("maxttl: what is not an answer is passed on") {
  const auto drop = [](const Query&, Response&) -> Result<Outcome> { return Outcome::drop; };
  PluginHarness harness(kPlugins, "example.org {\n maxttl 60\n}", drop);
  CHECK(harness.ask("example.org. A") == "drop");
}

}  // namespace
}  // namespace swage::plugins::maxttl
