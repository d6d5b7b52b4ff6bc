#include <algorithm>
#include <array>

#include "tests/support/loopback.h"
#include "tests/support/plugin_harness.h"
#include "tests/support/service_run.h"

#include <catch2/catch.hpp>  // last: its CHECK is the one that counts here

namespace swage::plugins::motd {

Result<> setup(Controller& controller);

namespace {

using namespace std::chrono_literals;
using tests::PluginHarness;

constexpr std::array kPlugins = {PluginType{"motd", &setup}};

std::string setup_error(std::string_view corefile) { return PluginHarness::setup_error(kPlugins, corefile); }

TEST_CASE("motd: setup") {
  CHECK(setup_error(". {\n motd line\n}") == "");
  CHECK(setup_error(". {\n motd\n}") == "Corefile:2: motd: expected the path of a file after 'motd'");
}

TEST_CASE("motd: the line is read, and read again when the file has changed") {
  const tests::Folder folder;
  const std::string path = folder.write("motd", "one\nand more\n");
  PluginHarness harness(kPlugins, "example.org {\n motd " + path + "\n}\nexample.net {\n motd " + path + "\n}");
  const auto& services = harness.configuration().services;
  CHECK(std::ranges::count(services, "motd", &server::NamedService::name) == 1);  // for both blocks
  REQUIRE(harness.prepare() == "");
  CHECK(harness.ask("example.org. TXT") == "NOERROR aa\nexample.org. 10 IN TXT \"one\"\n");
  CHECK(harness.ask("example.org. A") == "REFUSED\n");
  static_cast<void>(folder.write("motd", "two\n"));
  const auto is_two = [&] { return harness.ask("example.org. TXT").find("\"two\"") != std::string::npos; };
  CHECK(tests::run_until(harness.service(), 5ms, is_two));
}

TEST_CASE("motd: a file that is not as it should be stops the start") {
  const tests::Folder folder;
  const std::string path = folder.write("motd", "\n");
  const PluginHarness harness(kPlugins, "example.org {\n motd " + path + "\n}");
  CHECK(harness.prepare() == path + ": expected a line of 1 to 255 bytes");
}

}  // namespace
}  // namespace swage::plugins::motd
