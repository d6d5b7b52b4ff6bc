#include "plugins/ready/ready.h"

#include <array>
#include <catch2/catch.hpp>

#include "tests/support/plugin_harness.h"

using namespace swage;
using tests::PluginHarness;

namespace {

constexpr std::array kPlugins = {PluginType{"ready", &plugins::ready::setup}};

std::string setup_error(std::string_view corefile) { return PluginHarness::setup_error(kPlugins, corefile); }

}  // namespace

TEST_CASE("ready: setup") {
  const PluginHarness one(kPlugins, ". {\n ready\n}\nexample.org {\n ready\n}\nexample.net {\n}\n");
  CHECK(one.configuration().services.size() == 2);  // they share it
  CHECK(one.configuration().service_sockets.size() == 2);
  CHECK(one.configuration().blocks[0]->settings.reports_ready);
  CHECK(one.configuration().blocks[1]->settings.reports_ready);
  CHECK_FALSE(one.configuration().blocks[2]->settings.reports_ready);
  CHECK(setup_error(". {\n ready localhost:8091 {\n  monitor continuously\n }\n}").empty());
  CHECK(setup_error(". {\n ready [::1]:80\n}").empty());
  CHECK(setup_error(". {\n ready here\n}") == "Corefile:2: ready: 'here' is not [ADDRESS]:PORT");
  CHECK(setup_error(". {\n ready example.org:80\n}") ==
        "Corefile:2: ready: 'example.org:80' is not [ADDRESS]:PORT: names of hosts are not looked up; write an "
        "address, or :80 for all "
        "addresses");
  CHECK(setup_error(". {\n ready ::1:80\n}") == "Corefile:2: ready: '::1:80' is not [ADDRESS]:PORT");
  CHECK(setup_error(". {\n ready :0\n}") == "Corefile:2: ready: ':0' is not [ADDRESS]:PORT");
  CHECK(setup_error(". {\n ready :80 :81\n}") == "Corefile:2: ready: unexpected ':81'; expected the end of the line");
  CHECK(setup_error(". {\n ready {\n  monitor often\n }\n}") ==
        "Corefile:3: ready: monitor: expected 'until-ready' or 'continuously', not 'often'");
  CHECK(setup_error(". {\n ready {\n  watch\n }\n}") ==
        "Corefile:3: ready: unknown property 'watch'; expected monitor");
  CHECK(setup_error(". {\n ready\n ready\n}") == "Corefile:3: ready: stands twice in a server block");
}
