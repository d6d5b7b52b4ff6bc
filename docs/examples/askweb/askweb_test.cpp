#include <array>

#include "tests/support/plugin_harness.h"
#include "tests/support/service_run.h"
#include "tests/support/web.h"

#include <catch2/catch.hpp>  // last: its CHECK is the one that counts here

namespace swage::plugins::askweb {

Result<> setup(Controller& controller);

namespace {

using namespace std::chrono_literals;
using tests::PluginHarness;

constexpr std::array kPlugins = {PluginType{"askweb", &setup}};

std::string setup_error(std::string_view corefile) { return PluginHarness::setup_error(kPlugins, corefile); }

TEST_CASE("askweb: setup") {
  CHECK(setup_error(". {\n askweb http://127.0.0.1/\n}") == "");
  CHECK(setup_error(". {\n askweb\n}") == "Corefile:2: askweb: expected an http:// or https:// URL after 'askweb'");
}

// As the server does: the query waits, the key is wanted, the chain runs again when it is settled.
TEST_CASE("askweb: what is not in memory is fetched") {
  std::atomic<int> fetched = 0;
  const tests::WebServer web([&](std::string_view path) {
    ++fetched;
    return path == "/a.example.org." ? "hello" : "";
  });
  tests::LoopHost host;  // outlives the service, which keeps what it fetches with
  PluginHarness harness(kPlugins, "example.org {\n askweb " + web.url("/") + "\n}");
  REQUIRE(harness.prepare() == "");
  host.loop().spawn(harness.service().run(host));
  const Fetch& fetch = *harness.configuration().fetches.front();
  const auto answer = [&](const std::string& question) {
    std::string said, wanted;
    harness.arrival.received = host.loop().now();  // it waits from now on
    async::Timer asking(host.loop(), [&] {
      said = harness.ask(question);
      if (!said.starts_with("later: ")) return host.loop().stop();
      if (wanted.empty()) static_cast<void>(fetch.want(wanted = said.substr(7)));
      asking.start(5ms);
    });
    asking.start(0ms);
    host.loop().run();
    return said;
  };
  CHECK(answer("a.example.org. TXT") == "NOERROR aa\na.example.org. 60 IN TXT \"hello\"\n");
  CHECK(answer("A.example.org. TXT") == "NOERROR aa\nA.example.org. 60 IN TXT \"hello\"\n");
  CHECK(answer("b.example.org. TXT") == "NXDOMAIN aa\n");
  CHECK(fetched == 2);
  CHECK(harness.ask("a.example.org. A") == "REFUSED\n");
  host.stop();
  host.loop().run();
}

}  // namespace
}  // namespace swage::plugins::askweb
