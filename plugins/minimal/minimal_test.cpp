#include "plugins/minimal/minimal.h"

#include <array>

#include "tests/support/plugin_harness.h"
#include "tests/support/zone_answers.h"

#include <catch2/catch.hpp>  // last: its CHECK is the one that counts here

using namespace swage;
using tests::PluginHarness;

namespace {

constexpr std::array kPlugins = {PluginType{"minimal", &plugins::minimal::setup}};

std::string setup_error(std::string_view corefile) { return PluginHarness::setup_error(kPlugins, corefile); }

constexpr std::string_view kZone =
    "$TTL 60\n"
    "@ SOA ns hostmaster 1 2 3 4 30\n"
    "@ NS ns\n"
    "@ MX 10 mail\n"
    "ns A 192.0.2.1\n"
    "mail A 192.0.2.2\n"
    "alias CNAME mail\n"
    "dangling CNAME nowhere\n"
    "sub NS ns.sub\n"
    "ns.sub A 192.0.2.3\n";

// Which records a response has; an address in the additional section always.
struct Content {
  dns::Rcode rcode;
  bool answer, soa, ns;
};

PluginHarness::Rest rest(const Content& content) {
  return [=](const Query& query, Response& response) -> Result<Outcome> {
    static constexpr std::uint8_t kAddress[4] = {192, 0, 2, 9};
    static constexpr std::uint8_t kRoot[22] = {};
    response.rcode = content.rcode;
    if (content.answer) response.answer.push_back({.owner = query.qname, .ttl = 1, .rdata = kAddress});
    const Bytes name = Bytes(kRoot).first(1);
    if (content.soa)
      response.authority.push_back({.owner = query.zone, .type = dns::Type::soa, .ttl = 1, .rdata = kRoot});
    if (content.ns) response.authority.push_back({.owner = query.zone, .type = dns::Type::ns, .ttl = 1, .rdata = name});
    response.additional.push_back({.owner = query.zone, .ttl = 1, .rdata = kAddress});
    return Outcome::send;
  };
}

std::array<std::size_t, 3> sizes(PluginHarness& harness) {
  static_cast<void>(harness.ask("www.example.org. A"));
  const Response& response = harness.response();
  return {response.answer.size(), response.authority.size(), response.additional.size()};
}

}  // namespace

TEST_CASE("minimal: setup") {
  CHECK(setup_error(". {\n minimal\n}") == "");
  CHECK(setup_error(". {\n minimal example.org\n}") ==
        "Corefile:2: minimal: unexpected 'example.org'; expected the end of the line");
  CHECK(setup_error(". {\n minimal {\n  a\n }\n}") == "Corefile:2: minimal: takes no block");
  CHECK(setup_error(". {\n minimal\n minimal\n}") == "Corefile:3: minimal: stands twice in a server block");
}

TEST_CASE("minimal: answers of a zone") {
  struct Case {
    std::string_view question, with_minimal;
  };
  const Case cases[] = {
      {"example.org. MX", "NOERROR aa\nexample.org. 60 IN MX 10 mail.example.org.\n"},
      {"alias.example.org. A",
       "NOERROR aa\nalias.example.org. 60 IN CNAME mail.example.org.\nmail.example.org. 60 IN A 192.0.2.2\n"},
  };
  PluginHarness harness(kPlugins, "example.org {\n minimal\n}", tests::zone_rest(kZone, "example.org."));
  for (const Case& test : cases) {
    INFO(test.question);
    CHECK(harness.ask(test.question) == test.with_minimal);
  }
  PluginHarness without(kPlugins, "example.org", tests::zone_rest(kZone, "example.org."));
  CHECK(without.ask("example.org. MX") != harness.ask("example.org. MX"));
  for (const char* const question : {"alias.example.org. MX", "example.org. TXT", "no.example.org. A",
                                     "dangling.example.org. A", "www.sub.example.org. A"}) {
    INFO(question);
    CHECK(harness.ask(question) == without.ask(question));
  }
}

TEST_CASE("minimal: which responses lose what") {
  using Sizes = std::array<std::size_t, 3>;
  struct Case {
    Content content;
    Sizes left;  // answer, authority, additional
  };
  const Case cases[] = {
      {{dns::Rcode::noerror, true, false, true}, {1, 0, 0}},  // an answer
      {{dns::Rcode::noerror, true, false, false}, {1, 0, 0}},
      {{dns::Rcode::noerror, false, false, true}, {0, 1, 1}},   // a delegation
      {{dns::Rcode::noerror, false, false, false}, {0, 0, 0}},  // as whoami's
      {{dns::Rcode::noerror, false, true, false}, {0, 1, 1}},   // NODATA
      {{dns::Rcode::noerror, true, true, true}, {1, 2, 1}},     // a CNAME to NODATA
      {{dns::Rcode::nxdomain, false, true, false}, {0, 1, 1}},
      {{dns::Rcode::nxdomain, true, true, true}, {1, 2, 1}},
      {{dns::Rcode::servfail, true, false, true}, {1, 1, 1}},
      {{dns::Rcode::refused, true, false, true}, {1, 1, 1}},
  };
  for (const Case& test : cases) {
    INFO(dns::to_string(test.content.rcode) << test.content.answer << test.content.soa << test.content.ns);
    PluginHarness harness(kPlugins, "example.org {\n minimal\n}", rest(test.content));
    CHECK(sizes(harness) == test.left);
  }
}

TEST_CASE("minimal: the proof of a signed wildcard stays") {
  const auto zone = std::make_shared<const tests::TestZone>(
      tests::TestZone::from_file("tests/support/zones/rfc5155.zone", "example."));
  const auto signed_rest = [zone](const Query& query, Response& response) -> Result<Outcome> {
    zone->zone().answer(query, response);
    return Outcome::send;
  };
  PluginHarness harness(kPlugins, "example {\n minimal\n}", signed_rest);
  static_cast<void>(harness.ask("a.z.w.example. MX do"));
  CHECK(harness.response().answer.size() == 2);
  REQUIRE(harness.response().authority.size() == 2);
  CHECK(harness.response().authority[0].type == dns::Type::nsec3);
  CHECK(harness.response().authority[1].type == dns::Type::rrsig);
  CHECK(harness.response().additional.empty());
}

TEST_CASE("minimal: what fails or is dropped stays so") {
  PluginHarness failing(kPlugins, "example.org {\n minimal\n}",
                        [](const Query&, Response&) -> Result<Outcome> { return fail("no luck"); });
  CHECK(failing.ask("example.org. A") == "error: no luck");
  PluginHarness dropping(kPlugins, "example.org {\n minimal\n}",
                         [](const Query&, Response&) -> Result<Outcome> { return Outcome::drop; });
  CHECK(dropping.ask("example.org. A") == "drop");
}
