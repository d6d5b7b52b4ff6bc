#include "plugins/nsid/nsid.h"

#include <unistd.h>

#include <array>

#include <fmt/format.h>
#include <catch2/catch.hpp>

#include "tests/support/plugin_harness.h"

using namespace swage;
using tests::PluginHarness;

namespace {

constexpr std::array kPlugins = {PluginType{"nsid", &plugins::nsid::setup}};

std::string setup_error(std::string_view corefile) { return PluginHarness::setup_error(kPlugins, corefile); }

std::string options_text(const Response& response) {
  std::string text;
  for (const dns::EdnsOption& option : response.options)
    text += fmt::format("{}={};", option.code, as_text(option.data));
  return text;
}

std::string nsid_of(std::string_view arguments, std::string_view query = "example.org. A nsid") {
  PluginHarness harness(kPlugins, fmt::format(". {{\n nsid {}\n}}", arguments));
  static_cast<void>(harness.ask(query));
  return options_text(harness.response());
}

}  // namespace

TEST_CASE("nsid: setup") {
  CHECK(setup_error(". {\n nsid\n}") == "");
  CHECK(setup_error(". {\n nsid " + std::string(255, 'x') + "\n}") == "");
  CHECK(setup_error(". {\n nsid a " + std::string(254, 'x') + "\n}") ==
        "Corefile:2: nsid: 256 bytes of data, but at most 255 can be sent");
  CHECK(setup_error(". {\n nsid a {\n  hex\n }\n}") == "Corefile:2: nsid: takes no block");
  CHECK(setup_error(". {\n nsid\n nsid\n}") == "Corefile:3: nsid: stands twice in a server block");
}

TEST_CASE("nsid: only for clients that ask") {
  char host[256] = {};
  REQUIRE(gethostname(host, sizeof host - 1) == 0);
  CHECK(nsid_of("fra-2") == "3=fra-2;");
  CHECK(nsid_of("Use \"The  Force\"") == "3=Use The  Force;");
  CHECK(nsid_of("\"\"") == "3=;");
  CHECK(nsid_of("") == fmt::format("3={};", host));
  CHECK(nsid_of("fra-2", "example.org. A") == "");
  CHECK(nsid_of("fra-2", "example.org. A do") == "");
}

TEST_CASE("nsid: survives plugins that start the response anew, and stays out of what is no response") {
  PluginHarness clearing(kPlugins, ". {\n nsid x\n}", [](const Query&, Response& response) -> Result<Outcome> {
    response.clear();
    response.rcode = dns::Rcode::nxdomain;
    return Outcome::send;
  });
  CHECK(clearing.ask("example.org. A nsid") == "NXDOMAIN\n");
  CHECK(options_text(clearing.response()) == "3=x;");

  PluginHarness failing(kPlugins, ". {\n nsid x\n}",
                        [](const Query&, Response&) -> Result<Outcome> { return fail("broken"); });
  CHECK(failing.ask("example.org. A nsid") == "error: broken");
  CHECK(options_text(failing.response()) == "");
}
