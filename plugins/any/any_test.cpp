#include "plugins/any/any.h"

#include <array>
#include <catch2/catch.hpp>

#include "tests/support/plugin_harness.h"

using namespace swage;
using tests::PluginHarness;

namespace {

constexpr std::array kPlugins = {PluginType{"any", &plugins::any::setup}};

std::string setup_error(std::string_view corefile) { return PluginHarness::setup_error(kPlugins, corefile); }

}  // namespace

TEST_CASE("any: setup") {
  CHECK(setup_error(". {\n any\n}") == "");
  CHECK(setup_error(". {\n any hinfo\n}") == "Corefile:2: any: unexpected 'hinfo'; expected the end of the line");
  CHECK(setup_error(". {\n any {\n  ttl 5\n }\n}") == "Corefile:2: any: takes no block");
  CHECK(setup_error(". {\n any\n any\n}") == "Corefile:3: any: stands twice in a server block");
}

TEST_CASE("any: answers ANY, hands on everything else") {
  PluginHarness harness(kPlugins, "example.org {\n any\n}");
  CHECK(harness.ask("example.org. ANY") == "NOERROR\nexample.org. 8482 IN HINFO \"ANY obsoleted\" \"See RFC 8482\"\n");
  CHECK(harness.ask("no.SUCH.example.org. ANY do") ==
        "NOERROR\nno.SUCH.example.org. 8482 IN HINFO \"ANY obsoleted\" \"See RFC 8482\"\n");
  for (const char* const type : {"A", "HINFO", "TXT", "TYPE65280"}) {
    CHECK(harness.ask(std::string("example.org. ") + type) == "REFUSED\n");
  }
}
