#include "plugins/acl/acl.h"

#include <array>
#include <chrono>
#include <random>

#include <fmt/format.h>

#include "tests/support/plugin_harness.h"

#include <catch2/catch.hpp>  // last: its CHECK is the one that counts here

using namespace swage;

using tests::PluginHarness;

namespace {

constexpr std::array kPlugins = {PluginType{"acl", &plugins::acl::setup}};

std::string setup_error(std::string_view corefile) { return PluginHarness::setup_error(kPlugins, corefile); }

std::string rule_error(std::string_view rule) { return setup_error(fmt::format(". {{\n acl {{\n  {}\n }}\n}}", rule)); }

Result<Outcome> allowed(const Query&, Response& response) {
  response.rcode = dns::Rcode::nxdomain;  // nobody else says this
  return Outcome::send;
}

// What becomes of a query: "allowed", "blocked", "filtered" or "drop", the extended errors being right.
std::string fate(PluginHarness& harness, std::string_view client, std::string_view question) {
  harness.arrival.client.address = *IpAddress::parse(client);
  const std::string answer = harness.ask(fmt::format("{} do", question));
  const auto& options = harness.response().options;
  if (answer == "drop") return answer;
  if (answer == "NXDOMAIN\n") return options.empty() ? "allowed" : "allowed with an option";
  if (options.size() != 1 || options[0].code != 15 || options[0].data.size() != 2) return "wrong options";
  const unsigned code = load_u16(options[0].data.data());
  if (answer == "REFUSED\n" && code == 15) return "blocked";
  if (answer == "NOERROR\n" && code == 17) return "filtered";
  return answer;
}

}  // namespace

TEST_CASE("acl: setup") {
  for (const char* const rule : {
           "block type A net 192.168.0.0/16",
           "block type * net 192.168.0.0/16",
           "block type A net *",
           "block type A",
           "BLOCK Net 192.168.0.0/16 TYPE a TYPE65280",
           "filter type A net 2001:0db8:85a3:0000:0000:8a2e:0370:7334",
           "drop net 2001:db8:abcd:0012::0/64 2001:db8:85a3::8a2e:370:7334/64 192.0.2.1",
           "allow type * net 10.0.0.0/8\n  block type TXT ANY CNAME net 10.0.0.0/8\n  drop",
           "allow net 10.0.0.0/8 net 192.0.2.0/24 type A type AAAA",
       }) {
    INFO(rule);
    CHECK(rule_error(rule) == "");
  }
  CHECK(setup_error(". {\n acl\n acl a.example.org b.example.org\n}") == "");

  CHECK(rule_error("blck type A") == "Corefile:3: acl: 'blck' is not an action; expected allow, block, filter or drop");
  CHECK(rule_error("block A net 192.168.0.0/16") == "Corefile:3: acl: block: 'A' is neither 'type' nor 'net'");
  CHECK(rule_error("block type net 192.168.0.0/16") ==
        "Corefile:3: acl: block: expected a value between 'type' and 'net'");
  CHECK(rule_error("block net") == "Corefile:3: acl: block: expected a value after 'net'");
  CHECK(rule_error("block net 10.0.0.0/8 type") == "Corefile:3: acl: block: expected a value after 'type'");
  const std::string_view again =
      " once more: the line is one rule, for all of its types from all of its networks; expected a line each";
  for (const char* const rule : {"allow type A net 10.0.0.0/8 type AAAA", "allow type A net 10.0.0.0/8 TYPE AAAA net *",
                                 "allow type A net 10.0.0.0/8 net 192.0.2.0/24 type *"}) {
    CHECK(rule_error(rule).starts_with("Corefile:3: acl: allow: '"));
    CHECK(rule_error(rule).ends_with(again));
  }
  CHECK(rule_error("allow net 10.0.0.0/8 type A net 192.0.2.0/24") ==
        fmt::format("Corefile:3: acl: allow: 'net'{}", again));
  CHECK(rule_error("block type ABC") == "Corefile:3: acl: block: unknown record type 'ABC'");
  for (const char* const net : {"192.168.0/16", "192.168.0.0/33", "2001::85a3::8a2e:370:7334",
                                "2001:db8:85a3:::8a2e:370:7334", "192.168.0.0/", "example.org"}) {
    CHECK(rule_error(fmt::format("block type A net {}", net)) ==
          fmt::format("Corefile:3: acl: block: '{}' is neither an address nor a network", net));
  }
}

