#include <array>

#include "tests/support/loopback.h"
#include "tests/support/plugin_harness.h"
#include "tests/support/service_run.h"
#include "tests/support/web.h"

#include <catch2/catch.hpp>  // last: its CHECK is the one that counts here

namespace swage::plugins::webpage {

Result<> setup(Controller& controller);

namespace {

using namespace std::chrono_literals;
using tests::PluginHarness;

constexpr std::array kPlugins = {PluginType{"webpage", &setup}};

std::string setup_error(std::string_view corefile) { return PluginHarness::setup_error(kPlugins, corefile); }

TEST_CASE("webpage: setup") {
  CHECK(setup_error(". {\n webpage\n}") == "");
  CHECK(setup_error(". {\n webpage :8080 {\n  text hi\n }\n}") == "");
  CHECK(setup_error(". {\n webpage here\n}") == "Corefile:2: webpage: 'here' is not [ADDRESS]:PORT");
}

TEST_CASE("webpage: has one page") {
  const tests::Port port;
  const PluginHarness harness(kPlugins,
                              formatted(". {{\n webpage localhost:{} {{\n  text hi\n }}\n}}", port.number()));
  std::string page, other;
  std::atomic<bool> done = false;
  std::thread client([&] {
    while (page.empty()) page = tests::http_get(port.number(), "/hello");
    other = tests::http_get(port.number(), "/other");
    done = true;
  });
  CHECK(tests::run_until(harness.service(), 5ms, [&] { return done.load(); }));
  client.join();
  CHECK(page.starts_with("HTTP/1.1 200 "));
  CHECK(page.ends_with("\r\n\r\nhi\n"));
  CHECK(other.starts_with("HTTP/1.1 404 "));
}

}  // namespace
}  // namespace swage::plugins::webpage
