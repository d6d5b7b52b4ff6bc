#include "plugins/any/any.h"

#include <array>

#include <fmt/format.h>

#include "tests/support/plugin_harness.h"

#include <catch2/catch.hpp>  // last: its CHECK is the one that counts here

using namespace swage;
using tests::PluginHarness;

namespace {

constexpr std::array kPlugins = {PluginType{"any", &plugins::any::setup}};

std::string setup_error(std::string_view corefile) { return PluginHarness::setup_error(kPlugins, corefile); }

}  // namespace

TEST_CASE("any: setup") {
  CHECK(setup_error(". {\n any\n}") == "");
  CHECK(setup_error(". {\n any hinfo\n}") == "Corefile:2: any: unexpected 'hinfo'; expected the end of the line");
  CHECK(setup_error(". {\n any {\n  ttl 5\n }\n}") == "Corefile:2: any: takes no block");
  CHECK(setup_error(". {\n any\n any\n}") == "Corefile:3: any: stands twice in a server block");
}

TEST_CASE("any: answers ANY, hands on everything else") {
  PluginHarness harness(kPlugins, "example.org {\n any\n}");
  CHECK(harness.ask("example.org. ANY") == "NOERROR\nexample.org. 8482 IN HINFO \"ANY obsoleted\" \"See RFC 8482\"\n");
  CHECK(harness.ask("no.SUCH.example.org. ANY do") ==  // nobody has that zone
        "NOERROR\nno.SUCH.example.org. 8482 IN HINFO \"ANY obsoleted\" \"See RFC 8482\"\n");
  for (const char* const type : {"A", "HINFO", "TXT", "TYPE65280"}) {
    CHECK(harness.ask(std::string("example.org. ") + type) == "REFUSED\n");
  }
}

TEST_CASE("any: who wants signatures gets one RRset of those that the zone has") {
  constexpr std::string_view kZone =
      "$TTL 60\n@ SOA ns host 1 2 3 4 5\n@ NS ns\nns A 192.0.2.1\nns A 192.0.2.2\nns AAAA 2001:db8::1\n"
      "ns TXT \"more than nineteen bytes\"\nsub NS ns.sub\nns.sub A 192.0.2.3\nold DNAME ns\n";
  PluginHarness harness(kPlugins, "example.org {\n any\n}", tests::zone_rest(kZone, "example.org"));
  CHECK(harness.ask("ns.example.org. ANY do") ==
        "NOERROR aa\nns.example.org. 60 IN A 192.0.2.1\nns.example.org. 60 IN A 192.0.2.2\n");
  CHECK(harness.ask("ns.example.org. ANY").starts_with("NOERROR\nns.example.org. 8482 IN HINFO "));
  CHECK(harness.ask("none.example.org. ANY do").starts_with("NXDOMAIN aa\n-- authority\nexample.org. 5 IN SOA "));
  CHECK(harness.ask("x.sub.example.org. ANY do").starts_with("NOERROR\n-- authority\nsub.example.org. 60 IN NS "));
  CHECK(harness.ask("x.old.example.org. ANY do").find(" IN DNAME ns.example.org.\n") != std::string::npos);
}

TEST_CASE("any: a signed zone's RRset keeps its signature") {
  const std::string signature = " RRSIG {} 13 3 60 20400101000000 20200101000000 1 example.org. AAAA\n";
  const auto rrsig = [&](std::string_view type) { return fmt::format(fmt::runtime(signature), type); };
  const std::string zone =
      "$TTL 60\n@ SOA ns host 1 2 3 4 5\n@ NS ns\nns A 192.0.2.1\nns TXT \"rather a long text\"\n" +
      ("ns" + rrsig("A")) + ("ns" + rrsig("TXT"));
  PluginHarness harness(kPlugins, "example.org {\n any\n}", tests::zone_rest(zone, "example.org"));
  CHECK(harness.ask("ns.example.org. ANY do") ==
        "NOERROR aa\nns.example.org. 60 IN A 192.0.2.1\nns.example.org. 60 IN RRSIG A 13 3 60 20400101000000 "
        "20200101000000 1 example.org. AAAA\n");
}

TEST_CASE("any: what would have to be fetched is not") {
  PluginHarness harness(kPlugins, "example.org {\n any\n}",
                        [](const Query&, Response&) -> Result<Outcome> { return Outcome::later; });
  CHECK(harness.ask("ns.example.org. ANY do").starts_with("NOERROR\nns.example.org. 8482 IN HINFO "));
}
