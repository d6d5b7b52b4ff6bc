#include "plugins/pprof/pprof.h"

#include <array>

#include <fmt/format.h>
#include <catch2/catch.hpp>

#include "tests/support/plugin_harness.h"

using namespace swage;
using tests::PluginHarness;

namespace {

constexpr std::array kPlugins = {PluginType{"pprof", &plugins::pprof::setup}};

std::string setup_error(std::string_view corefile) { return PluginHarness::setup_error(kPlugins, corefile); }

}  // namespace

TEST_CASE("pprof: what CoreDNS accepts is accepted, and nothing listens") {
  for (const char* const each : {"pprof", "pprof :9876", "pprof {\n  block\n }", "pprof :9 {\n  block 20\n }"}) {
    INFO(each);
    const PluginHarness server(kPlugins, fmt::format(". {{\n {}\n}}", each));
    CHECK(server.configuration().services.size() == 2);  // and the server's own
    CHECK(server.configuration().service_sockets.empty());
  }
  CHECK(setup_error(". {\n pprof here\n}") == "Corefile:2: pprof: 'here' is not [ADDRESS]:PORT");
  CHECK(setup_error(". {\n pprof {\n  block x\n }\n}").starts_with("Corefile:3: pprof: block: "));
  CHECK(setup_error(". {\n pprof\n pprof\n}") == "Corefile:3: pprof: stands twice in a server block");
}
