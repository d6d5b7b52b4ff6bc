// Answers from unsigned zones: RFC 1034, 2308, 4592, 6604, 6672 and 9471.
#include "core/zone/view.h"

#include <array>
#include <catch2/catch.hpp>
#include <string>

#include <fmt/format.h>

#include "tests/support/zone_answers.h"

namespace swage::zone {
namespace {

struct Case {
  const char* qname;
  const char* qtype;
  const char* expected;
};

template <std::size_t N>
void check(const tests::TestZone& zone, const std::array<Case, N>& cases, bool dnssec_ok = false) {
  for (const Case& test : cases) {
    INFO(test.qname << " " << test.qtype);
    CHECK(zone.ask(test.qname, test.qtype, dnssec_ok) == test.expected);
  }
}

#define SOA "-- authority\nexample. 300 IN SOA ns1.example. host.example. 1 2 3 4 300\n"

constexpr const char* kStart = "$TTL 3600\n@ SOA ns1 host 1 2 3 4 300\n@ NS ns1\n";

std::string with_start(const char* lines) { return std::string(kStart) + lines; }

TEST_CASE("zone: the examples of RFC 4592 section 2.2.1") {
  const tests::TestZone zone(with_start(R"(
@ NS ns.example.com.
* TXT "this is a wildcard"
* MX 10 host1.example.
sub.* TXT "this is not a wildcard"
host1 A 192.0.2.1
_ssh._tcp.host1 SRV 0 0 22 host1
_ssh._tcp.host2 SRV 0 0 22 host2
subdel NS ns.example.com.
subdel NS ns.example.net.
)"),
                             "example");
  check(zone,
        std::to_array<Case>({
            {"host3.example.", "MX",
             "NOERROR aa\nhost3.example. 3600 IN MX 10 host1.example.\n"
             "-- additional\nhost1.example. 3600 IN A 192.0.2.1 (optional)\n"},
            {"host3.example.", "A", "NOERROR aa\n" SOA},
            {"foo.bar.example.", "TXT", "NOERROR aa\nfoo.bar.example. 3600 IN TXT \"this is a wildcard\"\n"},
            {"host1.example.", "MX", "NOERROR aa\n" SOA},
            {"sub.*.example.", "MX", "NOERROR aa\n" SOA},
            {"_telnet._tcp.host1.example.", "SRV", "NXDOMAIN aa\n" SOA},
            {"host.subdel.example.", "A",
             "NOERROR\n-- authority\nsubdel.example. 3600 IN NS ns.example.com.\n"
             "subdel.example. 3600 IN NS ns.example.net.\n"},
            {"ghost.*.example.", "MX", "NXDOMAIN aa\n" SOA},
            // section 2.2.2: empty non-terminals are no wildcard's
            {"_tcp.host2.example.", "MX", "NOERROR aa\n" SOA},
            {"host2.example.", "A", "NOERROR aa\n" SOA},
            // section 2.3: the asterisk itself
            {"*.example.", "TXT", "NOERROR aa\n*.example. 3600 IN TXT \"this is a wildcard\"\n"},
            {"HOST3.Example.", "TXT", "NOERROR aa\nHOST3.Example. 3600 IN TXT \"this is a wildcard\"\n"},
            {"**.example.", "TXT", "NOERROR aa\n**.example. 3600 IN TXT \"this is a wildcard\"\n"},
            {"x.example.", "ANY",
             "NOERROR aa\nx.example. 3600 IN MX 10 host1.example.\nx.example. 3600 IN TXT \"this is a wildcard\"\n"},
        }));
}

TEST_CASE("zone: wildcards at the apex's child, with CNAME, and empty") {
  const tests::TestZone zone(with_start(R"(
ns1 A 192.0.2.1
*.cname CNAME ns1
*.gone CNAME nothing.gone2
*.out CNAME www.example.net.
*.self CNAME a.self
a.*.ent A 192.0.2.2
)"),
                             "example");
  check(zone, std::to_array<Case>({
                  {"a.cname.example.", "A",
                   "NOERROR aa\na.cname.example. 3600 IN CNAME ns1.example.\nns1.example. 3600 IN A 192.0.2.1\n"},
                  {"a.cname.example.", "CNAME", "NOERROR aa\na.cname.example. 3600 IN CNAME ns1.example.\n"},
                  {"a.cname.example.", "MX", "NOERROR aa\na.cname.example. 3600 IN CNAME ns1.example.\n" SOA},
                  {"a.gone.example.", "A", "NXDOMAIN aa\na.gone.example. 3600 IN CNAME nothing.gone2.example.\n" SOA},
                  {"a.out.example.", "A", "NOERROR aa\na.out.example. 3600 IN CNAME www.example.net.\n"},
                  {"b.self.example.", "A",
                   "NOERROR aa\nb.self.example. 3600 IN CNAME a.self.example.\n"
                   "a.self.example. 3600 IN CNAME a.self.example.\n"},
                  {"b.ent.example.", "A", "NOERROR aa\n" SOA},  // *.ent exists, but is empty
                  {"b.c.ent.example.", "A", "NOERROR aa\n" SOA},
                  {"b.*.ent.example.", "A", "NXDOMAIN aa\n" SOA},
              }));
}

TEST_CASE("zone: answers, NODATA, NXDOMAIN") {
  const tests::TestZone zone(with_start(R"(
@ MX 10 mail
@ MX 20 mail.cut
@ MX 30 mail.example.net.
ns1 A 192.0.2.1
ns1 AAAA 2001:db8::1
Mail A 192.0.2.2
_s SRV 0 0 1 mail
_s SRV 0 0 2 mail
svc HTTPS 1 . alpn=h2
svc A 192.0.2.3
alias SVCB 0 svc
a.b.c TXT deep
cut NS ns1
mail.cut A 192.0.2.4
www CNAME mail
x CNAME www
lost CNAME lost2
lost2 CNAME nothing
below CNAME a.cut
l1 CNAME l2
l2 CNAME L1
)"),
                             "example");
  check(zone,
        std::to_array<Case>({
            {"Ns1.EXAMPLE.", "A", "NOERROR aa\nNs1.EXAMPLE. 3600 IN A 192.0.2.1\n"},
            {"ns1.example.", "MX", "NOERROR aa\n" SOA},
            {"nothing.example.", "A", "NXDOMAIN aa\n" SOA},
            {"x.y.z.nothing.example.", "A", "NXDOMAIN aa\n" SOA},
            {"b.c.example.", "A", "NOERROR aa\n" SOA},
            {"c.example.", "A", "NOERROR aa\n" SOA},
            {"c.example.", "ANY", "NOERROR aa\n" SOA},
            {"x.c.example.", "A", "NXDOMAIN aa\n" SOA},
            {"b.a.b.c.example.", "A", "NXDOMAIN aa\n" SOA},
            {"example.", "SOA", "NOERROR aa\nexample. 3600 IN SOA ns1.example. host.example. 1 2 3 4 300\n"},
            {"example.", "A", "NOERROR aa\n" SOA},
            {"example.", "DS", "NOERROR aa\n" SOA},
            {"example.", "NS",
             "NOERROR aa\nexample. 3600 IN NS ns1.example.\n-- additional\n"
             "ns1.example. 3600 IN A 192.0.2.1 (optional)\nns1.example. 3600 IN AAAA 2001:db8::1 (optional)\n"},
            {"example.", "MX",
             "NOERROR aa\nexample. 3600 IN MX 10 mail.example.\nexample. 3600 IN MX 20 mail.cut.example.\n"
             "example. 3600 IN MX 30 mail.example.net.\n-- additional\nMail.example. 3600 IN A 192.0.2.2 (optional)\n"},
            {"_s.example.", "SRV",
             "NOERROR aa\n_s.example. 3600 IN SRV 0 0 1 mail.example.\n_s.example. 3600 IN SRV 0 0 2 mail.example.\n"
             "-- additional\nMail.example. 3600 IN A 192.0.2.2 (optional)\n"},
            {"svc.example.", "HTTPS",
             "NOERROR aa\nsvc.example. 3600 IN HTTPS 1 . alpn=h2\n"
             "-- additional\nsvc.example. 3600 IN A 192.0.2.3 (optional)\n"},
            {"alias.example.", "SVCB",
             "NOERROR aa\nalias.example. 3600 IN SVCB 0 svc.example.\n"
             "-- additional\nsvc.example. 3600 IN A 192.0.2.3 (optional)\n"},
            {"ns1.example.", "ANY",
             "NOERROR aa\nns1.example. 3600 IN A 192.0.2.1\nns1.example. 3600 IN AAAA 2001:db8::1\n"},
            {"ns1.example.", "RRSIG", "NOERROR aa\n" SOA},
            {"www.example.", "ANY", "NOERROR aa\nwww.example. 3600 IN CNAME mail.example.\n"},
            {"www.example.", "CNAME", "NOERROR aa\nwww.example. 3600 IN CNAME mail.example.\n"},
            {"www.example.", "NSEC", "NOERROR aa\n" SOA},
            {"WWW.example.", "A",
             "NOERROR aa\nWWW.example. 3600 IN CNAME mail.example.\nmail.example. 3600 IN A 192.0.2.2\n"},
            {"x.example.", "MX",
             "NOERROR aa\nx.example. 3600 IN CNAME www.example.\nwww.example. 3600 IN CNAME mail.example.\n" SOA},
            {"lost.example.", "A",  // RFC 6604: the rcode is that of the last name
             "NXDOMAIN aa\nlost.example. 3600 IN CNAME lost2.example.\nlost2.example. 3600 IN CNAME "
             "nothing.example.\n" SOA},
            {"below.example.", "A",
             "NOERROR aa\nbelow.example. 3600 IN CNAME a.cut.example.\n-- authority\ncut.example. 3600 IN NS "
             "ns1.example.\n-- additional\nns1.example. 3600 IN A 192.0.2.1 (optional)\n"
             "ns1.example. 3600 IN AAAA 2001:db8::1 (optional)\n"},
            {"l1.example.", "A",
             "NOERROR aa\nl1.example. 3600 IN CNAME l2.example.\nl2.example. 3600 IN CNAME L1.example.\n"},
        }));
}

TEST_CASE("zone: what a service's targets say of it is additional (RFC 9460 section 4.1)") {
  std::string text = with_start(R"(
a HTTPS 0 b
b HTTPS 0 c
c HTTPS 1 . alpn=h2
c HTTPS 2 d
c A 192.0.2.1
d AAAA 2001:db8::1
d SVCB 1 .
l1 SVCB 0 l2
l2 SVCB 0 l1
self SVCB 0 self
out SVCB 0 svc.example.net.
cut NS ns1.cut
ns1.cut A 192.0.2.4
below HTTPS 1 ns1.cut
none HTTPS 0 .
none A 192.0.2.5
e HTTPS 1 f
f CNAME F2
f2 CNAME c
loop HTTPS 1 g
g CNAME h
h CNAME g
away HTTPS 1 away2
away2 CNAME c.example.net.
)");
  for (int i = 0; i < 100; ++i) text += fmt::format("s{} SVCB 0 s{}\ns{} A 192.0.2.{}\n", i, i + 1, i, i);
  const tests::TestZone zone(text, "example");
  check(zone,
        std::to_array<Case>({
            {"a.example.", "HTTPS",
             "NOERROR aa\na.example. 3600 IN HTTPS 0 b.example.\n-- additional\n"
             "b.example. 3600 IN HTTPS 0 c.example. (optional)\nc.example. 3600 IN A 192.0.2.1 (optional)\n"
             "c.example. 3600 IN HTTPS 1 . alpn=h2 (optional)\nc.example. 3600 IN HTTPS 2 d.example. (optional)\n"
             "d.example. 3600 IN AAAA 2001:db8::1 (optional)\n"},
            {"c.example.", "HTTPS",
             "NOERROR aa\nc.example. 3600 IN HTTPS 1 . alpn=h2\nc.example. 3600 IN HTTPS 2 d.example.\n"
             "-- additional\nc.example. 3600 IN A 192.0.2.1 (optional)\n"
             "d.example. 3600 IN AAAA 2001:db8::1 (optional)\n"},
            {"l1.example.", "SVCB",
             "NOERROR aa\nl1.example. 3600 IN SVCB 0 l2.example.\n-- additional\n"
             "l2.example. 3600 IN SVCB 0 l1.example. (optional)\n"},
            {"self.example.", "SVCB", "NOERROR aa\nself.example. 3600 IN SVCB 0 self.example.\n"},
            {"out.example.", "SVCB", "NOERROR aa\nout.example. 3600 IN SVCB 0 svc.example.net.\n"},
            {"below.example.", "HTTPS", "NOERROR aa\nbelow.example. 3600 IN HTTPS 1 ns1.cut.example.\n"},
            {"e.example.", "HTTPS",
             "NOERROR aa\ne.example. 3600 IN HTTPS 1 f.example.\n-- additional\n"
             "f.example. 3600 IN CNAME F2.example. (optional)\nf2.example. 3600 IN CNAME c.example. (optional)\n"
             "c.example. 3600 IN A 192.0.2.1 (optional)\nc.example. 3600 IN HTTPS 1 . alpn=h2 (optional)\n"
             "c.example. 3600 IN HTTPS 2 d.example. (optional)\nd.example. 3600 IN AAAA 2001:db8::1 (optional)\n"},
            {"loop.example.", "HTTPS",
             "NOERROR aa\nloop.example. 3600 IN HTTPS 1 g.example.\n-- additional\n"
             "g.example. 3600 IN CNAME h.example. (optional)\nh.example. 3600 IN CNAME g.example. (optional)\n"},
            {"away.example.", "HTTPS",
             "NOERROR aa\naway.example. 3600 IN HTTPS 1 away2.example.\n-- additional\n"
             "away2.example. 3600 IN CNAME c.example.net. (optional)\n"},
            {"none.example.", "HTTPS", "NOERROR aa\nnone.example. 3600 IN HTTPS 0 .\n"},
        }));
  const std::string chain = zone.ask("s0.example.", "SVCB");
  CHECK(std::ranges::count(chain, '\n') == 3 + 2 * 32);  // as many hosts as of any other answer
}

TEST_CASE("zone: its version is told to clients that ask for it (RFC 9660)") {
  const tests::TestZone zone("@ 60 SOA a. b. 4026531841 2 3 4 5\n@ 60 NS a.\nwww 60 CNAME x\ncut 60 NS a.\n",
                             "sub.example");
  const auto options = [&](std::string_view name, bool asked = true) {
    constexpr std::array<std::uint8_t, 6> kNotEmpty = {0, 19, 0, 2, 7, 7};  // what else it says means nothing
    dns::Query query;
    const dns::Name qname = *dns::Name::parse(name);
    query.ask(qname);
    query.edns.present = true;
    if (asked) query.edns.options = kNotEmpty;
    dns::Response response;
    zone.zone().answer(query, response);
    zone.zone().add_options(query, response, 0);
    std::string text;
    for (const auto& [code, data] : response.options) {
      text += fmt::format("{}:", code);
      for (const std::uint8_t byte : data) text += fmt::format("{:02x}", byte);
    }
    return text;
  };
  CHECK(options("sub.example") == "19:0200f0000001");
  CHECK(options("www.sub.example") == "19:0200f0000001");
  CHECK(options("nothing.at.all.sub.example") == "19:0200f0000001");
  CHECK(options("a.cut.sub.example") == "");  // a referral: not authoritative for this name
  CHECK(options("sub.example", false) == "");
}

TEST_CASE("zone: a chain of CNAMEs is followed 16 names far") {
  std::string text = kStart;
  for (int i = 0; i < 40; ++i) text += fmt::format("c{} CNAME c{}\n", i, i + 1);
  const tests::TestZone zone(text + "c40 A 192.0.2.1\n", "example");
  CHECK(std::ranges::count(zone.ask("c0.example", "A"), '\n') == 1 + 16);
  CHECK(std::ranges::count(zone.ask("c24.example", "A"), '\n') == 1 + 16);
  CHECK(zone.ask("c25.example", "A").ends_with("c40.example. 3600 IN A 192.0.2.1\n"));
}

TEST_CASE("zone: delegations, glue, DS at the parent, occluded names") {
  const tests::TestZone zone(with_start(R"(
ns1 A 192.0.2.1
cut NS ns.cut
cut NS ns1
cut NS ns.sibling
cut NS ns.example.net.
cut DS 1 13 2 0000000000000000000000000000000000000000000000000000000000000000
cut TXT occluded
ns.cut A 192.0.2.2
ns.cut AAAA 2001:db8::2
deeper.cut NS ns.deeper.cut
ns.deeper.cut A 192.0.2.3
*.cut A 192.0.2.4
dn.cut DNAME example.
sibling NS ns.sibling
ns.sibling A 192.0.2.5
)"),
                             "example");
  const std::string referral =
      "NOERROR\n-- authority\ncut.example. 3600 IN NS ns.cut.example.\ncut.example. 3600 IN NS ns.example.net.\n"
      "cut.example. 3600 IN NS ns.sibling.example.\ncut.example. 3600 IN NS ns1.example.\n-- additional\n"
      "ns.cut.example. 3600 IN A 192.0.2.2\nns.cut.example. 3600 IN AAAA 2001:db8::2\n"
      "ns.sibling.example. 3600 IN A 192.0.2.5 (optional)\nns1.example. 3600 IN A 192.0.2.1 (optional)\n";
  for (const char* name : {"cut.example.", "a.cut.example.", "ns.cut.example.", "ns.deeper.cut.example.",
                           "a.b.deeper.cut.example.", "x.dn.cut.example.", "CUT.Example."}) {
    for (const char* type : {"A", "NS", "TXT", "ANY", "CNAME", "SOA", "RRSIG"}) {
      INFO(name << " " << type);
      CHECK(zone.ask(name, type) == referral);
    }
  }
  CHECK(zone.ask("a.cut.example.", "DS") == referral);
  CHECK(zone.ask("deeper.cut.example.", "DS") == referral);
  CHECK(zone.ask("cut.example.", "A", true) == referral);  // the zone is not signed
  check(zone, std::to_array<Case>({
                  {"cut.example.", "DS",
                   "NOERROR aa\ncut.example. 3600 IN DS 1 13 2 "
                   "0000000000000000000000000000000000000000000000000000000000000000\n"},
                  {"sibling.example.", "DS", "NOERROR aa\n" SOA},
              }));
}

// RFC 6672 section 2.2, the table of substitutions. An empty result: no match.
TEST_CASE("zone: the examples of RFC 6672 section 2.2") {
  struct Substitution {
    const char *qname, *owner, *target, *result;
  };
  const auto table = std::to_array<Substitution>({
      {"example.com.", "example.com.", "example.net.", ""},
      {"a.example.com.", "example.com.", "example.net.", "a.example.net."},
      {"a.b.example.com.", "example.com.", "example.net.", "a.b.example.net."},
      {"ab.example.com.", "b.example.com.", "example.net.", ""},
      {"foo.example.com.", "example.com.", "example.net.", "foo.example.net."},
      {"a.x.example.com.", "x.example.com.", "example.net.", "a.example.net."},
      {"a.example.com.", "example.com.", "y.example.net.", "a.y.example.net."},
      {"cyc.example.com.", "example.com.", "example.com.", "cyc.example.com."},
      {"cyc.example.com.", "example.com.", "c.example.com.", "cyc.c.example.com."},
      {"shortloop.x.x.", "x.", ".", "shortloop.x."},
      {"shortloop.x.", "x.", ".", "shortloop."},
  });
  for (const Substitution& test : table) {
    INFO(test.qname << " " << test.owner << " " << test.target);
    const bool loop = std::string_view(test.owner) == "x.";
    const tests::TestZone zone(
        std::string("@ 60 SOA a. b. 1 2 3 4 5\n@ 60 NS ns.\n") + test.owner + " 60 DNAME " + test.target + "\n",
        loop ? "x." : "example.com.");
    const std::string got = zone.ask(test.qname, "A");
    const std::string dname = std::string(test.owner) + " 60 IN DNAME " + test.target + "\n";
    if (*test.result == '\0') {
      CHECK(got.find("DNAME") == std::string::npos);
    } else {
      CHECK(got.starts_with("NOERROR aa\n" + dname + test.qname + " 60 IN CNAME " + test.result + "\n"));
      CHECK(got.find(dname, got.find(dname) + 1) == std::string::npos);  // once, also in a loop
    }
  }
}

TEST_CASE("zone: DNAME") {
  const tests::TestZone zone(with_start(R"(
ns1 A 192.0.2.1
dn 60 DNAME target
dn TXT beside
a.target A 192.0.2.2
*.w.target A 192.0.2.3
out DNAME example.net.
chain DNAME dn
old CNAME a.dn
below.dn A 192.0.2.9
cut NS ns.example.net.
cutdn DNAME cut
long DNAME aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa.aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa.target
)"),
                             "example");
  check(zone,
        std::to_array<Case>({
            {"dn.example.", "TXT", "NOERROR aa\ndn.example. 3600 IN TXT \"beside\"\n"},
            {"dn.example.", "DNAME", "NOERROR aa\ndn.example. 60 IN DNAME target.example.\n"},
            {"dn.example.", "A", "NOERROR aa\n" SOA},
            {"A.Dn.example.", "A",
             "NOERROR aa\ndn.example. 60 IN DNAME target.example.\nA.Dn.example. 60 IN CNAME A.target.example.\n"
             "A.target.example. 3600 IN A 192.0.2.2\n"},
            {"a.dn.example.", "CNAME",
             "NOERROR aa\ndn.example. 60 IN DNAME target.example.\na.dn.example. 60 IN CNAME a.target.example.\n"},
            {"a.dn.example.", "MX",
             "NOERROR aa\ndn.example. 60 IN DNAME target.example.\na.dn.example. 60 IN CNAME a.target.example.\n" SOA},
            {"b.dn.example.", "A",
             "NXDOMAIN aa\ndn.example. 60 IN DNAME target.example.\nb.dn.example. 60 IN CNAME b.target.example.\n" SOA},
            {"b.w.dn.example.", "A",
             "NOERROR aa\ndn.example. 60 IN DNAME target.example.\nb.w.dn.example. 60 IN CNAME b.w.target.example.\n"
             "b.w.target.example. 3600 IN A 192.0.2.3\n"},
            {"below.dn.example.", "A",  // hidden by the DNAME
             "NXDOMAIN aa\ndn.example. 60 IN DNAME target.example.\nbelow.dn.example. 60 IN CNAME "
             "below.target.example.\n" SOA},
            {"x.out.example.", "A",
             "NOERROR aa\nout.example. 3600 IN DNAME example.net.\nx.out.example. 3600 IN CNAME x.example.net.\n"},
            {"a.chain.example.", "A",
             "NOERROR aa\nchain.example. 3600 IN DNAME dn.example.\na.chain.example. 3600 IN CNAME a.dn.example.\n"
             "dn.example. 60 IN DNAME target.example.\na.dn.example. 60 IN CNAME a.target.example.\n"
             "a.target.example. 3600 IN A 192.0.2.2\n"},
            {"old.example.", "A",
             "NOERROR aa\nold.example. 3600 IN CNAME a.dn.example.\ndn.example. 60 IN DNAME target.example.\n"
             "a.dn.example. 60 IN CNAME a.target.example.\na.target.example. 3600 IN A 192.0.2.2\n"},
            {"x.cutdn.example.", "A",
             "NOERROR aa\ncutdn.example. 3600 IN DNAME cut.example.\nx.cutdn.example. 3600 IN CNAME x.cut.example.\n"
             "-- authority\ncut.example. 3600 IN NS ns.example.net.\n"},
        }));
  const std::string prefix(63, 'x');
  const std::string answer = zone.ask(prefix + "." + prefix + ".long.example.", "A");  // 64 * 2 + 126 + 16 bytes
  CHECK(answer.starts_with("YXDOMAIN aa\nlong.example. 3600 IN DNAME "));
  CHECK(std::ranges::count(answer, '\n') == 2);
}

TEST_CASE("zone: the root, and a DNAME at the apex") {
  const tests::TestZone root(
      ". 60 SOA a. b. 1 2 3 4 5\n. 60 NS ns.\nns. 60 A 192.0.2.1\norg. 60 NS ns.org.\n"
      "ns.org. 60 A 192.0.2.2\n",
      ".");
  check(root, std::to_array<Case>({
                  {"ns.", "A", "NOERROR aa\nns. 60 IN A 192.0.2.1\n"},
                  {"nothing.", "A", "NXDOMAIN aa\n-- authority\n. 5 IN SOA a. b. 1 2 3 4 5\n"},
                  {"www.example.org.", "A",
                   "NOERROR\n-- authority\norg. 60 IN NS ns.org.\n-- additional\nns.org. 60 IN A 192.0.2.2\n"},
              }));
  const tests::TestZone apex("@ 60 SOA a. b. 1 2 3 4 5\n@ 60 NS ns.\n@ 60 DNAME example.net.\n", "example.org");
  check(apex, std::to_array<Case>({
                  {"example.org.", "NS", "NOERROR aa\nexample.org. 60 IN NS ns.\n"},
                  {"a.example.org.", "NS",
                   "NOERROR aa\nexample.org. 60 IN DNAME example.net.\na.example.org. 60 IN CNAME a.example.net.\n"},
              }));
}

}  // namespace
}  // namespace swage::zone
