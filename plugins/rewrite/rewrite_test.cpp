#include "plugins/rewrite/rewrite.h"

#include <array>

#include <fmt/format.h>

#include "tests/support/plugin_harness.h"

#include <catch2/catch.hpp>  // last: its CHECK is the one that counts here

using namespace swage;
using tests::PluginHarness;

namespace {

constexpr std::array kPlugins = {PluginType{"rewrite", &plugins::rewrite::setup}};

std::string setup_error(std::string_view rule) {
  return PluginHarness::setup_error(kPlugins, fmt::format(". {{\n rewrite {}\n}}", rule));
}

std::string hex(Bytes bytes) {
  std::string text;
  for (const std::uint8_t byte : bytes) text += fmt::format("{:02x}", byte);
  return text;
}

// Plays the plugins after it: remembers the question that they see, and answers with what the test says, or with an A
// record of the name that was asked for.
class Behind {
 public:
  explicit Behind(std::string_view rules, std::string_view records = "")
      : records_(records), harness_(kPlugins, fmt::format(". {{\n{}\n}}", rules), [this](const auto& q, auto& r) {
          return answer(q, r);
        }) {}

  // The question as the plugins after it see it: "name type class option=data…".
  std::string seen(std::string_view question) {
    seen_ = "";
    last_ = harness_.ask(question);
    return seen_;
  }
  std::string ask(std::string_view question) { return last_ = harness_.ask(question); }
  [[nodiscard]] const std::string& last() const { return last_; }
  PluginHarness& harness() { return harness_; }
  dns::Rcode rcode = dns::Rcode::noerror;
  bool starts_anew = false;

 private:
  Result<Outcome> answer(const Query& query, Response& response) {
    seen_ = query.qname.to_string() + " " + to_string(query.qtype) + " " + to_string(query.qclass);
    CHECK(query.key.view() == query.qname);
    CHECK(query.suffix(0).same_spelling(query.qname));
    CHECK(query.key_suffix(query.label_count).is_root());
    for (std::size_t at = 0; at < query.edns.options.size();) {
      const std::size_t length = load_u16(&query.edns.options[at + 2]);
      seen_ +=
          fmt::format(" {}={}", load_u16(&query.edns.options[at]), hex(query.edns.options.subspan(at + 4, length)));
      at += 4 + length;
    }
    if (starts_anew) {
      response.clear();
      static_cast<void>(response.arena.copy(Bytes(junk_)));
    }
    response.rcode = rcode;
    if (rcode == dns::Rcode::servfail) return Outcome::send;
    if (records_.empty()) {
      response.answer.push_back({query.qname, dns::Type::a, dns::Class::in, 60, Bytes(junk_).first(4)});
      return Outcome::send;
    }
    if (!zone_) zone_ = tests::zone_rest(records_, ".");
    return zone_(query, response);
  }

  std::array<std::uint8_t, 2048> junk_{192, 0, 2, 1};
  std::string records_, seen_, last_;
  PluginHarness::Rest zone_;
  PluginHarness harness_;
};

struct Case {
  std::string rule, question, seen;
};

constexpr const char* kA = " 60 IN A 192.0.2.1\n";

}  // namespace

