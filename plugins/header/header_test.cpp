#include "plugins/header/header.h"

#include <array>

#include <fmt/format.h>

#include "tests/support/dns_message.h"
#include "tests/support/plugin_harness.h"

#include <catch2/catch.hpp>  // last: its CHECK is the one that counts here

using namespace swage;
using tests::PluginHarness;

namespace {

constexpr std::array kPlugins = {PluginType{"header", &plugins::header::setup}};

std::string setup_error(std::string_view corefile) { return PluginHarness::setup_error(kPlugins, corefile); }

std::string rule_error(std::string_view rule) {
  return setup_error(fmt::format(". {{\n header {{\n  {}\n }}\n}}", rule));
}

}  // namespace

TEST_CASE("header: setup") {
  for (const char* const rules : {"query set rd", "response set aa", "response set ra aa\nquery clear rd",
                                  "RESPONSE Set RA", "response set ra ra"}) {
    INFO(rules);
    CHECK(rule_error(rules) == "");
  }
  CHECK(rule_error("foo") == "Corefile:3: header: 'foo' is neither 'query' nor 'response'");
  CHECK(rule_error("query") == "Corefile:3: header: expected 'set' or 'clear' after 'query'");
  CHECK(rule_error("query foo") == "Corefile:3: header: query: 'foo' is neither 'set' nor 'clear'");
  CHECK(rule_error("query foo rd") == "Corefile:3: header: query: 'foo' is neither 'set' nor 'clear'");
  CHECK(rule_error("response set") == "Corefile:3: header: response: expected a flag: aa, ra or rd after 'set'");
  CHECK(rule_error("response set ra ad") ==
        "Corefile:3: header: response: 'ad' is not a flag that can be set; expected aa, ra or rd");
  CHECK(setup_error(". {\n header\n}") == "Corefile:2: header: expected a block with rules such as 'response set ra'");
  CHECK(setup_error(". {\n header {\n }\n}") ==
        "Corefile:2: header: expected a block with rules such as 'response set ra'");
  CHECK(setup_error(". {\n header all\n}") ==
        "Corefile:2: header: unexpected 'all'; expected the end of the line\n"
        "Corefile:2: header: expected a block with rules such as 'response set ra'");
}

TEST_CASE("header: flags of queries and responses") {
  struct Case {
    std::string_view rules;
    bool rd, aa;  // in the query; in the response of the plugin behind
    std::string_view seen, sent;
  };
  const Case cases[] = {
      // The flags that the plugin behind sees and those that are sent.
      {"response set ra", false, false, "", "ra"},
      {"response set ra", true, true, "rd", "aa rd ra"},
      {"response clear ra", true, false, "rd", "rd"},
      {"response set aa", false, false, "", "aa"},
      {"response clear aa", false, true, "", ""},
      {"response set rd", false, false, "", "rd"},
      {"response clear rd", true, false, "rd", ""},
      {"response set ra aa\nresponse clear rd", true, false, "rd", "aa ra"},
      {"query set rd", false, false, "rd", "rd"},
      {"query set rd", true, true, "rd", "aa rd"},
      {"query clear rd", true, false, "", ""},
      {"query set aa ra", false, false, "", ""},
      {"query set rd\nresponse clear rd", false, false, "rd", ""},
      {"query clear rd\nresponse set rd", true, false, "", "rd"},
      {"response set ra\nresponse clear ra", false, false, "", ""},  // the last one counts
      {"response clear ra aa\nresponse set aa", false, false, "", "aa"},
      {"response set ra\n}\nheader {\nresponse set aa", false, false, "", "aa ra"},
  };
  for (const Case& test : cases) {
    INFO(test.rules << ", rd " << test.rd << ", aa " << test.aa);
    std::string seen;
    const auto rest = [&](const Query& query, Response& response) -> Result<Outcome> {
      seen = query.recursion_desired ? "rd" : "";
      CHECK(query.qname == *dns::Name::parse("www.example.org."));
      response.authoritative = test.aa;
      return Outcome::send;
    };
    PluginHarness harness(kPlugins, fmt::format("example.org {{\nheader {{\n{}\n}}\n}}", test.rules), rest);
    static_cast<void>(harness.ask(test.rd ? "www.example.org. A rd" : "www.example.org. A"));
    CHECK(seen == test.seen);
    const auto sent = tests::decode(harness.sent());
    REQUIRE(sent);
    std::string flags;
    for (const auto& [name, bit] : {std::pair{"aa", tests::kAa}, {"rd", tests::kRd}, {"ra", tests::kRa}}) {
      if (sent->has(bit)) flags += flags.empty() ? name : std::string(" ") + name;
    }
    CHECK(flags == test.sent);
  }
}

TEST_CASE("header: nothing is left for the next query") {
  PluginHarness harness(kPlugins, "example.org {\nheader {\nquery set rd\nresponse set ra\n}\n}\nexample.net");
  static_cast<void>(harness.ask("example.org. A"));
  CHECK((harness.sent()[2] & 0x01) != 0);
  CHECK((harness.sent()[3] & 0x80) != 0);
  static_cast<void>(harness.ask("example.net. A"));
  CHECK((harness.sent()[2] & 0x01) == 0);
  CHECK((harness.sent()[3] & 0x80) == 0);
}
