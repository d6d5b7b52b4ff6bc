#include "plugins/loop/loop.h"

#include <array>

#include "tests/support/plugin_harness.h"

#include <catch2/catch.hpp>  // last: its CHECK is the one that counts here

namespace swage::plugins::loop {
namespace {

using tests::PluginHarness;

constexpr std::array kPlugins = {PluginType{"loop", &setup}};

TEST_CASE("loop: setup") {
  CHECK(PluginHarness::setup_error(kPlugins, ". {\n loop\n}") == "");
  CHECK(PluginHarness::setup_error(kPlugins, ". {\n loop\n loop\n}") ==
        "Corefile:3: loop: stands twice in a server block");
  CHECK(PluginHarness::setup_error(kPlugins, ". {\n loop log\n}") == "");
  CHECK(PluginHarness::setup_error(kPlugins, ". {\n loop now\n}") ==
        "Corefile:2: loop: expected 'exit' or 'log', not 'now'");
}

TEST_CASE("loop: what has come back is answered, and nothing else") {
  PluginHarness harness(kPlugins, ". {\n loop\n}");
  CHECK(harness.ask("a.example.org. HINFO").starts_with("REFUSED"));
  REQUIRE(harness.prepare() == "");
  const Bytes probe = harness.configuration().snapshots.begin()->second->bytes();
  constexpr std::size_t kName = kSecret + kProof;
  const std::string name = dns::NameView(&probe[kName], probe.size() - kName).to_string();
  const std::string proof(as_text(probe.subspan(kSecret + 7, 32)));
  CHECK(proof.find_first_not_of("0123456789abcdef") == std::string::npos);
  CHECK(harness.ask(name + " HINFO") == "NOERROR aa\n" + name + " 0 IN HINFO \"swage\" \"" + proof + "\"\n");
  CHECK(harness.ask(name + " A").starts_with("REFUSED"));
  CHECK(harness.ask("a.example.org. HINFO").starts_with("REFUSED"));
}

}  // namespace
}  // namespace swage::plugins::loop
