#include "plugins/template_/template.h"

#include <array>

#include <fmt/format.h>

#include "tests/support/plugin_harness.h"

#include <catch2/catch.hpp>  // last: its CHECK is the one that counts here

using namespace swage;
using tests::PluginHarness;

namespace {

constexpr std::array kPlugins = {PluginType{"template", &plugins::template_::setup}};

Result<Outcome> rest(const Query&, Response& response) {
  response.rcode = dns::Rcode::notauth;  // as nobody else here answers
  return Outcome::send;
}

// What a template with these lines answers.
std::string answer(std::string_view arguments, std::string_view block, std::string_view question) {
  PluginHarness harness(kPlugins, fmt::format(". {{\n template {} {{\n{}\n }}\n}}", arguments, block), rest);
  return harness.ask(question);
}

std::string setup_error(std::string_view arguments, std::string_view block) {
  return PluginHarness::setup_error(kPlugins, fmt::format(". {{\n template {} {{\n{}\n }}\n}}", arguments, block));
}

struct Case {
  std::string question, answer;
};

void check(std::string_view corefile, std::initializer_list<Case> cases) {
  PluginHarness harness(kPlugins, corefile, rest);
  for (const Case& each : cases) {
    INFO(each.question);
    CHECK(harness.ask(each.question) == each.answer);
  }
}

}  // namespace

