#include "plugins/health/health.h"

#include <array>
#include <catch2/catch.hpp>

#include "tests/support/plugin_harness.h"

using namespace swage;
using namespace std::chrono_literals;
using tests::PluginHarness;

namespace {

constexpr std::array kPlugins = {PluginType{"health", &plugins::health::setup}};

std::string setup_error(std::string_view corefile) { return PluginHarness::setup_error(kPlugins, corefile); }

}  // namespace

TEST_CASE("health: setup") {
  const PluginHarness two(
      kPlugins, ". {\n health {\n  lameduck 1s\n }\n}\nexample.org {\n health :8081 {\n  lameduck 1m\n }\n}\n");
  CHECK(two.configuration().services.size() == 3);  // and the server's own
  CHECK(two.configuration().server->lameduck == 1min);
  CHECK(PluginHarness(kPlugins, ". {\n health\n}").configuration().server->lameduck == 0s);
  CHECK(setup_error(". {\n health localhost\n}") == "Corefile:2: health: 'localhost' is not [ADDRESS]:PORT");
  CHECK(setup_error(". {\n health {\n  lameduck\n }\n}") != "");
  CHECK(setup_error(". {\n health {\n  lameduck soon\n }\n}")
            .starts_with("Corefile:3: health: lameduck: 'soon' is not a duration"));
  CHECK(setup_error(". {\n health {\n  lameduck 2h\n }\n}") == "Corefile:3: health: lameduck: '2h' is more than 1h");
  CHECK(setup_error(". {\n health\n health\n}") == "Corefile:3: health: stands twice in a server block");
}
