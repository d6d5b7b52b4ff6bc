#include <array>

#include "tests/support/plugin_harness.h"
#include "tests/support/service_run.h"

#include <catch2/catch.hpp>  // last: its CHECK is the one that counts here

namespace swage::plugins::tally {

Result<> setup(Controller& controller);

namespace {

using namespace std::chrono_literals;
using tests::PluginHarness;

constexpr std::array kPlugins = {PluginType{"tally", &setup}};

std::string setup_error(std::string_view corefile) { return PluginHarness::setup_error(kPlugins, corefile); }

TEST_CASE("tally: setup") {
  CHECK(setup_error(". {\n tally\n}") == "");
  CHECK(setup_error(". {\n tally {\n  warm 5\n }\n}").starts_with("Corefile:3: tally: warm: "));
}

TEST_CASE("tally: counts queries for TXT and the bytes of their responses") {
  PluginHarness harness(kPlugins, "example.org {\n tally\n}");
  static_cast<void>(harness.ask("example.org. A"));
  static_cast<void>(harness.ask("example.org. TXT"));
  static_cast<void>(harness.ask("example.org. TXT"));
  const std::string counted = harness.metrics_text();
  CHECK(counted.find("\nswage_tally_queries_total 2\n") != std::string::npos);
  CHECK(counted.find("\nswage_tally_bytes_total 58\n") != std::string::npos);
}

TEST_CASE("tally: is ready after a while") {
  const PluginHarness harness(kPlugins, "example.org {\n tally {\n  warm 50ms\n }\n}");
  CHECK_FALSE(harness.service().ready());
  CHECK(tests::run_until(harness.service(), 5ms, [&] { return harness.service().ready(); }));
}

}  // namespace
}  // namespace swage::plugins::tally