TEST_CASE("acl: what becomes of a query") {
  struct Case {
    std::string_view directives, client, question, fate;
  };
  constexpr std::string_view kAllowWithin = "acl {\nallow net 192.168.1.0/24\nblock net 192.168.0.0/16\n}";
  constexpr std::string_view kOnlyTwo = "acl {\nallow net 192.168.0.0/24 192.168.1.0/24\nblock\n}";
  constexpr std::string_view kOneName = "acl a.example.org {\nblock net 192.168.1.0/24\n}";
  constexpr std::string_view kTwoNames =
      "acl a.example.org {\nblock net 192.168.1.0/24\n}\nacl b.example.org {\nblock type * net 192.168.2.0/24\n}";
  constexpr std::string_view kV6 = "acl {\nallow net 2001:db8:abcd:0012::0/64\nblock net 2001:db8:abcd:0012::0/48\n}";
  const Case cases[] = {
      // A type and a network.
      {"acl {\nblock type A net 192.168.0.0/16\n}", "192.168.0.2", "www.example.org. A", "blocked"},
      {"acl {\nblock type A net 192.168.0.0/16\n}", "192.167.0.2", "www.example.org. A", "allowed"},
      {"acl {\nblock type A net 192.168.0.0/16\n}", "192.168.0.2", "www.example.org. AAAA", "allowed"},
      {"acl {\nfilter type A net 192.168.0.0/16\n}", "192.168.0.2", "www.example.org. A", "filtered"},
      {"acl {\nfilter type A net 192.168.0.0/16\n}", "192.167.0.2", "www.example.org. A", "allowed"},
      {"acl {\ndrop net 192.0.2.0/24\n}", "192.0.2.255", "www.example.org. A", "drop"},
      {"acl {\ndrop net 192.0.2.0/24\n}", "192.0.3.0", "www.example.org. A", "allowed"},
      // All of one kind.
      {"acl {\nblock type * net 192.168.0.0/16\n}", "192.168.0.2", "www.example.org. AAAA", "blocked"},
      {"acl {\nblock type A\n}", "10.1.0.2", "www.example.org. A", "blocked"},
      {"acl {\nblock type A\n}", "2001:db8::1", "www.example.org. A", "blocked"},
      {"acl {\nblock type A\n}", "10.1.0.2", "www.example.org. AAAA", "allowed"},
      {"acl {\nblock net 10.0.0.0/8 *\n}", "192.0.2.1", "www.example.org. AAAA", "blocked"},
      {"acl {\nblock type TXT ANY\n}", "192.0.2.1", "www.example.org. ANY", "blocked"},
      {"acl {\nblock type A net 192.168.1.2\n}", "192.168.1.2", "www.example.org. A", "blocked"},
      {"acl {\nblock type A net 192.168.1.2\n}", "192.168.1.3", "www.example.org. A", "allowed"},
      // The first rule that matches counts.
      {kAllowWithin, "192.168.1.9", "www.example.org. A", "allowed"},
      {kAllowWithin, "192.168.2.9", "www.example.org. A", "blocked"},
      {kAllowWithin, "10.0.0.1", "www.example.org. A", "allowed"},
      {kOnlyTwo, "192.168.0.255", "www.example.org. A", "allowed"},
      {kOnlyTwo, "192.168.1.0", "www.example.org. A", "allowed"},
      {kOnlyTwo, "192.168.2.0", "www.example.org. A", "blocked"},
      {kOnlyTwo, "2001:db8::1", "www.example.org. A", "blocked"},
      {"acl {\nblock net 192.168.1.0/24\ndrop net 192.168.0.0/16\n}", "192.168.1.2", "example.org. A", "blocked"},
      {"acl {\ndrop net 192.168.0.0/16\nblock net 192.168.1.0/24\n}", "192.168.1.1", "example.org. A", "drop"},
      {"acl {\ndrop type A\nallow net 192.168.0.0/16\n}", "192.168.1.1", "example.org. A", "drop"},
      {"acl {\ndrop type A\nallow net 192.168.0.0/16\n}", "192.168.1.1", "example.org. AAAA", "allowed"},
      // Names.
      {kOneName, "192.168.1.2", "A.example.org. A", "blocked"},
      {kOneName, "192.168.1.2", "below.a.example.org. A", "blocked"},
      {kOneName, "192.168.1.2", "www.example.org. A", "allowed"},
      {kTwoNames, "192.168.2.2", "b.example.org. A", "blocked"},
      {kTwoNames, "192.168.1.2", "b.example.org. A", "allowed"},
      {"acl example.com {\nblock\n}", "192.168.1.2", "b.example.org. A", "allowed"},
      // Several directives: what none of the first one's rules matches goes on; allow ends it.
      {"acl a.example.org {\nallow net 192.0.2.0/24\n}\nacl {\nblock\n}", "192.0.2.1", "a.example.org. A", "allowed"},
      {"acl a.example.org {\nallow net 192.0.2.0/24\n}\nacl {\nblock\n}", "192.0.3.1", "a.example.org. A", "blocked"},
      {"acl", "192.0.3.1", "a.example.org. A", "allowed"},
      // IPv6.
      {kV6, "2001:db8:abcd:12::1230", "www.example.org. A", "allowed"},
      {kV6, "2001:db8:abcd:13::", "www.example.org. A", "blocked"},
      {kV6, "2001:db8:abce::", "www.example.org. A", "allowed"},
      {"acl {\nblock net 2001:0db8:85a3:0000:0000:8a2e:0370:7334\n}", "2001:db8:85a3::8a2e:370:7334",
       "www.example.org. A", "blocked"},
      {"acl {\nblock net 0.0.0.0/0\n}", "::1", "www.example.org. A", "allowed"},
      {"acl {\nblock net ::/0\n}", "::1", "www.example.org. A", "blocked"},
      {"acl {\nblock net ::/0\n}", "192.0.2.1", "www.example.org. A", "allowed"},
  };
  for (const Case& test : cases) {
    INFO(test.directives << " for " << test.question << " from " << test.client);
    PluginHarness harness(kPlugins, fmt::format("example.org {{\n{}\n}}", test.directives), &allowed);
    CHECK(fate(harness, test.client, test.question) == test.fate);
  }
}

