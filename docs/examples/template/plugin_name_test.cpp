#include <array>

// [[service]]
#include "tests/support/loopback.h"
// [[end]]
#include "tests/support/plugin_harness.h"
// [[service]]
#include "tests/support/service_run.h"
// [[end]]

#include <catch2/catch.hpp>  // last: its CHECK is the one that counts here

namespace swage::plugins::plugin_name {

Result<> setup(Controller& controller);

namespace {

using tests::PluginHarness;

constexpr std::array kPlugins = {PluginType{"plugin-name", &setup}};

std::string setup_error(std::string_view corefile) { return PluginHarness::setup_error(kPlugins, corefile); }

TEST_CASE("plugin-name: setup") {
  CHECK(setup_error(". {\n plugin-name hi\n}") == "");
  CHECK(setup_error(". {\n plugin-name hi {\n  ttl 1h\n }\n}") == "");
  CHECK(setup_error(". {\n plugin-name\n}") == "Corefile:2: plugin-name: expected a text after 'plugin-name'");
  CHECK(setup_error(". {\n plugin-name " + std::string(256, 'x') + "\n}") ==
        "Corefile:2: plugin-name: the text has more than 255 bytes");
  CHECK(setup_error(". {\n plugin-name hi {\n  tll 5\n }\n}") ==
        "Corefile:3: plugin-name: unknown property 'tll'; did you mean 'ttl'?");
  CHECK(setup_error(". {\n plugin-name hi\n plugin-name ho\n}") ==
        "Corefile:3: plugin-name: stands twice in a server block");
}

TEST_CASE("plugin-name: TXT is the text, and the rest is the next plugin's") {
  PluginHarness harness(kPlugins, "example.org {\n plugin-name hi {\n  ttl 5\n }\n}");
  CHECK(harness.ask("a.example.org. TXT") == "NOERROR aa\na.example.org. 5 IN TXT \"hi\"\n");
  CHECK(harness.ask("a.example.org. A") == "REFUSED\n");
}
// [[service]]

TEST_CASE("plugin-name: the text of a file is read, and read again when it has changed") {
  const tests::Folder folder;
  const std::string path = folder.write("text", "one\n");
  PluginHarness harness(kPlugins, "example.org {\n plugin-name hi {\n  file " + path + "\n }\n}");
  REQUIRE(harness.prepare() == "");
  const auto answers = [&](std::string_view text) {
    return harness.ask("a.example.org. TXT").find(text) != std::string::npos;
  };
  CHECK(answers("\"one\""));
  static_cast<void>(folder.write("text", "two\n"));
  CHECK(tests::run_until(harness.service(), std::chrono::milliseconds(5), [&] { return answers("\"two\""); }));
}

TEST_CASE("plugin-name: a file that is not there, is empty or too long stops the start") {
  const tests::Folder folder;
  for (const std::string& text : {std::string(), std::string("\ntwo\n"), std::string(256, 'x')}) {
    const std::string path = folder.write("text", text);
    const PluginHarness harness(kPlugins, "example.org {\n plugin-name hi {\n  file " + path + "\n }\n}");
    CHECK(harness.prepare() == path + ": expected a line of 1 to 255 bytes");
  }
  const PluginHarness harness(kPlugins, "example.org {\n plugin-name hi {\n  file " + folder.file("none") + "\n }\n}");
  CHECK_FALSE(harness.prepare().empty());
}
// [[end]]

}  // namespace
}  // namespace swage::plugins::plugin_name