TEST_CASE("rewrite: setup") {
  for (const char* const good : {"name a.com b.com",
                                 "stop name regex foo bar answer name bar foo",
                                 "{\n name a b\n }",
                                 "stop {\n name regex foo bar\n answer name bar foo\n }",
                                 "continue {\n edns0 local set 0xffee abcd\n }",
                                 "name suffix coredns.rocks coredns.rocks.",
                                 "name regex (.*).coredns.rocks 10",
                                 "name regex (.*).coredns.rocks {1}.coredns.rocks",
                                 "name suffix a b answer auto",
                                 "name suffix a b answer name auto",
                                 "name suffix a b answer name auto answer value (.*).b {1}.a",
                                 "name suffix a b answer value auto name (.*).b {1}.a",
                                 "name suffix a b answer name auto value auto",
                                 "name regex a b answer name auto c",
                                 "name suffix .a .",
                                 "name prefix a. b.",
                                 "name regex a b answer name b a name b a",
                                 "name regex a b answer name (.*).b {1}.a answer value (.*).b {1}.a",
                                 "name suffix a. b. answer value (.*).b {1}.a name (.*).b {1}.a",
                                 "type ANY HINFO",
                                 "type any hinfo",
                                 "class CH IN",
                                 "ttl a.com 15",
                                 "ttl regex (.*)\\.a\\.com 30-300",
                                 "ttl a.com -30",
                                 "ttl a.com 30-",
                                 "rcode a.com SERVFAIL NOERROR",
                                 "rcode regex (.*) 2 0",
                                 "rcode prefix a badcookie 23",
                                 "edns0 nsid set",
                                 "edns0 nsid set revert",
                                 "edns0 nsid unset",
                                 "edns0 local set 0xffee {client_ip} revert",
                                 "edns0 local unset 65518",
                                 "edns0 subnet set 24 56",
                                 "edns0 subnet append 24 56 revert",
                                 "edns0 subnet unset"}) {
    INFO(good);
    CHECK(setup_error(good) == "");
  }
  const std::vector<std::pair<std::string, std::string>> bad = {
      {"", "a rule begins with name, type, class, cname, edns0, ttl or rcode"},
      {"stop", "a rule begins with name, type, class, cname, edns0, ttl or rcode"},
      {"name", "a name rule needs FROM and TO"},
      {"nmae a b", "expected name, type, class, cname, edns0, ttl or rcode, not 'nmae'"},
      {"stop name regex [bad[ bar", "'[bad[' is not a valid regular expression: missing ]: [bad["},
      {"name like a b", "expected exact, prefix, suffix, substring or regex, not 'like'"},
      {"name regex (.*).a {1}.{2}.a",
       "'{1}.{2}.a.' uses group 2, but the regular expression has 1, and 31 at most can be used"},
      {"name regex " + std::string(10'001, 'a') + " b",
       "a regular expression of 10001 bytes; at most 10000 are allowed"},
      {"name suffix a b answer", "expected auto, name or value after 'answer'"},
      {"name suffix a b answer name", "'answer name': 2 arguments required"},
      {"name suffix a b answer other", "expected auto, name or value, not 'other'"},
      {"name suffix a b other", "expected 'answer', not 'other'"},
      {"name regex a b answer name b a value b", "'answer value': 2 arguments required"},
      {"name regex a b answer name (.*).b {2}.a",
       "'{2}.a.' uses group 2, but the regular expression has 1, and 31 at most can be used"},
      {"name regex a b answer auto name b a", "'answer auto' cannot be combined with 'answer name'"},
      {"stop {\n  name regex foo bar\n  answer name bar foo\n  name baz\n }", "'answer name': 2 arguments required"},
      {"stop {\n  answer name bar foo\n  name regex foo bar\n }", "response rewrites begin with a name rule"},
      {"name suffix a b answer name auto name b a", "'answer auto' cannot be combined with 'answer name'"},
      {"name suffix a b answer name b answer value c d",
       "'answer name': expected FROM and TO before the next 'answer'"},
      {"name suffix a b answer value answer name c d", "'answer value': expected FROM and TO before the next 'answer'"},
      {"name suffix .a .b..c", "'.b..c' does not make a valid name: empty label in domain name 'x.b..c.'"},
      {"name prefix a .b", "'.b' does not make a valid name: empty label in domain name '.b.x.'"},
      {"name regex (.*) {1}..b", "'{1}..b' does not make a valid name: empty label in domain name 'x..b.'"},
      {"name regex a b answer value (.*) " + std::string(64, 'l'),
       "'" + std::string(64, 'l') + "' does not make a valid name: label of more than 63 bytes in domain name '" +
           std::string(64, 'l') + ".'"},
      {"cname a", "a cname rule has FROM and TO, with how FROM matches before"},
      {"cname best a b", "expected exact, prefix, suffix, substring or regex, not 'best'"},
      {"cname a b..c", "'b..c' is not a valid name: empty label in domain name 'b..c.'"},
      {"type ANY", "a type rule has exactly two arguments"},
      {"type ANY THING", "unknown record type 'THING'"},
      {"class CH", "a class rule has exactly two arguments"},
      {"class CH XX", "unknown class 'XX'"},
      {"ttl a", "wrong number of arguments for a ttl rule"},
      {"ttl a -", "'-' is not a range of TTLs"},
      {"ttl a 30-20", "'30-20' is not a range of TTLs"},
      {"ttl about a 15", "expected exact, prefix, suffix, substring or regex, not 'about'"},
      {"rcode a 2", "wrong number of arguments for a rcode rule"},
      {"rcode a 2 24", "'24' is not an rcode"},
      {"rcode a WRONG 0", "'WRONG' is not an rcode"},
      {"edns0 local", "an edns0 rule needs a kind of option and an action"},
      {"edns0 local put 1 a", "expected set, append, replace or unset, not 'put'"},
      {"edns0 local set 0xffee", "an edns0 local rule has a number and data"},
      {"edns0 local set 0xffeeff a", "'0xffeeff' is not the number of an EDNS option"},
      {"edns0 local set 1 0xabc", "'0xabc' is not hexadecimal"},
      {"edns0 local set 1 {dummy}", "'{dummy}' is not a variable that rewrite knows"},
      {"edns0 local set 1 {some-plugin/label}", "'{some-plugin/label}' is not a variable that rewrite knows"},
      {"edns0 local unset 1 2", "an edns0 local rule has a number"},
      {"edns0 nsid set a", "an edns0 nsid rule has no data"},
      {"edns0 cookie set", "expected local, nsid or subnet, not 'cookie'"},
      {"edns0 subnet unset 24 56", "wrong number of arguments for an edns0 subnet rule"}};
  for (const auto& [rule, message] : bad) {
    INFO(rule);
    CHECK(setup_error(rule) == "Corefile:2: rewrite: " + message);
  }
  CHECK(setup_error("ttl a soon").starts_with("Corefile:2: rewrite: "));
  CHECK(setup_error("edns0 subnet set 33 56").starts_with("Corefile:2: rewrite: "));
  CHECK(setup_error("edns0 subnet set 24 129").starts_with("Corefile:2: rewrite: "));
}

// What a client puts into a name is escaped: a rule that took half of an escape changed what stood beside it.
TEST_CASE("rewrite: no rule cuts an escape in two") {
  const std::vector<Case> cases = {{"name regex (.*)b\\.org {1}x.net", "ab.org. A", "ax.net. A IN"},
                                   {"name regex (.*)b\\.org {1}x.net", "a\\.b.org. A", "a\\.x.net. A IN"},
                                   {"name regex ([^.]*)[.]b.org {1}.net", "a\\.b.org. A", ""},
                                   {"name regex (.*)[.]b.org {1}0.net", "a\\.b.org. A", ""},
                                   {"name regex 0([0-9]*)b.org {1}.net", "a\\032b.org. A", ""},
                                   {"name suffix .b.org .net", "a\\.b.org. A", "a\\.b.org. A IN"},
                                   {"name suffix .b.org .net", "a\\\\.b.org. A", "a\\\\.net. A IN"},
                                   {"name suffix 32.org .net", "a\\032.org. A", "a\\032.org. A IN"},
                                   {"name prefix a\\\\ b", "a\\.b.org. A", "a\\.b.org. A IN"},
                                   {"name substring .b. .c.", "a\\.b.b.org. A", "a\\.b.c.org. A IN"},
                                   {"rcode suffix .b.org. 0 3", "a\\.b.org. A", "a\\.b.org. A IN"}};
  for (const auto& [rule, question, seen] : cases) {
    INFO(rule << ": " << question);
    Behind behind("rewrite " + rule);
    CHECK(behind.seen(question) == seen);
    if (seen.empty()) CHECK(behind.last().find("has half of an escape") != std::string::npos);
  }
  Behind back("rewrite stop {\n name suffix .q .b\n answer name ([^.]*)[.]z[.]b {1}.c\n}",
              "@ 60 SOA . . 1 2 3 4 5\n@ 60 NS .\nx\\.z.b 60 A 192.0.2.1\nz.b 60 A 192.0.2.2\n");
  CHECK(back.ask("x\\.z.q. A") == "NOERROR aa\nx\\.z.b. 60 IN A 192.0.2.1\n");
}

// The situations of CoreDNS's README and tests.
TEST_CASE("rewrite: what the plugins after it are asked") {
  const std::vector<Case> cases = {
      {"name example.net example.org", "EXAMPLE.net. A", "example.org. A IN"},
      {"name example.net example.org", "www.example.net. A", "www.example.net. A IN"},
      {"name substring service.us-west-1.example.org service.us-west-1.consul", "ftp.service.us-west-1.example.org. A",
       "ftp.service.us-west-1.consul. A IN"},
      {"name regex (.*)-(us-west-1)\\.example\\.org {1}.service.{2}.consul", "ftp-us-west-1.example.org. A",
       "ftp.service.us-west-1.consul. A IN"},
      {"name suffix .schmoogle.com. .google.com.", "www.schmoogle.com. A", "www.google.com. A IN"},
      {"name suffix .schmoogle.com. .google.com.", "schmoogle.com. A", "schmoogle.com. A IN"},
      {"name prefix foo bar", "foo.example.com. A", "bar.example.com. A IN"},
      {"name prefix foo bar", "coredns.foo. A", "coredns.foo. A IN"},
      {"name prefix foo. bar.", "foo.example.com. A", "bar.example.com. A IN"},
      {"name suffix com org", "foo.example.com. A", "foo.example.org. A IN"},
      {"name suffix com org", "com.coredns. A", "com.coredns. A IN"},
      {"name substring service svc", "com.coredns. A", "com.coredns. A IN"},
      {"name substring a. b.", "a.a.xa. A", "b.b.xb. A IN"},
      {"name suffix .ingress.coredns.rocks nginx.coredns.rocks", "coredns.ingress.coredns.rocks. A",
       "corednsnginx.coredns.rocks. A IN"},
      {"type ANY HINFO", "a. ANY", "a. HINFO IN"},
      {"type ANY HINFO", "a. A", "a. A IN"},
      {"class HS IN", "a. A HS", "a. A IN"},
      {"edns0 nsid set", "a. A", "a. A IN 3="},
      {"edns0 nsid append", "a. A nsid", "a. A IN 3="},
      {"edns0 nsid replace", "a. A", "a. A IN"},
      {"edns0 nsid unset", "a. A nsid", "a. A IN"},
      {"edns0 local set 0xffee 0x61626364", "a. A", "a. A IN 65518=61626364"},
      {"edns0 local set 0xffee abcd", "a. A", "a. A IN 65518=61626364"},
      {"edns0 local set 0xffee abcd revert", "a. A nsid", "a. A IN 3= 65518=61626364"},
      {"edns0 local set 3 ab", "a. A nsid", "a. A IN 3=6162"},
      {"edns0 local append 3 ab", "a. A nsid", "a. A IN 3="},
      {"edns0 local replace 3 ab", "a. A nsid", "a. A IN 3=6162"},
      {"edns0 local replace 4 ab", "a. A nsid", "a. A IN 3="},
      {"edns0 local unset 0xffee", "a. A nsid", "a. A IN 3="},
      {"edns0 local set 0xffee {client_ip}", "a. A", "a. A IN 65518=c0000207"},
      {"edns0 local set 0xffee {client_port}", "a. A", "a. A IN 65518=c350"},
      {"edns0 local set 0xffee {server_ip}", "a. A", "a. A IN 65518=c0000201"},
      {"edns0 local set 0xffee {server_port}", "a. A", "a. A IN 65518=0035"},
      {"edns0 local set 0xffee {protocol}", "a. A", "a. A IN 65518=756470"},
      {"edns0 local set 0xffee {qname}", "a.b. A", "a.b. A IN 65518=612e622e"},
      {"edns0 local set 0xffee {qtype}", "a. TXT", "a. TXT IN 65518=0010"},
      {"edns0 subnet set 24 56", "a. A", "a. A IN 8=00011800c00002"},
      {"edns0 subnet set 30 56", "a. A", "a. A IN 8=00011e00c0000204"},
      {"edns0 subnet set 0 0", "a. A", "a. A IN 8=00010000"},
      {"edns0 subnet append 24 56", "a. A", "a. A IN 8=00011800c00002"},
      {"edns0 subnet replace 24 56", "a. A", "a. A IN"}};
  for (const Case& each : cases) {
    INFO(each.rule << " / " << each.question);
    CHECK(Behind("rewrite " + each.rule).seen(each.question) == each.seen);
  }
}

TEST_CASE("rewrite: an IPv6 client's subnet") {
  Behind behind("rewrite edns0 subnet set 24 56");
  behind.harness().arrival.client.address = *IpAddress::parse("2001:db8:1:2345::1");
  CHECK(behind.seen("a. A") == "a. A IN 8=0002380020010db8000123");
}

TEST_CASE("rewrite: rules in a row: the first that applies and stops is the last") {
  Behind stop("rewrite name a b\nrewrite name b c");
  CHECK(stop.seen("a. A") == "b. A IN");
  CHECK(stop.seen("b. A") == "c. A IN");
  Behind on("rewrite continue name a b\nrewrite continue name b c\nrewrite type A AAAA\nrewrite type AAAA TXT");
  CHECK(on.seen("a. A") == "c. AAAA IN");
  CHECK(on.last() == std::string("NOERROR\na.") + kA);
  Behind many("rewrite continue name regex (.*)\\. x{1}\n" + []() {
    std::string rules;
    for (int i = 0; i < 20; ++i) rules += "rewrite continue name regex (.*)\\. x{1}\n";
    return rules;
  }());
  CHECK(many.seen("a. A") == "");
  CHECK(many.last() == "error: rewrite: more than 16 names for one query");
}

TEST_CASE("rewrite: a name that is none is an error") {
  CHECK(setup_error("name example.org. example..org.") ==
        "Corefile:2: rewrite: 'example..org.' is not a valid name: empty label in domain name 'example..org.'");
  const std::string label(63, 'x');
  Behind longer("rewrite name regex (.*) {1}{1}{1}");
  CHECK(longer.ask(label + "." + label + ". A").starts_with("error: rewrite: invalid name after a rule: "));
}

TEST_CASE("rewrite: the owners of the answer") {
  const std::vector<Case> cases = {
      {"name exact coredns.rocks service.consul", "CoreDNS.rocks. A", "CoreDNS.rocks."},
      {"name exact coredns.rocks service.consul answer auto", "coredns.rocks. A", "coredns.rocks."},
      {"name prefix foo bar", "foo.example.com. A", "bar.example.com."},
      {"name prefix foo bar answer auto", "foo.example.com. A", "foo.example.com."},
      {"name suffix com org", "foo.example.com. A", "foo.example.org."},
      {"name suffix com org answer auto", "foo.example.com. A", "foo.example.com."},
      {"name suffix .ingress.coredns.rocks nginx.coredns.rocks answer auto", "coredns.ingress.coredns.rocks. A",
       "coredns.ingress.coredns.rocks."},
      {"name regex (.*).coredns.rocks {1}.coredns.maps answer auto", "foo.coredns.rocks. A", "foo.coredns.rocks."},
      {"name regex (.*).coredns.rocks {1}.coredns.maps answer name (.*).coredns.maps {1}.coredns.works",
       "foo.coredns.rocks. A", "foo.coredns.works."},
      {"name regex (.*).coredns.rocks {1}.coredns.maps", "foo.coredns.rocks. A", "foo.coredns.maps."},
      {"stop {\n name regex (.*)-(us-west-1)\\.coredns\\.rocks {1}.service.{2}.consul\n answer name "
       "(.*)\\.service\\.(us-west-1)\\.consul {1}-{2}.coredns.rocks\n}",
       "ftp-us-west-1.coredns.rocks. A", "ftp-us-west-1.coredns.rocks."}};
  for (const Case& each : cases) {
    for (const bool anew : {false, true}) {
      INFO(each.rule << " / " << each.question);
      Behind behind("rewrite " + each.rule);
      behind.starts_anew = anew;
      CHECK(behind.ask(each.question) == "NOERROR\n" + each.seen + kA);
    }
  }
}

TEST_CASE("rewrite: names in the data of records") {
  constexpr const char* kZone =
      "$TTL 60\n@ SOA ns.consul. h.consul. 1 2 3 4 5\n@ NS ns.consul.\nservice.consul. A 192.0.2.1\n"
      "30.30.30.10.in-addr.arpa. PTR ftp-us-west-1.service.consul.\nc.consul. CNAME service.consul.\n"
      "m.consul. MX 7 mail.service.consul.\ns.consul. SRV 1 2 3 srv.service.consul.\n"
      "n.consul. NAPTR 1 2 \"u\" \"sip\" \"!x!y!\" n.service.consul.\nd.consul. DNAME d.service.consul.\n"
      "t.consul. TXT \"service.consul.\"\n";
  Behind ptr(
      "rewrite stop {\n name suffix .arpa .arpa\n answer auto\n answer value (.*)\\.service\\.consul\\. "
      "{1}.coredns.rocks.\n}",
      kZone);
  CHECK(ptr.ask("30.30.30.10.in-addr.arpa. PTR") ==
        "NOERROR aa\n30.30.30.10.in-addr.arpa. 60 IN PTR ftp-us-west-1.coredns.rocks.\n");

  // As CoreDNS's README has it.
  Behind name_auto(
      "rewrite stop {\n name suffix .arpa .arpa\n answer name auto\n answer value (.*)\\.service\\.consul\\. "
      "{1}.coredns.rocks.\n}",
      kZone);
  CHECK(name_auto.ask("30.30.30.10.in-addr.arpa. PTR") ==
        "NOERROR aa\n30.30.30.10.in-addr.arpa. 60 IN PTR ftp-us-west-1.coredns.rocks.\n");
  Behind owners("rewrite name suffix .rocks .consul answer name auto", kZone);
  CHECK(owners.ask("m.rocks. MX") == "NOERROR aa\nm.rocks. 60 IN MX 7 mail.service.consul.\n");
  Behind values("rewrite name suffix .rocks .consul answer value auto", kZone);
  CHECK(values.ask("m.rocks. MX") == "NOERROR aa\nm.consul. 60 IN MX 7 mail.service.rocks.\n");

  // `auto` maps the name and what is below it, wherever it stands.
  Behind suffix("rewrite name suffix .rocks .consul answer auto", kZone);
  CHECK(suffix.ask("c.rocks. A") ==
        "NOERROR aa\nc.rocks. 60 IN CNAME service.rocks.\nservice.rocks. 60 IN A 192.0.2.1\n");
  CHECK(suffix.ask("m.rocks. MX") == "NOERROR aa\nm.rocks. 60 IN MX 7 mail.service.rocks.\n");
  CHECK(suffix.ask("s.rocks. SRV") == "NOERROR aa\ns.rocks. 60 IN SRV 1 2 3 srv.service.rocks.\n");
  CHECK(suffix.ask("n.rocks. NAPTR") ==
        "NOERROR aa\nn.rocks. 60 IN NAPTR 1 2 \"u\" \"sip\" \"!x!y!\" n.service.rocks.\n");
  CHECK(suffix.ask("d.rocks. DNAME") == "NOERROR aa\nd.rocks. 60 IN DNAME d.service.rocks.\n");
  CHECK(suffix.ask("t.rocks. TXT") == "NOERROR aa\nt.rocks. 60 IN TXT \"service.consul.\"\n");
  CHECK(suffix.ask("x.rocks. A") == "NXDOMAIN aa\n-- authority\n. 5 IN SOA ns.rocks. h.consul. 1 2 3 4 5\n");
  Behind exact("rewrite name rocks service.consul", kZone);
  CHECK(exact.ask("rocks. A") == "NOERROR aa\nrocks. 60 IN A 192.0.2.1\n");
}

TEST_CASE("rewrite: TTLs and rcodes") {
  const std::vector<std::pair<std::string, int>> ttls = {{"regex (.*)\\.coredns\\.rocks 15", 15},
                                                         {"www.coredns.rocks 30-300", 60},
                                                         {"www.coredns.rocks. -30", 30},
                                                         {"www.coredns.rocks 90-", 90},
                                                         {"exact www.coredns.rocks 0", 0},
                                                         {"prefix www 5", 5},
                                                         {"suffix rocks 6", 6},
                                                         {"substring coredns 7", 7},
                                                         {"coredns.rocks 8", 60},
                                                         {"suffix org 9", 60}};
  for (const auto& [rule, ttl] : ttls) {
    INFO(rule);
    CHECK(Behind("rewrite ttl " + rule).ask("www.CoreDNS.rocks. A") ==
          fmt::format("NOERROR\nwww.CoreDNS.rocks. {} IN A 192.0.2.1\n", ttl));
  }
  for (const char* const rule : {"regex (.*)\\.coredns\\.rocks SERVFAIL NOERROR", "regex (.*)\\.coredns\\.rocks 2 0",
                                 "www.coredns.rocks servfail 0"}) {
    INFO(rule);
    Behind behind(std::string("rewrite continue rcode ") + rule);
    behind.rcode = dns::Rcode::servfail;
    CHECK(behind.ask("www.coredns.rocks. A") == "NOERROR\n");
    CHECK(behind.ask("www.coredns.org. A") == "SERVFAIL\n");
    behind.rcode = dns::Rcode::nxdomain;
    CHECK(behind.ask("www.coredns.rocks. A").starts_with("NXDOMAIN\n"));
  }
}

TEST_CASE("rewrite: an error behind it stays one, and what is dropped is dropped") {
  PluginHarness failing(kPlugins, ". {\n rewrite name a b\n}",
                        [](const Query&, Response&) -> Result<Outcome> { return fail("broken"); });
  CHECK(failing.ask("a. A") == "error: broken");
  PluginHarness dropping(kPlugins, ". {\n rewrite name a b\n}",
                         [](const Query&, Response&) -> Result<Outcome> { return Outcome::drop; });
  CHECK(dropping.ask("a. A") == "drop");
}

TEST_CASE("rewrite: where an alias leads, and what is there") {
  const auto ask = [](std::string_view rule, std::string_view question) {
    PluginHarness harness(
        kPlugins, fmt::format(". {{\n rewrite cname {}\n}}", rule),
        tests::zone_rest("$TTL 60\n@ SOA ns h 1 2 3 4 5\n@ NS ns\nns A 192.0.2.1\nwww CNAME old.cdn\n"
                         "first CNAME www\nold.cdn A 192.0.2.9\nnew.cdn A 192.0.2.10\nloop CNAME loop\n",
                         "example.org."));
    return harness.ask(question);
  };
  const std::string moved =
      "NOERROR aa\nwww.example.org. 60 IN CNAME new.cdn.example.org.\nnew.cdn.example.org. 60 IN A 192.0.2.10\n";
  CHECK(ask("old.cdn.example.org new.cdn.example.org", "www.example.org. A") == moved);
  CHECK(ask("exact OLD.cdn.example.org new.cdn.example.org.", "www.example.org. A") == moved);
  CHECK(ask("prefix old. new.", "www.example.org. A") == moved);
  CHECK(ask("suffix old.cdn.example.org. new.cdn.example.org.", "www.example.org. A") == moved);
  CHECK(ask("substring ld.c ew.c", "www.example.org. A").find("192.0.2.10") == std::string::npos);
  CHECK(ask("regex ^old\\.(.*)$ new.{1}", "www.example.org. A") == moved);
  CHECK(ask("old.cdn.example.org new.cdn.example.org", "first.example.org. A") ==
        "NOERROR aa\nfirst.example.org. 60 IN CNAME www.example.org.\n" + moved.substr(moved.find('\n') + 1));
  CHECK(ask("old.cdn.example.org none.example.org", "www.example.org. A")
            .starts_with("NXDOMAIN aa\nwww.example.org. 60 IN CNAME none.example.org.\n"));
  CHECK(ask("old.cdn.example.org elsewhere.example.net", "www.example.org. A") ==
        "NOERROR aa\nwww.example.org. 60 IN CNAME elsewhere.example.net.\n");
  CHECK(ask("new.cdn.example.org other.example.org", "www.example.org. A").find("192.0.2.9") != std::string::npos);
  // Round and round, and an end to it.
  CHECK(ask("old.cdn.example.org www.example.org", "www.example.org. A").starts_with("SERVFAIL"));
}
