#include "plugins/chaos/chaos.h"

#include <unistd.h>

#include <array>

#include <fmt/format.h>
#include <catch2/catch.hpp>

#include "tests/support/plugin_harness.h"

using namespace swage;
using tests::PluginHarness;

namespace {

constexpr std::array kPlugins = {PluginType{"chaos", &plugins::chaos::setup}};

std::string setup_error(std::string_view corefile) { return PluginHarness::setup_error(kPlugins, corefile); }

std::string chaos_of(std::string_view arguments, std::string_view name) {
  PluginHarness harness(kPlugins, fmt::format(". {{\n chaos {}\n}}", arguments));
  return harness.ask(fmt::format("{} TXT CH", name));
}

}  // namespace

TEST_CASE("chaos: setup") {
  CHECK(setup_error(". {\n chaos\n}") == "");
  CHECK(setup_error(". {\n chaos 1 a b a\n}") == "");
  CHECK(setup_error(". {\n chaos 1 {\n  author a\n }\n}") == "Corefile:2: chaos: takes no block");
  CHECK(setup_error(". {\n chaos\n chaos\n}") == "Corefile:3: chaos: stands twice in a server block");
}

TEST_CASE("chaos: class CH reaches the chain of its server block") {
  const PluginHarness harness(kPlugins, ". {\n chaos\n}");
  CHECK(harness.configuration().blocks.front()->settings.accepts_chaos);
}

TEST_CASE("chaos: names and their texts") {
  CHECK(chaos_of("swage-001 info@example.org", "version.bind.") == "NOERROR\nversion.bind. 0 CH TXT \"swage-001\"\n");
  CHECK(chaos_of("swage-001", "VERSION.Server.") == "NOERROR\nVERSION.Server. 0 CH TXT \"swage-001\"\n");
  CHECK(chaos_of("", "version.bind.") == "NOERROR\nversion.bind. 0 CH TXT \"swage\"\n");
  CHECK(chaos_of("\"\"", "version.bind.") == "NOERROR\nversion.bind. 0 CH TXT \"\"\n");
  CHECK(chaos_of("1 \"b c\" a a", "authors.bind.") ==
        "NOERROR\nauthors.bind. 0 CH TXT \"a\"\nauthors.bind. 0 CH TXT \"b c\"\n");
  CHECK(chaos_of("1", "id.server.") == "NOERROR\nid.server. 0 CH TXT \"" + host_name() + "\"\n");
  CHECK(chaos_of("1", "hostname.bind.") == "NOERROR\nhostname.bind. 0 CH TXT \"" + host_name() + "\"\n");
  CHECK(chaos_of(std::string(300, 'v'), "version.bind.") ==
        "NOERROR\nversion.bind. 0 CH TXT \"" + std::string(255, 'v') + "\"\n");
}

TEST_CASE("chaos: everything else is handed on") {
  CHECK(chaos_of("1", "authors.bind.") == "REFUSED\n");
  CHECK(chaos_of("1 a", "x.version.bind.") == "REFUSED\n");
  CHECK(chaos_of("1 a", "bind.") == "REFUSED\n");
  PluginHarness harness(kPlugins, ". {\n chaos 1 a\n}");
  for (const char* const query : {"version.bind. TXT", "version.bind. A CH", "version.bind. ANY CH"}) {
    CHECK(harness.ask(query) == "REFUSED\n");
  }
}