TEST_CASE("acl: without ZONES the rules are for the server block's zones") {
  PluginHarness harness(kPlugins, "example.org example.net {\n acl {\n  block\n }\n}", &allowed);
  CHECK(fate(harness, "192.0.2.1", "www.example.org. A") == "blocked");
  CHECK(fate(harness, "192.0.2.1", "www.example.net. A") == "blocked");
}

TEST_CASE("acl: what it does is counted, by server, zone and view") {
  PluginHarness harness(kPlugins,
                        "org {\n acl example.org a.example.org {\n  block type TXT\n  drop type MX\n }\n"
                        " acl example.org {\n  filter type A\n }\n}",
                        &allowed);
  for (const char* const question : {"x.example.org. TXT", "x.a.example.org. TXT", "example.org. A", "x.org. A",
                                     "a.example.org. MX", "a.example.org. NS", "a.example.org. A"}) {
    static_cast<void>(harness.ask(question));
  }
  const std::string text = harness.metrics_text();
  INFO(text);
  const auto has = [&](const std::string& line) {
    return text.find("\ncoredns_acl_" + line + "\n") != std::string::npos;
  };
  const std::string block = "{view=\"\",server=\"dns://:53\",zone=";
  CHECK(has("allowed_requests_total{view=\"\",server=\"dns://:53\"} 2"));
  CHECK(has("blocked_requests_total" + block + "\"example.org.\"} 1"));
  CHECK(has("blocked_requests_total" + block + "\"a.example.org.\"} 1"));
  CHECK(has("dropped_requests_total" + block + "\"a.example.org.\"} 1"));
  CHECK(has("filtered_requests_total" + block + "\"example.org.\"} 2"));
}

TEST_CASE("acl: of several zones the longest counts, however they are written") {
  PluginHarness harness(kPlugins,
                        "org {\n acl a.example.org ORG b.a.example.org example.org a.example.org. c.d.e.f.org {\n"
                        "  block\n }\n}",
                        &allowed);
  for (const char* const question : {"x.b.a.example.org. A", "B.A.example.ORG. A", "c.a.example.org. A",
                                     "a.example.org. A", "a.a.a.a.a.example.org. A", "example.org. A", "org. A",
                                     "xexample.org. A", "d.e.f.org. A", "z.c.d.e.f.org. A"}) {
    CHECK(harness.ask(question) == "REFUSED\n");
  }
  const std::string text = harness.metrics_text();
  INFO(text);
  const auto has = [&](std::string_view zone, unsigned count) {
    const std::string labels = fmt::format("view=\"\",server=\"dns://:53\",zone=\"{}\"", zone);
    return text.find(fmt::format("\ncoredns_acl_blocked_requests_total{{{}}} {}\n", labels, count)) !=
           std::string::npos;
  };
  CHECK(has("b.a.example.org.", 2));
  CHECK(has("a.example.org.", 3));
  CHECK(has("example.org.", 1));
  CHECK(has("org.", 3));
  CHECK(has("c.d.e.f.org.", 1));
}

