#include <array>

#include "tests/support/loopback.h"
#include "tests/support/plugin_harness.h"

#include <catch2/catch.hpp>  // last: its CHECK is the one that counts here

namespace swage::plugins::phonebook {

Result<> setup(Controller& controller);

namespace {

using namespace std::chrono_literals;
using tests::PluginHarness;

constexpr std::array kPlugins = {PluginType{"phonebook", &setup}};

std::string setup_error(std::string_view corefile) { return PluginHarness::setup_error(kPlugins, corefile); }

TEST_CASE("phonebook: setup") {
  CHECK(setup_error(". {\n phonebook book\n}") == "");
  CHECK(setup_error(". {\n phonebook\n}") ==
        "Corefile:2: phonebook: expected the path of a file with names and addresses after 'phonebook'");
}

TEST_CASE("phonebook: names of the file have its addresses") {
  const tests::Folder folder;
  const std::string path = folder.write("book", "a.example.org 192.0.2.1\n\nB.example.org.   192.0.2.2\n");
  PluginHarness harness(kPlugins, "example.org {\n phonebook " + path + "\n}");
  REQUIRE(harness.prepare() == "");
  CHECK(harness.ask("a.example.org. A") == "NOERROR aa\na.example.org. 300 IN A 192.0.2.1\n");
  CHECK(harness.ask("b.example.org. A") == "NOERROR aa\nb.example.org. 300 IN A 192.0.2.2\n");
  CHECK(harness.ask("A.example.org. A") == "NOERROR aa\nA.example.org. 300 IN A 192.0.2.1\n");
  CHECK(harness.ask("a.example.org. AAAA").starts_with("NOERROR aa\n-- authority\n"));
  CHECK(harness.ask("c.example.org. A") == "REFUSED\n");
}

TEST_CASE("phonebook: what is wrong with the file is said with its line") {
  const tests::Folder folder;
  const auto error = [&](const std::string& text) {
    const std::string path = folder.write("book", "\n" + text);
    const PluginHarness harness(kPlugins, "example.org {\n phonebook " + path + "\n}");
    const std::string said = harness.prepare();
    return said.starts_with(path) ? said.substr(path.size()) : said;
  };
  CHECK(error("a.example.org\n") == ":2: expected a name and an address");
  CHECK(error("a 192.0.2.1 b\n") == ":2: expected a name and an address");
  CHECK(error("a 2001:db8::1\n") == ":2: '2001:db8::1' is not an IPv4 address");
  CHECK(error("a 192.0.2.1\nA 192.0.2.2\n") == ":3: 'A' stands there twice");
  CHECK(error("a..b 192.0.2.1\n").starts_with(":2: "));
  CHECK(error("") == "");  // no names
}

}  // namespace
}  // namespace swage::plugins::phonebook
