#include "plugins/forward/forward.h"

#include <array>

#include <fmt/format.h>

#include "core/dns/encode.h"
#include "plugins/forward/relevant.h"
#include "plugins/forward/settings.h"
#include "tests/support/plugin_harness.h"

#include <catch2/catch.hpp>  // last: its CHECK is the one that counts here

namespace swage::plugins::forward {
namespace {

using tests::PluginHarness;

constexpr std::array kPlugins = {PluginType{"forward", &setup}};

std::string setup_error(std::string_view line) {
  return PluginHarness::setup_error(kPlugins, ". {\n " + std::string(line) + "\n}");
}
std::string block_error(std::string_view line) {
  return setup_error("forward . 127.0.0.1 {\n  " + std::string(line) + "\n }");
}

std::string to_text(std::string_view text) {
  const Result<To> to = parse_to(text);
  if (!to) return to.error().text();
  if (!to->host.empty()) {
    return fmt::format("host {} {}{}", to->host, to->port, to->path.empty() ? "" : ", or file " + to->path);
  }
  if (!to->endpoint) return "file " + to->path;
  return to->endpoint->to_string() + (to->tls ? " tls" : "") + (to->https ? " https" : "") +
         (to->server_name.empty() ? "" : " " + to->server_name);
}

}  // namespace

TEST_CASE("forward: setup takes all that CoreDNS's README has") {
  for (const char* line : {"except example.org 10.0.0.0/8",
                           "force_tcp",
                           "prefer_udp",
                           "expire 1s",
                           "max_idle_conns 5",
                           "max_fails 0",
                           "max_connect_attempts 3",
                           "tls",
                           "tls ca.pem",
                           "tls_servername dns.example",
                           "policy random",
                           "policy round_robin",
                           "policy sequential",
                           "health_check 5s",
                           "health_check 0.5s no_rec domain example.org",
                           "max_concurrent 1000",
                           "next NXDOMAIN SERVFAIL",
                           "next_on_nodata",
                           "doh_method GET",
                           "max_age 1m",
                           "read_timeout 4s",
                           "source_address 127.0.0.1",
                           "resolver 127.0.0.1 [::1]:5353",
                           "tls cert.pem key.pem",
                           "tls cert.pem key.pem ca.pem",
                           "failfast_all_unhealthy_upstreams",
                           "failover SERVFAIL refused"}) {
    CHECK(block_error(line) == "");
  }
  CHECK(setup_error("forward . tls://9.9.9.9%dns.quad9.net 10.0.0.11:1053 [2003::1]:53 /etc/resolv.conf") == "");
  CHECK(setup_error("forward a.example 127.0.0.1\n forward . 127.0.0.2") == "");
}

TEST_CASE("forward: setup says what is wrong") {
  CHECK(setup_error("forward") == "Corefile:2: forward: expected a domain after 'forward'");
  CHECK(setup_error("forward .") == "Corefile:2: forward: expected an address to forward to after '.'");
  CHECK(setup_error("forward . quic://9.9.9.9") ==
        "Corefile:2: forward: 'quic://9.9.9.9': upstreams are asked by dns://, tls:// and https://, not by quic://");
  CHECK(setup_error("forward . https://9.9.9.9/resolve") ==
        "Corefile:2: forward: 'https://9.9.9.9/resolve' has a path: /dns-query is what is asked for");
  CHECK(setup_error("forward . 127.0.0.1:0") == "Corefile:2: forward: '127.0.0.1:0': '0' is not a port");
  CHECK(setup_error("forward . 1.1.1.1 1.1.1.2 1.1.1.3 1.1.1.4 1.1.1.5 1.1.1.6 1.1.1.7 1.1.1.8 1.1.1.9 1.1.1.10 "
                    "1.1.1.11 1.1.1.12 1.1.1.13 1.1.1.14 1.1.1.15 1.1.1.16") ==
        "Corefile:2: forward: more than 15 upstreams: 16");
  CHECK(block_error("policy best") ==
        "Corefile:3: forward: policy: expected 'random', 'round_robin' or 'sequential', not 'best'");
  CHECK(block_error("next NXDOMIAN") == "Corefile:3: forward: next: 'NXDOMIAN' is not an rcode, NXDOMAIN say");
  CHECK(block_error("failover NOERROR") ==
        "Corefile:3: forward: failover: NOERROR is an answer, not a reason to ask another upstream");
  CHECK(block_error("max_age 5s") ==
        "Corefile:2: forward: max_age is less than expire, which is 10s unless it is said");
  CHECK(block_error("resolver localhost") ==
        "Corefile:3: forward: resolver: 'localhost' is not an address with or without a port");
  CHECK(block_error("max_fail 3") == "Corefile:3: forward: unknown property 'max_fail'; did you mean 'max_fails'?");
}

TEST_CASE("forward: addresses") {
  CHECK(to_text("192.0.2.1") == "192.0.2.1:53");
  CHECK(to_text("dns://192.0.2.1:5353") == "192.0.2.1:5353");
  CHECK(to_text("2001:db8::1") == "[2001:db8::1]:53");
  CHECK(to_text("[2001:db8::1]:54") == "[2001:db8::1]:54");
  CHECK(to_text("tls://192.0.2.1") == "192.0.2.1:853 tls");
  CHECK(to_text("tls://192.0.2.1%dns.example:10853") == "192.0.2.1:10853 tls dns.example");
  CHECK(to_text("https://192.0.2.1%dns.example") == "192.0.2.1:443 https dns.example");
  CHECK(to_text("https://[2001:db8::1]:8443") == "[2001:db8::1]:8443 https");
  CHECK(to_text("https://dns.example") == "host dns.example 443");
  CHECK(to_text("/etc/resolv.conf") == "file /etc/resolv.conf");
  CHECK(to_text("dns://resolver") == "host resolver 53");
  CHECK(to_text("tls://dns.example.") == "host dns.example 853");
  CHECK(to_text("Unbound:5335") == "host unbound 5335, or file Unbound:5335");
  CHECK(to_text("dns://a_b..c") == "'dns://a_b..c' is not an address with or without a port, nor the name of a host");
  CHECK(nameservers_in("# x\nsearch a\nnameserver 192.0.2.1\n nameserver  2001:db8::1\nnameserver x").size() == 2);
}

TEST_CASE("forward: which queries are forwarded") {
  PluginHarness harness(kPlugins,
                        ". {\n forward example.org 127.0.0.1 {\n  except example.org deep.example.org\n }\n}");
  CHECK(harness.ask("example.org. A").starts_with("later: "));
  CHECK(harness.ask("a.example.org. A").starts_with("REFUSED"));
  CHECK(harness.ask("example.net. A").starts_with("REFUSED"));
  CHECK(harness.ask("example.org. A CH").starts_with("REFUSED"));
  PluginHarness other(kPlugins, ". {\n forward example.org 127.0.0.1 {\n  except deep.example.org\n }\n}");
  CHECK(other.ask("a.example.org. A").starts_with("later: "));
  CHECK(other.ask("a.deep.example.org. A").starts_with("REFUSED"));
  other.refuse_later(dns::Later::Refusal::failed);
  CHECK(other.ask("a.example.org. A").ends_with("the answer cannot be fetched"));
}

TEST_CASE("forward: what has nothing to do with the question is left out") {
  const auto name = [](std::string_view text) { return *dns::Name::parse(text); };
  const dns::Name qname = name("www.example.org."), alias = name("a.example.net."), evil = name("bank.example."),
                  zone = name("example.net."), server = name("ns.example.net.");
  const std::array<std::uint8_t, 4> address{192, 0, 2, 1};
  Response response;
  response.answer = {{.owner = alias, .rdata = address},
                     {.owner = qname, .type = dns::Type::cname, .rdata = alias.view().bytes()},
                     {.owner = evil, .rdata = address}};
  response.authority = {{.owner = zone, .type = dns::Type::ns, .rdata = server.view().bytes()},
                        {.owner = evil, .type = dns::Type::ns, .rdata = server.view().bytes()}};
  response.additional = {{.owner = server, .rdata = address}, {.owner = evil, .rdata = address}};
  keep_relevant(response, qname);
  CHECK(response.answer.size() == 2);
  CHECK(response.authority.size() == 1);
  CHECK(response.additional.size() == 1);
  CHECK(response.additional.at(0).owner == server);
}

TEST_CASE("forward: how the name was spelled in the question is seen in no answer") {
  const auto name = [](std::string_view text) { return *dns::Name::parse(text); };
  const dns::Name qname = name("www.old.example."), old = name("old.example."), now = name("New.example."),
                  made = name("wWw.New.example.");
  Response response;
  response.answer = {{.owner = old, .type = dns::Type::dname, .rdata = now.view().bytes()},
                     {.owner = qname, .type = dns::Type::cname, .rdata = made.view().bytes()}};
  keep_relevant(response, qname);
  REQUIRE(response.answer.size() == 2);
  const Bytes target = response.answer[1].rdata;
  CHECK(dns::NameView(target.data(), target.size()).to_string() == "www.new.example.");
}

}  // namespace swage::plugins::forward