TEST_CASE("template: setup") {
  CHECK(setup_error("ANY ANY", "rcode NXDOMAIN") == "");
  CHECK(setup_error("IN A example.com example.org",
                    "match a b\nanswer \"a. 1 A 192.0.2.1\" \"b. 1 A 192.0.2.1\"\nupstream") == "");
  CHECK(setup_error("IN A", "ederror 21 \"Blocked\"\nfallthrough in-addr.arpa ip6.arpa") == "");
  const std::vector<std::array<std::string, 3>> bad = {
      {"", "", "2: template: expected a class after 'template'"},
      {"IN", "", "2: template: expected a type after 'IN'"},
      {"XX ANY", "", "2: template: unknown class 'XX'"},
      {"IN THING", "", "2: template: unknown record type 'THING'"},
      {"IN A", "match", "3: template: expected a regular expression after 'match'"},
      {"IN A", "match (", "3: template: match: '(' is not a valid regular expression: missing ): ("},
      {"IN A", "match " + std::string(10'001, 'a'),
       "3: template: match: a regular expression of 10001 bytes; at most 10000 are allowed"},
      {"IN A", "answer", "3: template: expected a record after 'answer'"},
      {"IN A", "answer \"{{\"", "3: template: answer: '{{' without '}}' in '{{'"},
      {"IN A", "answer \"{{ .Nam }}\"", "3: template: answer: '{{ .Nam }}': '.Nam' is not supported"},
      {"IN A", "answer \"{{ printf 1 }}\"",
       "3: template: answer: '{{ printf 1 }}': 'printf' is not supported: only index and parseInt are"},
      {"IN A", "answer \"{{ if .Name }}\"",
       "3: template: answer: '{{ if .Name }}': 'if' is not supported: only index and parseInt are"},
      {"IN A", "answer \"{{ .Name | len }}\"", "3: template: answer: '{{ .Name | len }}': unexpected '| len '"},
      {"IN A", "answer \"{{ .Meta }}\"", "3: template: answer: '{{ .Meta }}': '.Meta' is not supported"},
      {"IN A", "answer \"{{ .Var.ip }}\"", "3: template: answer: '{{ .Var.ip }}': '.Var.ip' is not supported"},
      {"IN A", "answer \"{{ }}\"", "3: template: answer: '{{ }}': expected a value"},
      {"IN A", "answer \"{{ index .Match x }}\"", "3: template: answer: '{{ index .Match x }}': 'x' is not supported"},
      {"IN A", "answer \"{{ index .Name 1 }}\"",
       "3: template: answer: '{{ index .Name 1 }}': index: expected .Match or .Group"},
      {"IN A", "answer \"{{ parseInt .Name 16 }}\"",
       "3: template: answer: '{{ parseInt .Name 16 }}': parseInt: expected a text, a base and a size in bits"},
      {"IN A", "answer \"{{ parseInt .Name 37 8 }}\"",
       "3: template: answer: '{{ parseInt .Name 37 8 }}': parseInt: base 37 is none"},
      {"IN A", "answer \"{{ ((((((((( .Name ))))))))) }}\"",
       "3: template: answer: '{{ ((((((((( .Name ))))))))) }}': too many parentheses"},
      {"IN A", "answer \"www\"", "3: template: answer: 'www': a record without a type"},
      // Wrong whatever is asked: each query would get SERVFAIL.
      {"IN A", "answer \"{{ .Name }} 60 IN CNAME a.{{ .Zone }}\"",
       "3: template: '{{ .Name }} 60 IN CNAME a.{{ .Zone }}': empty label in domain name 'a..'"},
      {"IN A", "answer \"{{ .Name }} 60 IN A 192.0.2.300\"",
       "3: template: '{{ .Name }} 60 IN A 192.0.2.300': A: expected an IPv4 address, not '192.0.2.300'"},
      {"IN A", "match (?P<a>.*)\nanswer \"{{ .Group.a }}. 60 IN A 192.0.2.300\"",
       "4: template: '{{ .Group.a }}. 60 IN A 192.0.2.300': A: expected an IPv4 address, not '192.0.2.300'"},
      {"IN A", "answer \"{{ .Name }} 60 IN B 192.0.2.1\"",
       "3: template: '{{ .Name }} 60 IN B 192.0.2.1': unknown record type 'B'"},
      {"IN A", "additional \"{{ .Name }} 60 IN\"", "3: template: '{{ .Name }} 60 IN': a record without a type"},
      {"IN A", "answer \"www A 1 . 2\"", "3: template: answer: 'www A 1 . 2': A: expected an IPv4 address, not '1'"},
      {"IN A", "answer \"www CH A 192.0.2.1\"",
       "3: template: answer: 'www CH A 192.0.2.1': expected a record of class IN, not CH"},
      {"CH TXT", "answer \"{{ .Name }} 60 TXT x\"",
       "3: template: '{{ .Name }} 60 TXT x': expected a record of class CH, not IN"},
      {"IN A", "answer \"www OPT x\"", "3: template: answer: 'www OPT x': no record has the type OPT"},
      {"IN A", "answer \"www CNAME \\# 1 ff\"",
       "3: template: answer: 'www CNAME \\# 1 ff': CNAME: target: not an uncompressed domain name"},
      {"IN A", "answer \"{{ .Group.a }}. A 192.0.2.1\"",
       "2: template: '{{ .Group.a }}. A 192.0.2.1': no 'match' has the group a"},
      {"IN A", "match (.*)\nanswer \"{{ index .Match 2 }} A 192.0.2.1\"",
       "2: template: '{{ index .Match 2 }} A 192.0.2.1': no 'match' has the group 2"},
      {"IN A", "rcode", "3: template: expected a response code after 'rcode'"},
      {"IN A", "rcode RCODE11", "3: template: rcode: unknown rcode 'RCODE11'"},
      {"IN A", "ederror 70000", "3: template: ederror: '70000' is not a number from 0 to 65535"},
      {"IN A", "var a 1", "3: template: 'var' is not supported"},
      {"IN A", "expr true", "3: template: 'expr' is not supported"},
      {"IN A", "anwser x", "3: template: unknown property 'anwser'; did you mean 'answer'?"}};
  for (const auto& [arguments, block, message] : bad) {
    INFO(arguments << " / " << block);
    CHECK(setup_error(arguments, block) == "Corefile:" + message);
  }
}

TEST_CASE("template: the situations of CoreDNS's README") {
  check(". {\n template ANY ANY {\n  rcode NXDOMAIN\n }\n}", {{"a.b. A", "NXDOMAIN aa\n"}, {". MX", "NXDOMAIN aa\n"}});
  check(
      ". {\n template ANY ANY invalid {\n  rcode NXDOMAIN\n"
      "  authority \"invalid. 60 {{ .Class }} SOA ns.invalid. hostmaster.invalid. (1 60 60 60 60)\"\n"
      "  ederror 21 \"Blocked according to RFC2606\"\n }\n}",
      {{"www.invalid. A",
        "NXDOMAIN aa\n-- authority\ninvalid. 60 IN SOA ns.invalid. hostmaster.invalid. 1 60 60 60 60\n"},
       {"www.invalid. A CH",
        "NXDOMAIN aa\n-- authority\ninvalid. 60 CH SOA ns.invalid. hostmaster.invalid. 1 60 60 60 60\n"},
       {"www.valid. A", "NOTAUTH\n"}});
  check(
      ". {\n template IN ANY example.com.dc1.example.com {\n  rcode NXDOMAIN\n"
      "  authority \"{{ .Zone }} 60 IN SOA ns.example.com hostmaster.example.com (1 60 60 60 60)\"\n }\n}",
      {{"a.example.com.dc1.example.com. A",
        "NXDOMAIN aa\n-- authority\nexample.com.dc1.example.com. 60 IN SOA ns.example.com. hostmaster.example.com. 1 "
        "60 60 "
        "60 60\n"}});
  check(
      ". {\n template IN ANY example.com {\n  match \"example\\.com\\.(dc1\\.example\\.com\\.)$\"\n  rcode NXDOMAIN\n"
      "  authority \"{{ index .Match 1 }} 60 IN SOA ns.{{ index .Match 1 }} hostmaster.{{ index .Match 1 }} (1 60 60 "
      "60 "
      "60)\"\n  fallthrough\n }\n}",
      {{"a.example.com.dc1.example.com. A",
        "NXDOMAIN aa\n-- authority\ndc1.example.com. 60 IN SOA ns.dc1.example.com. hostmaster.dc1.example.com. 1 60 60 "
        "60 "
        "60\n"},
       {"a.example.com. A", "NOTAUTH\n"}});
  check(
      ". {\n template IN A example {\n  match "
      "(^|[.])ip-(?P<a>[0-9]*)-(?P<b>[0-9]*)-(?P<c>[0-9]*)-(?P<d>[0-9]*)[.]example[.]$\n"
      "  answer \"{{ .Name }} 60 IN A {{ .Group.a }}.{{ .Group.b }}.{{ .Group.c }}.{{ .Group.d }}\"\n  fallthrough\n "
      "}\n"
      " template IN PTR in-addr.arpa {\n  match "
      "^(?P<d>[0-9]*)[.](?P<c>[0-9]*)[.](?P<b>[0-9]*)[.](?P<a>[0-9]*)[.]in-addr[.]arpa[.]$\n"
      "  answer \"{{ .Name }} 60 IN PTR ip-{{ .Group.a }}-{{ .Group.b }}-{{ .Group.c }}-{{ .Group.d }}.example.\"\n "
      "}\n}",
      {{"ip-10-95-1-2.Example. A", "NOERROR aa\nip-10-95-1-2.example. 60 IN A 10.95.1.2\n"},
       {"www.ip-10-95-1-2.example. A", "NOERROR aa\nwww.ip-10-95-1-2.example. 60 IN A 10.95.1.2\n"},
       {"ip-10-95-1-256.example. A",
        "error: template '{{ .Name }} 60 IN A {{ .Group.a }}.{{ .Group.b }}.{{ .Group.c }}.{{ .Group.d }}' for "
        "ip-10-95-1-256.example.: A: expected an IPv4 address, not '10.95.1.256'"},
       {"ip-10-95-1-2.example. AAAA", "NOTAUTH\n"},
       {"www.example. A", "NOTAUTH\n"},
       {"2.1.95.10.in-addr.arpa. PTR", "NOERROR aa\n2.1.95.10.in-addr.arpa. 60 IN PTR ip-10-95-1-2.example.\n"},
       {"x.in-addr.arpa. PTR", "SERVFAIL\n"}});
  check(
      ". {\n template IN A example {\n  match "
      "\"^ip0a(?P<b>[a-f0-9]{2})(?P<c>[a-f0-9]{2})(?P<d>[a-f0-9]{2})[.]example[.]$\"\n"
      "  answer \"{{ .Name }} 60 IN A 10.{{ parseInt .Group.b 16 8 }}.{{ parseInt .Group.c 16 8 }}.{{ parseInt "
      ".Group.d 16 8 "
      "}}\"\n  fallthrough\n }\n}",
      {{"ip0a5f6c09.example. A", "NOERROR aa\nip0a5f6c09.example. 60 IN A 10.95.108.9\n"}});
  check(
      ". {\n template IN A example {\n  match "
      "\"^ip-(?P<a>10)-(?P<b>[0-9]*)-(?P<c>[0-9]*)-(?P<d>[0-9]*)[.]dc[.]example[.]$\"\n  match "
      "\"^(?P<a>[0-9]*)[.](?P<b>[0-9]*)[.](?P<c>[0-9]*)[.](?P<d>[0-9]*)[.]ext[.]example[.]$\"\n"
      "  answer \"{{ .Name }} 60 IN A {{ .Group.a}}.{{ .Group.b }}.{{ .Group.c }}.{{ .Group.d }}\"\n  fallthrough\n "
      "}\n}",
      {{"ip-10-1-2-3.dc.example. A", "NOERROR aa\nip-10-1-2-3.dc.example. 60 IN A 10.1.2.3\n"},
       {"203.0.113.8.ext.example. A", "NOERROR aa\n203.0.113.8.ext.example. 60 IN A 203.0.113.8\n"}});
  check(
      ". {\n template IN MX example {\n  match ^ip-10-(?P<b>[0-9]*)-(?P<c>[0-9]*)-(?P<d>[0-9]*)[.]example[.]$\n"
      "  answer \"{{ .Name }} 60 IN MX 10 {{ .Name }}\"\n"
      "  additional \"{{ .Name }} 60 IN A 10.{{ .Group.b }}.{{ .Group.c }}.{{ .Group.d }}\"\n"
      "  authority  \"example. 60 IN NS ns0.example.\"\n  authority  \"example. 60 IN NS ns1.example.\"\n"
      "  additional \"ns0.example. 60 IN A 203.0.113.8\"\n  additional \"ns1.example. 60 IN A 198.51.100.8\"\n"
      "  fallthrough\n }\n}",
      {{"ip-10-1-2-3.example. MX",
        "NOERROR aa\nip-10-1-2-3.example. 60 IN MX 10 ip-10-1-2-3.example.\n-- authority\nexample. 60 IN NS "
        "ns0.example.\nexample. 60 IN NS ns1.example.\n-- additional\nip-10-1-2-3.example. 60 IN A "
        "10.1.2.3\nns0.example. 60 "
        "IN A 203.0.113.8\nns1.example. 60 IN A 198.51.100.8\n"}});
  check(
      ". {\n template IN ANY foogle.com {\n  match \"^foogle\\.com\\.$\"\n  answer \"foogle.com 60 IN CNAME "
      "google.com\"\n }\n}",
      {{"foogle.com. TXT", "NOERROR aa\nfoogle.com. 60 IN CNAME google.com.\n"}, {"www.foogle.com. A", "SERVFAIL\n"}});
}

TEST_CASE("template: what is known of an alias's target follows it, for queries for addresses") {
  PluginHarness harness(kPlugins,
                        ". {\n template IN ANY a.example {\n  answer \"{{ .Name }} 60 IN CNAME b.example.\"\n }\n"
                        " template IN A b.example {\n  answer \"{{ .Name }} 30 IN A 192.0.2.1\"\n  fallthrough\n }\n}",
                        rest);
  CHECK(harness.ask("a.example. A") == "NOERROR aa\na.example. 60 IN CNAME b.example.\nb.example. 30 IN A 192.0.2.1\n");
  CHECK(harness.ask("a.example. MX") == "NOERROR aa\na.example. 60 IN CNAME b.example.\n");
  CHECK(harness.ask("a.example. AAAA") == "NOERROR aa\na.example. 60 IN CNAME b.example.\n");
}

TEST_CASE("template: what a record can hold") {
  const std::string match = "match ^(?P<first>[^.]*)[.](x)?\n";
  const std::vector<Case> cases = {
      {"{{ .Name }} 1 TXT {{ .Zone }} {{ .Class }} {{ .Type }} {{ .Remote }}",
       "www.example. 1 IN TXT \"example.\" \"IN\" \"TXT\" \"192.0.2.7\"\n"},
      {"a 1 TXT {{ .Question.Name }} {{ .Question.Qtype }} {{ .Question.Qclass }}",
       "a. 1 IN TXT \"WWW.example.\" \"16\" \"1\"\n"},
      {"a 1 TXT {{ index .Group \\\"first\\\" }} {{ index .Group `1` }} {{ index .Match 0 "
       "}} \\\"{{ index .Match 2 }}\\\"",
       "a. 1 IN TXT \"www\" \"www\" \"www.\" \"\"\n"},
      {"a 1 TXT {{ parseInt `0x1f` 0 64 }} {{ parseInt (index .Match 1) 36 0 }}", "a. 1 IN TXT \"31\" \"42656\"\n"},
      {"a 1 TXT x  {{- .Class -}}  y {{ 7 }}", "a. 1 IN TXT \"xINy\" \"7\"\n"},
      {"a TXT b", "a. 3600 IN TXT \"b\"\n"},
      {"{{ .Name }} TYPE65280 \\# 1 ab", "www.example. 3600 IN TYPE65280 \\# 1 ab\n"}};
  for (const Case& each : cases) {
    INFO(each.question);
    CHECK(answer("IN ANY example", match + "answer \"" + each.question + "\"", "WWW.example. TXT") ==
          "NOERROR aa\n" + each.answer);
  }
  CHECK(answer("CH TXT example", "answer \"a CH 5 TXT b\"", "a.example. TXT CH") == "NOERROR aa\na. 5 CH TXT \"b\"\n");
  CHECK(answer("IN TXT example", "answer \"{{ .Name }} 1 {{ .Type }} x\"", "a.example. ANY") ==
        "NOERROR aa\na.example. 1 IN TXT \"x\"\n");
  CHECK(answer("IN ANY", "rcode SERVFAIL\nanswer \"a A 192.0.2.1\"", "a. A") == "SERVFAIL\n");
  CHECK(
      answer("IN ANY", match + "answer \"a TXT {{ parseInt .Group.first 10 8 }}\"", "256.a. A") ==
      "error: template 'a TXT {{ parseInt .Group.first 10 8 }}' for 256.a.: parseInt: '256' is not a number of base 10 "
      "and 8 "
      "bits");
  CHECK(answer("IN ANY", "match ^a match (b)\nanswer \"x TXT {{ index .Match 1 }}\"", "a. A") ==
        "error: template 'x TXT {{ index .Match 1 }}' for a.: the regular expression that matched has no such group");
  // What a client puts into a name cannot end the record, or its line.
  CHECK(answer("IN ANY", "answer \"x 1 TXT {{ .Name }}\"", "a\\010b\\;\\\"c\\(\\032d. A") ==
        "NOERROR aa\nx. 1 IN TXT \"a\\010b;\\\"c( d.\"\n");
}

TEST_CASE("template: a group with half of an escape makes no record") {
  const std::string record = "answer \"{{ .Group.x }} 5 IN TXT {{ .Group.x }} y\"";
  const std::string first = "match ^(?P<x>[^.]*)[.]\n" + record,
                    last = "match (?P<x>[^.\\\\]*)[.]example[.]$\n" + record;
  CHECK(answer("IN TXT example", first, "a\\\\.example. TXT") == "NOERROR aa\na\\\\. 5 IN TXT \"a\\\\\" \"y\"\n");
  CHECK(answer("IN TXT example", first, "a\\.b.example. TXT").find("has half of an escape") != std::string::npos);
  CHECK(answer("IN TXT example", last, "a\\;b.example. TXT").find("has half of an escape") != std::string::npos);
  const std::string digits = "match (?P<x>[0-9]+)b[.]\n" + record;
  CHECK(answer("IN TXT example", digits, "a\\032b.example. TXT").find("has half of an escape") != std::string::npos);
}

TEST_CASE("template: several in a row, zones, classes, types and fallthrough") {
  constexpr const char* kCorefile =
      ". {\n template IN A a.test {\n  match ^one\n  answer \"{{ .Name }} 1 A 192.0.2.1\"\n  fallthrough x.a.test\n }\n"
      " template IN A a.test b.test {\n  answer \"{{ .Name }} 1 A 192.0.2.2\"\n }\n"
      " template CH TXT c.test {\n  answer \"{{ .Name }} 1 CH TXT c\"\n }\n}";
  check(kCorefile, {{"one.a.test. A", "NOERROR aa\none.a.test. 1 IN A 192.0.2.1\n"},
                    {"two.a.test. A", "SERVFAIL\n"},
                    {"two.x.a.test. A", "NOERROR aa\ntwo.x.a.test. 1 IN A 192.0.2.2\n"},
                    {"b.test. A", "NOERROR aa\nb.test. 1 IN A 192.0.2.2\n"},
                    {"b.test. AAAA", "NOTAUTH\n"},
                    {"b.test. A CH", "NOTAUTH\n"},
                    {"c.test. TXT CH", "NOERROR aa\nc.test. 1 CH TXT \"c\"\n"},
                    {"c.test. TXT", "NOTAUTH\n"}});
}

TEST_CASE("template: the extended error is an EDNS option") {
  PluginHarness harness(kPlugins, ". {\n template IN ANY {\n  ederror 21 \"Not here\"\n }\n}", rest);
  CHECK(harness.ask("a. A do") == "NOERROR aa\n");
  REQUIRE(harness.response().options.size() == 1);
  CHECK(harness.response().options[0].code == 15);
  CHECK(as_text(harness.response().options[0].data) == std::string("\0\x15Not here", 10));
}

TEST_CASE("template: what may become a record is left alone; what none of the values tried makes one is warned of") {
  const auto warnings = [](std::string_view arguments, std::string_view block) {
    const PluginHarness harness(kPlugins, fmt::format(". {{\n template {} {{\n{}\n }}\n}}", arguments, block), rest);
    std::string text;
    for (const Error& each : harness.configuration().warnings) text += each.text() + "\n";
    return text;
  };
  for (const char* const good : {
           "match (a)-(b)-(c)-(d)\nanswer \"{{ .Name }} 60 IN A {{ .Group.1 }}.{{ .Group.2 }}.{{ .Group.3 }}.{{ "
           ".Group.4 }}\"",
           "match ^([0-9a-f]{2})([0-9a-f]{2})([0-9a-f]{2})([0-9a-f]{2})\nanswer \"{{ .Name }} 60 IN A {{ parseInt "
           ".Group.1 "
           "16 8 }}.{{ parseInt .Group.2 16 8 }}.{{ parseInt .Group.3 16 8 }}.{{ parseInt .Group.4 16 8 }}\"",
           "answer \"{{ .Name }} 60 IN {{ .Type }} {{ .Remote }}\"",
           "match (?P<t>A|TXT)\nanswer \"{{ .Name }} 60 IN {{ .Group.t }} 192.0.2.1\"",
           "answer \"{{ .Name }} 60 {{ .Class }} CNAME a.{{ .Zone }}\" \"{{ .Name }} 60 IN MX 1 {{ .Zone }}\"",
           "answer \"{{ .Name }} 60 IN TXT \\\"{{ .Question.Name }}\\\"\"",
       }) {
    INFO(good);
    CHECK(warnings("IN ANY . example", good) == "");  // "a.." is none, but "a.example." is
  }
  for (const char* const record : {"www MD a.", "{{ .Name }} MD a."}) {
    CHECK(warnings("IN ANY", fmt::format("answer \"{}\"", record)) ==
          fmt::format("Corefile:3: template: '{}': MD: obsolete: use MX records\n", record));
  }
  CHECK(warnings("IN A", "match (.*)\nanswer \"{{ .Name }} 60 IN A {{ .Group.1 }}.0.2.300\"")
            .starts_with("Corefile:4: template: '{{ .Name }} 60 IN A {{ .Group.1 }}.0.2.300': of the values tried none "
                         "makes a record (A: expected an IPv4 address, not '1.0.2.300')"));
}