TEST_CASE("acl: zones are counted also where their names are more than one record of metrics holds") {
  constexpr int kZones = 1200;
  const auto zone = [](int i) { return fmt::format("{:060}.", i); };
  std::string corefile = ". {\n acl";
  for (int i = 0; i < kZones; ++i) corefile += " " + zone(i);
  PluginHarness harness(kPlugins, corefile + " {\n  block type TXT\n  drop type MX\n }\n}", &allowed);
  for (int i = 0; i < kZones; ++i) {
    REQUIRE(harness.ask(fmt::format("x.{} TXT", zone(i))) == "REFUSED\n");
    if (i % 100 == 0) CHECK(harness.ask(zone(i) + " MX") == "drop");
  }
  const std::string text = harness.metrics_text();
  CHECK(text.find("swage_metrics_lost_total 0\n") != std::string::npos);
  for (int i = 0; i < kZones; ++i) {
    const std::string end = fmt::format("{{view=\"\",server=\"dns://:53\",zone=\"{}\"}} 1\n", zone(i));
    REQUIRE(text.find("coredns_acl_blocked_requests_total" + end) != std::string::npos);
    const bool is_dropped = text.find("coredns_acl_dropped_requests_total" + end) != std::string::npos;
    REQUIRE(is_dropped == (i % 100 == 0));
  }
}

TEST_CASE("acl: thousands of zones are set up at once") {
  std::string corefile = ". {\n acl";
  for (int i = 0; i < 40'000; ++i) corefile += fmt::format(" z{}.test", i);
  const auto began = std::chrono::steady_clock::now();
  CHECK(setup_error(corefile + " {\n  block type TXT\n }\n}") == "");
  CHECK(std::chrono::steady_clock::now() - began < std::chrono::seconds(10));  // each compared with each: minutes
}

TEST_CASE("acl: many networks are looked up as each of them would be") {
  std::mt19937 random(1);
  const auto number = [&](unsigned below) { return random() % below; };
  std::vector<Prefix> prefixes;
  for (int i = 0; i < 2000; ++i) {
    const std::string text = i % 2 == 0
                                 ? fmt::format("{}.{}.{}.0/{}", number(8), number(256), number(256), 10 + number(23))
                                 : fmt::format("200{}:{:x}::/{}", number(4), number(0x10000), 20 + number(100));
    prefixes.push_back(*Prefix::parse(text));
  }
  const PrefixSet set(prefixes);
  std::size_t inside = 0;
  for (int i = 0; i < 5000; ++i) {
    const std::string text = i % 2 == 0 ? fmt::format("{}.{}.{}.{}", number(16), number(256), number(256), number(256))
                                        : fmt::format("200{}:{:x}::{:x}", number(8), number(0x10000), number(0x10000));
    const IpAddress address = *IpAddress::parse(text);
    const bool expected = std::ranges::any_of(prefixes, [&](const Prefix& prefix) { return prefix.contains(address); });
    INFO(text);
    REQUIRE(set.contains(address) == expected);
    inside += expected ? 1 : 0;
  }
  CHECK(inside > 500);
  CHECK(inside < 4500);
  CHECK_FALSE(PrefixSet().contains(*IpAddress::parse("192.0.2.1")));
}

TEST_CASE("acl: transfers and NOTIFY pass by it, too") {
  PluginHarness harness(kPlugins, ". {\n acl {\n  block type AXFR net 192.0.2.0/24\n }\n}", allowed);
  CHECK(fate(harness, "192.0.2.1", "a.test. AXFR") == "blocked");
  CHECK(fate(harness, "192.0.2.1", "a.test. IXFR") == "allowed");
  CHECK(fate(harness, "192.0.3.1", "a.test. AXFR") == "allowed");
  PluginHarness all(kPlugins, ". {\n acl {\n  block net 192.0.2.0/24\n }\n}", allowed);
  CHECK(fate(all, "192.0.2.1", "a.test. SOA notify") == "blocked");
}
