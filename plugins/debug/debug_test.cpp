#include "plugins/debug/debug.h"

#include <array>

#include "core/log.h"
#include "tests/support/log_capture.h"
#include "tests/support/plugin_harness.h"

#include <catch2/catch.hpp>  // last: its CHECK is the one that counts here

using namespace swage;
using tests::PluginHarness;

namespace {

constexpr std::array kPlugins = {PluginType{"debug", &plugins::debug::setup}};

std::string setup_error(std::string_view corefile) { return PluginHarness::setup_error(kPlugins, corefile); }

}  // namespace

TEST_CASE("debug: setup") {
  CHECK(setup_error(". {\n debug\n}") == "");
  CHECK(setup_error(". {\n debug\n debug\n}") == "");
  CHECK(setup_error(". {\n debug off\n}") == "Corefile:2: debug: unexpected 'off'; expected the end of the line");
  CHECK(setup_error(". {\n debug {\n  a\n }\n}") == "Corefile:2: debug: takes no block");
}

TEST_CASE("debug: lines of level debug are shown where one server block has it") {
  tests::LogCapture log;
  swage::log::show_debug(false);
  swage::log::debug("plugin/test: {}", 1);
  CHECK(log.take() == "");
  CHECK_FALSE(swage::log::shows_debug());

  const PluginHarness harness(kPlugins, "example.org {\n debug\n}\nexample.net");
  swage::log::debug("plugin/test: {}", 2);
  CHECK(log.take() == "[DEBUG] plugin/test: 2\n");
  swage::log::show_debug(false);
}
