#include <array>

#include "tests/support/plugin_harness.h"
#include "tests/support/service_run.h"
#include "tests/support/web.h"

#include <catch2/catch.hpp>  // last: its CHECK is the one that counts here

namespace swage::plugins::webtext {

Result<> setup(Controller& controller);

namespace {

using namespace std::chrono_literals;
using tests::PluginHarness;

constexpr std::array kPlugins = {PluginType{"webtext", &setup}};

std::string setup_error(std::string_view corefile) { return PluginHarness::setup_error(kPlugins, corefile); }

TEST_CASE("webtext: setup") {
  CHECK(setup_error(". {\n webtext http://127.0.0.1/ {\n  every 10s\n }\n}") == "");
  CHECK(setup_error(". {\n webtext\n}") == "Corefile:2: webtext: expected an http:// or https:// URL after 'webtext'");
}

TEST_CASE("webtext: the text is fetched, again and again") {
  std::atomic<int> fetched = 0;
  const tests::WebServer web([&](std::string_view path) { return formatted("{} {}", path, ++fetched); });
  PluginHarness harness(kPlugins, "example.org {\n webtext " + web.url("/a") + " {\n  every 100ms\n }\n}");
  CHECK(harness.ask("example.org. TXT") == "SERVFAIL\n");
  CHECK_FALSE(harness.service().ready());
  const auto answers = [&](std::string_view text) {
    return harness.ask("example.org. TXT").find(text) != std::string::npos;
  };
  CHECK(tests::run_until(harness.service(), 5ms, [&] { return answers("60 IN TXT \"/a 2\""); }));
  CHECK(harness.service().ready());
}

TEST_CASE("webtext: what cannot be fetched changes nothing") {
  std::atomic<int> asked = 0;
  const tests::WebServer web([&](std::string_view) { return ++asked == 1 ? "one" : ""; });
  PluginHarness harness(kPlugins, "example.org {\n webtext " + web.url() + " {\n  every 100ms\n }\n}");
  CHECK(tests::run_until(harness.service(), 5ms, [&] { return asked >= 3; }));
  CHECK(harness.ask("example.org. TXT") == "NOERROR aa\nexample.org. 60 IN TXT \"one\"\n");
}

}  // namespace
}  // namespace swage::plugins::webtext
