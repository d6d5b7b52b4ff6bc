#include "plugins/cancel/cancel.h"

#include <array>

#include <fmt/format.h>

#include "tests/support/plugin_harness.h"

#include <catch2/catch.hpp>  // last: its CHECK is the one that counts here

using namespace swage;
using tests::PluginHarness;

namespace {

constexpr std::array kPlugins = {PluginType{"cancel", &plugins::cancel::setup}};

std::string setup_error(std::string_view arguments) {
  return PluginHarness::setup_error(kPlugins, fmt::format(". {{\n cancel {}\n}}", arguments));
}

}  // namespace

TEST_CASE("cancel: setup") {
  for (const char* const arguments : {"", "1s", "5s", "5001ms", "\n cancel 1s"}) {
    INFO(arguments);
    CHECK(setup_error(arguments) == "");
  }
  CHECK(setup_error("5") == "Corefile:2: cancel: '5' is not a duration: a unit is missing; expected, say, 5s");
  CHECK(setup_error("-1s").starts_with("Corefile:2: cancel: '-1s' is not a duration"));
  CHECK(setup_error("0") == "Corefile:2: cancel: the time-out must not be 0");
  CHECK(setup_error("1s 2s") == "Corefile:2: cancel: unexpected '2s'; expected the end of the line");
  CHECK(setup_error("{\n a\n}") == "Corefile:2: cancel: takes no block");
}

TEST_CASE("cancel: queries pass") {
  PluginHarness harness(kPlugins, "example.org {\n cancel\n}", [](const Query&, Response& response) {
    response.rcode = dns::Rcode::noerror;
    return Result<Outcome>(Outcome::send);
  });
  CHECK(harness.ask("example.org. A") == "NOERROR\n");
  CHECK(harness.configuration().blocks[0]->plugins.size() == 1);
}
