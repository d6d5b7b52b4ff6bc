#include "plugins/reload/reload.h"

#include <array>

#include <fmt/format.h>
#include <catch2/catch.hpp>

#include "tests/support/plugin_harness.h"
#include "tests/support/service_run.h"

using namespace swage;
using namespace std::chrono_literals;
using plugins::reload::ReloadService;
using tests::PluginHarness;

namespace {

constexpr std::array kPlugins = {PluginType{"reload", &plugins::reload::setup}};

std::string setup_error(std::string_view corefile) { return PluginHarness::setup_error(kPlugins, corefile); }

std::size_t services(std::string_view corefile) {
  return PluginHarness(kPlugins, corefile).configuration().services.size() - 1;  // the server's own
}

// The Corefile changes before every third look; the second reload that is asked for stops the service.
class FakeHost : public tests::LoopHost {
 public:
  void request_reload() override {
    if (++reloads == 2) stop();
  }
  bool corefile_changed() override { return ++looks % 3 == 0; }
  std::string changed_plugin() override { return plugin; }

  std::string plugin;
  int looks = 0;
  int reloads = 0;
};

}  // namespace

TEST_CASE("reload: setup") {
  for (const char* const arguments : {"", "10s", "10s 2s", "2s 0s", "1m30s 1s"}) {
    INFO(arguments);
    CHECK(services(fmt::format(". {{\n reload {}\n}}", arguments)) == 1);
  }
  CHECK(services(". {\n reload off\n}") == 0);
  CHECK(setup_error(". {\n reload often\n}") ==
        "Corefile:2: reload: 'often' is not a duration; expected a number with a unit, such as 500ms, 30s or "
        "1h30m");
  CHECK(setup_error(". {\n reload 10s 5\n}") ==
        "Corefile:2: reload: '5' is not a duration: a unit is missing; expected, say, 5s");
  CHECK(setup_error(". {\n reload 1s\n}") == "Corefile:2: reload: '1s' is less than 2s");
  CHECK(setup_error(". {\n reload 3s 0.5s\n}") == "Corefile:2: reload: '0.5s' is neither 0 nor at least 1s");
  CHECK(setup_error(". {\n reload 10s 5s 1s\n}") ==
        "Corefile:2: reload: unexpected '1s'; expected the end of the line");
  CHECK(setup_error(". {\n reload off 5s\n}") == "Corefile:2: reload: unexpected '5s'; expected the end of the line");
  CHECK(setup_error(". {\n reload {\n  every 5s\n }\n}") == "Corefile:2: reload: takes no block");
  CHECK(setup_error(". {\n reload\n reload\n}") == "Corefile:3: reload: stands twice in a server block");
}

TEST_CASE("reload: the jitter spreads the interval evenly around its middle") {
  const auto interval = [](ReloadService::Times times, double random) {
    return ReloadService(times, random).interval();
  };
  CHECK(interval({}, 0.0) == 22'500ms);
  CHECK(interval({}, 0.5) == 30s);
  CHECK(interval({}, 1.0) == 37'500ms);
  CHECK(interval({.interval = 10s, .jitter = 15s}, 0.0) == 7'500ms);
  CHECK(interval({.interval = 10s, .jitter = 2s}, 1.0) == 11s);
  CHECK(interval({.interval = 1min, .jitter = 0s}, 0.9) == 1min);
}

TEST_CASE("reload: asks for a reload whenever the Corefile has changed, until it is stopped") {
  ReloadService service({.interval = 1ms, .jitter = 0ms}, 0.5);
  FakeHost host;
  host.loop().spawn(service.run(host));
  host.loop().run();
  CHECK(host.looks == 6);
  CHECK(host.reloads == 2);
  CHECK(host.loop().alive() == 0);
}

TEST_CASE("reload: asks for a reload whenever a plugin's library has changed") {
  ReloadService service({.interval = 1ms, .jitter = 0ms}, 0.5);
  FakeHost host;
  host.plugin = "/opt/greet.so";
  host.loop().spawn(service.run(host));
  host.loop().run();
  CHECK(host.looks == 0);
  CHECK(host.reloads == 2);
}

TEST_CASE("reload: stop ends its sleep at once") {
  for (const bool before : {true, false}) {
    ReloadService service({.interval = 1h, .jitter = 0ms}, 0.5);
    FakeHost host;
    if (before) host.stop();
    host.loop().spawn(service.run(host));
    host.stop();
    host.loop().run();  // for an hour, were it not stopped
    CHECK(host.looks == 0);
    CHECK(host.loop().alive() == 0);
  }
}
