#include "plugins/dns64/dns64.h"

#include "tests/support/plugin_harness.h"

#include <catch2/catch.hpp>  // last: its CHECK is the one that counts here

namespace swage::plugins::dns64 {
namespace {

using tests::PluginHarness;

constexpr std::array kPlugins = {PluginType{"dns64", &setup}};
constexpr std::string_view kZone =
    "$TTL 3600\n@ SOA ns h 1 7200 3600 1209600 300\n@ NS ns\nns A 192.0.2.1\n"
    "v4 60 A 192.0.2.33\nlong 900 A 192.0.2.34\nboth A 192.0.2.35\nboth AAAA 2001:db8::35\n"
    "mapped A 192.0.2.36\nmapped AAAA ::ffff:192.0.2.36\nalias CNAME v4\ntext TXT x\n";

std::string ask(std::string_view block, std::string_view query, std::string_view client = "2001:db8::1") {
  PluginHarness harness(kPlugins, ". {\n dns64 " + std::string(block) + "\n}", tests::zone_rest(kZone, "example.org."));
  harness.arrival.client.address = *IpAddress::parse(client);
  return harness.ask(query);
}

std::string setup_error(std::string_view rest) {
  return PluginHarness::setup_error(kPlugins, ". {\n dns64 " + std::string(rest) + "\n}");
}

std::string embedded(std::string_view prefix) {
  const std::array<std::uint8_t, 4> address = {192, 0, 2, 33};
  return IpAddress::v6(embed(*Prefix::parse(prefix), address)).to_string();
}

}  // namespace

TEST_CASE("dns64: setup") {
  for (const char* rest : {"", "64:ff9b::/96", "2001:db8::/32", "{\n  prefix 2001:db8::/64\n }",
                           "64:ff9b::/96 {\n  translate_all\n  allow_ipv4\n }"}) {
    CHECK(setup_error(rest) == "");
  }
  CHECK(setup_error("64:ff9b::/97") ==
        "Corefile:2: dns64: '64:ff9b::/97': a prefix for NAT64 has 32, 40, 48, 56, 64 or 96 bits");
  CHECK(setup_error("10.0.0.0/32") == "Corefile:2: dns64: '10.0.0.0/32' is not a prefix of IPv6");
  CHECK(setup_error("{\n  translate\n }") ==
        "Corefile:3: dns64: unknown property 'translate'; expected prefix, translate_all, allow_ipv4");
}

TEST_CASE("dns64: addresses as in RFC 6052 section 2.4") {
  CHECK(embedded("2001:db8::/32") == "2001:db8:c000:221::");
  CHECK(embedded("2001:db8:100::/40") == "2001:db8:1c0:2:21::");
  CHECK(embedded("2001:db8:122::/48") == "2001:db8:122:c000:2:2100::");
  CHECK(embedded("2001:db8:122:300::/56") == "2001:db8:122:3c0:0:221::");
  CHECK(embedded("2001:db8:122:344::/64") == "2001:db8:122:344:c0:2:2100:0");
  CHECK(embedded("64:ff9b::/96") == "64:ff9b::c000:221");
}

TEST_CASE("dns64: AAAA records are made of A records, where there are no others") {
  CHECK(ask("", "v4.example.org. AAAA") == "NOERROR\nv4.example.org. 60 IN AAAA 64:ff9b::c000:221\n");
  CHECK(ask("", "long.example.org. AAAA") == "NOERROR\nlong.example.org. 300 IN AAAA 64:ff9b::c000:222\n");
  CHECK(ask("", "alias.example.org. AAAA") ==
        "NOERROR\nalias.example.org. 3600 IN CNAME v4.example.org.\nv4.example.org. 60 IN AAAA 64:ff9b::c000:221\n");
  CHECK(ask("", "mapped.example.org. AAAA") == "NOERROR\nmapped.example.org. 600 IN AAAA 64:ff9b::c000:224\n");
  CHECK(ask("", "both.example.org. AAAA") == "NOERROR aa\nboth.example.org. 3600 IN AAAA 2001:db8::35\n");
  CHECK(ask("{\n  translate_all\n }", "both.example.org. AAAA") ==
        "NOERROR\nboth.example.org. 600 IN AAAA 64:ff9b::c000:223\n");
}

TEST_CASE("dns64: what is not translated") {
  const std::string untouched = ask("", "v4.example.org. AAAA", "192.0.2.99");
  CHECK(untouched.starts_with("NOERROR aa\n"));
  CHECK(untouched.find("64:ff9b") == std::string::npos);
  CHECK(ask("{\n  allow_ipv4\n }", "v4.example.org. AAAA", "192.0.2.99").find("64:ff9b") != std::string::npos);
  CHECK(ask("", "v4.example.org. A") == "NOERROR aa\nv4.example.org. 60 IN A 192.0.2.33\n");
  CHECK(ask("", "none.example.org. AAAA").starts_with("NXDOMAIN aa"));
  CHECK(ask("", "text.example.org. AAAA").find("AAAA") == std::string::npos);
}

TEST_CASE("dns64: an answer that has to be fetched is waited for, with either question") {
  PluginHarness harness(kPlugins, ". {\n dns64\n}", [](const Query& query, Response& response) -> Result<Outcome> {
    if (query.qtype == dns::Type::a) return Outcome::later;
    response.rcode = dns::Rcode::noerror;
    return Outcome::send;
  });
  harness.arrival.client.address = *IpAddress::parse("2001:db8::1");
  CHECK(harness.ask("v4.example.org. AAAA").starts_with("later"));
}

}  // namespace swage::plugins::dns64
