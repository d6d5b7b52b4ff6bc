#include "core/zonefile/reader.h"

#include <array>
#include <catch2/catch.hpp>
#include <filesystem>
#include <fstream>
#include <string>

#include "core/zone/view.h"
#include "tests/support/zone_answers.h"

namespace swage::zonefile {
namespace {

// The warnings of a zone with these lines after its SOA and NS, at a time in November 2026.
std::string warnings(std::string_view lines) {
  constexpr std::int64_t kNow = 1795000000;
  const dns::Name apex = *dns::Name::parse("example.org");
  zone::Builder builder(apex, kNow);
  static_cast<void>(
      read_text("@ 60 IN SOA ns host 1 2 3 4 5\n@ 60 IN NS ns.x.\n" + std::string(lines), "zone", apex, builder));
  if (builder.report().errors().empty()) {
    std::vector<std::uint64_t> image(builder.image_size() / 8);
    builder.write({reinterpret_cast<std::uint8_t*>(image.data()), image.size() * 8});
  }
  std::string text;
  for (const std::string& line : builder.report().warnings()) text += line + "\n";
  return text;
}

constexpr std::string_view kStart = "@ 60 IN SOA ns host 1 2 3 4 5\n@ 60 IN NS ns\n";

// What a zone example.org with these lines behind its SOA and NS holds besides them, or the Error.
std::string read(std::string_view lines) {
  const auto image = tests::build_image(std::string(kStart) + std::string(lines), "zone", "example.org");
  if (!image) return image.error().text();
  std::string text = tests::records_text(*image);
  for (const std::string_view line : {"example.org. 60 IN NS ns.example.org.\n",
                                      "example.org. 60 IN SOA ns.example.org. host.example.org. 1 2 3 4 5\n"}) {
    const std::size_t at = text.find(line);
    REQUIRE(at != std::string::npos);
    text.erase(at, line.size());
  }
  return text;
}

struct Case {
  const char* text;
  const char* expected;
};

TEST_CASE("zone files: owners, TTLs, classes, directives") {
  const auto cases = std::to_array<Case>({
      {"www 300 IN A 192.0.2.1\n", "www.example.org. 300 IN A 192.0.2.1\n"},
      {"www 300 IN A 192.0.2.1", "www.example.org. 300 IN A 192.0.2.1\n"},
      {"www IN 300 A 192.0.2.1\r\n", "www.example.org. 300 IN A 192.0.2.1\n"},
      {"www 300 A 192.0.2.1\n", "www.example.org. 300 IN A 192.0.2.1\n"},
      {"www in A 192.0.2.1\n", "www.example.org. 60 IN A 192.0.2.1\n"},
      {"www CLASS1 TYPE1 192.0.2.1\n", "www.example.org. 60 IN A 192.0.2.1\n"},
      {"www a 192.0.2.1\n", "www.example.org. 60 IN A 192.0.2.1\n"},
      {"www.example.org. A 192.0.2.1\n", "www.example.org. 60 IN A 192.0.2.1\n"},
      {"WwW.Example.ORG. A 192.0.2.1\n", "WwW.Example.ORG. 60 IN A 192.0.2.1\n"},
      {"@ A 192.0.2.1\n", "example.org. 60 IN A 192.0.2.1\n"},
      {"in in in a 192.0.2.1\n", "unknown type 'in'"},  // the owner, the class, and one too many
      {"in in a 192.0.2.1\n", "in.example.org. 60 IN A 192.0.2.1\n"},
      {"300 300 A 192.0.2.1\n", "300.example.org. 300 IN A 192.0.2.1\n"},
      {"\\064 A 192.0.2.1\n", "@.example.org. 60 IN A 192.0.2.1\n"},
      {"a\\.b.c\\ d A 192.0.2.1\n", "a\\.b.c\\032d.example.org. 60 IN A 192.0.2.1\n"},
      {"www A 192.0.2.1\n\tA 192.0.2.2\n  AAAA ::1 ; a comment\n",
       "www.example.org. 60 IN A 192.0.2.1\nwww.example.org. 60 IN A 192.0.2.2\nwww.example.org. 60 IN AAAA ::1\n"},
      {"; nothing\n\n   \n ; nothing\nwww A 192.0.2.1 ; trailing \" ( comment\n",
       "www.example.org. 60 IN A 192.0.2.1\n"},
      {"www ( 300\n IN ; (\n A\n) 192.0.2.1\n", "www.example.org. 300 IN A 192.0.2.1\n"},
      {"www ( A ( 192.0.2.1 ) )\n", "www.example.org. 60 IN A 192.0.2.1\n"},
      {"www A(192.0.2.1)\n", "www.example.org. 60 IN A 192.0.2.1\n"},
      {"www 1h30m A 192.0.2.1\n", "www.example.org. 5400 IN A 192.0.2.1\n"},
      {"www 1W2D3H4M5S A 192.0.2.1\n", "www.example.org. 788645 IN A 192.0.2.1\n"},
      {"www 2147483647 A 192.0.2.1\n", "www.example.org. 2147483647 IN A 192.0.2.1\n"},
      {"www 7 A 192.0.2.1\nx A 192.0.2.2\n$TTL 9\ny A 192.0.2.3\nz 8 A 192.0.2.4\nz2 A 192.0.2.5\n",
       "www.example.org. 7 IN A 192.0.2.1\nx.example.org. 7 IN A 192.0.2.2\ny.example.org. 9 IN A 192.0.2.3\n"
       "z.example.org. 8 IN A 192.0.2.4\nz2.example.org. 9 IN A 192.0.2.5\n"},
      {"$ORIGIN sub\nwww A 192.0.2.1\n$ORIGIN deeper\n@ A 192.0.2.2\n$origin example.org.\nx A 192.0.2.3\n",
       "deeper.sub.example.org. 60 IN A 192.0.2.2\nwww.sub.example.org. 60 IN A 192.0.2.1\n"
       "x.example.org. 60 IN A 192.0.2.3\n"},
      {"www A 192.0.2.1\nwww A 192.0.2.1\nWWW A 192.0.2.1\n", "www.example.org. 60 IN A 192.0.2.1\n"},
      {"www 50 A 192.0.2.1\nwww 40 A 192.0.2.2\nwww 70 A 192.0.2.3\n",
       "www.example.org. 40 IN A 192.0.2.1\nwww.example.org. 40 IN A 192.0.2.2\nwww.example.org. 40 IN A 192.0.2.3\n"},
      {"b A 192.0.2.2\na.b A 192.0.2.1\na A 192.0.2.3\nB A 192.0.2.4\n",
       "a.example.org. 60 IN A 192.0.2.3\nb.example.org. 60 IN A 192.0.2.2\nb.example.org. 60 IN A 192.0.2.4\n"
       "a.b.example.org. 60 IN A 192.0.2.1\n"},
      {"@ 60 IN SOA ns host 1 2 3 4 5\n", ""},  // the same again, as a zone transfer ends
  });
  for (const Case& test : cases) {
    INFO(test.text);
    const std::string got = read(test.text);
    if (std::string_view(test.expected).starts_with("unknown")) {
      CHECK(got == std::string("zone:3: ") + test.expected);
    } else {
      CHECK(got == test.expected);
    }
  }
}

TEST_CASE("zone files: without any TTL the SOA's minimum counts") {
  const auto image = tests::build_image("@ SOA ns host 1 2 3 4 77\n@ NS ns\na 5 A 192.0.2.1\nwww A 192.0.2.1\n", "zone",
                                        "example.org");
  REQUIRE(image);
  CHECK(tests::records_text(*image) ==
        "example.org. 77 IN NS ns.example.org.\n"
        "example.org. 77 IN SOA ns.example.org. host.example.org. 1 2 3 4 77\n"
        "a.example.org. 5 IN A 192.0.2.1\nwww.example.org. 77 IN A 192.0.2.1\n");
}

TEST_CASE("zone files: types") {
  const auto cases = std::to_array<Case>({
      {"AAAA 2001:DB8::1", "AAAA 2001:db8::1"},
      {"AAAA ::ffff:192.0.2.1", "AAAA ::ffff:192.0.2.1"},
      {"NS ns.other.", "NS ns.other."},
      {"CNAME @", "CNAME example.org."},
      {"CNAME .", "CNAME ."},
      {"PTR b", "PTR b.example.org."},
      {"DNAME b.", "DNAME b."},
      {"MX 10 mail", "MX 10 mail.example.org."},
      {"MX 0 .", "MX 0 ."},
      {"SRV 1 2 65535 b", "SRV 1 2 65535 b.example.org."},
      {"TXT a \"b c\" \"\" d\\ e", "TXT \"a\" \"b c\" \"\" \"d e\""},
      {"TXT \"a;b(c)\" \"quote \\\" and \\\\ and \\255\"", "TXT \"a;b(c)\" \"quote \\\" and \\\\ and \\255\""},
      {"TXT \\\"x", "TXT \"\\\"x\""},
      {"HINFO \"PC AT\" UNIX", "HINFO \"PC AT\" \"UNIX\""},
      {"RP a b", "RP a.example.org. b.example.org."},
      {"CAA 0 issue \"ca.example\"", "CAA 0 issue \"ca.example\""},
      {"CAA 128 issuewild ca.example", "CAA 128 issuewild \"ca.example\""},
      {"NAPTR 100 50 s z3950+N2L+N2C \"\" b", "NAPTR 100 50 \"s\" \"z3950+N2L+N2C\" \"\" b.example.org."},
      {"DS 60485 RSASHA1 1 ( 2BB183AF5F22588179A53B0A\n 98631FAD1A292118 )",
       "DS 60485 5 1 2bb183af5f22588179a53b0a98631fad1a292118"},
      {"DNSKEY 256 3 8 ( AwEAAc==\n)", "DNSKEY: malformed base64"},
      {"DNSKEY 256 3 8 AwEA AQ==", "DNSKEY 256 3 8 AwEAAQ=="},
      {"RRSIG A 5 3 86400 20030322173103 1046526663 2642 example.com. oJB1",
       "RRSIG A 5 3 86400 20030322173103 20030301135103 2642 example.com. oJB1"},
      {"NSEC b A MX RRSIG NSEC TYPE1234", "NSEC b.example.org. A MX RRSIG NSEC TYPE1234"},
      {"NSEC3PARAM 1 0 12 aabbccdd", "NSEC3PARAM 1 0 12 aabbccdd"},
      {"NSEC3PARAM 1 0 0 -", "NSEC3PARAM 1 0 0 -"},
      {"TLSA 3 1 1 0C72AC70B745AC19998811B131D662C9AC69DBDBE7CB23E5B514B56664C5D3D6",
       "TLSA 3 1 1 0c72ac70b745ac19998811b131d662c9ac69dbdbe7cb23e5b514b56664c5d3d6"},
      {"SSHFP 2 1 123456789abcdef67890123456789abcdef67890", "SSHFP 2 1 123456789abcdef67890123456789abcdef67890"},
      {"OPENPGPKEY AQNR", "OPENPGPKEY AQNR"},
      {"CSYNC 66 3 A NS AAAA", "CSYNC 66 3 A NS AAAA"},
      {"ZONEMD 1 1 1 c68090d90a7aed716bc459f9340e3d7c1370d4d24b7e2fc3a1ddc0b9a87153b9a9713b3c9ae5cc27777f98b8e730044c",
       "ZONEMD 1 1 1 c68090d90a7aed716bc459f9340e3d7c1370d4d24b7e2fc3a1ddc0b9a87153b9a9713b3c9ae5cc27777f98b8e730044c"},
      {"URI 10 1 \"ftp://ftp.example.com/public\"", "URI 10 1 \"ftp://ftp.example.com/public\""},
      {"CDS 0 0 0 00", "CDS 0 0 0 00"},
      {"SPF \"v=spf1 -all\"", "SPF \"v=spf1 -all\""},
      // in a text of their own
      {"LOC 42 21 54 N 71 06 18 W -24m 30m", "LOC 42 21 54.000 N 71 06 18.000 W -24m 30m 10000m 10m"},
      {"APL 1:192.168.32.0/21 !1:192.168.38.0/28", "APL 1:192.168.32.0/21 !1:192.168.38.0/28"},
      {"IPSECKEY 10 1 2 192.0.2.38 AQNR", "IPSECKEY 10 1 2 192.0.2.38 AQNR"},
      {"IPSECKEY 10 2 2 2001:db8::1 AQ NR", "IPSECKEY 10 2 2 2001:db8::1 AQNR"},
      {"IPSECKEY 10 3 2 b AQNR", "IPSECKEY 10 3 2 b.example.org. AQNR"},
      {"IPSECKEY 10 0 0 .", "IPSECKEY \\# 3 0a0000"},
      {"HIP 2 200100107b1a74df365639cc39f1d578 AQNR rvs",
       "HIP 2 200100107b1a74df365639cc39f1d578 AQNR rvs.example.org."},
      {"CERT PGP 0 0 AQNR", "CERT PGP 0 0 AQNR"},
      {"NID 10 0014:4fff:ff20:ee64", "NID 10 0014:4fff:ff20:ee64"},
      {"L32 10 10.1.2.0", "L32 10 10.1.2.0"},
      {"EUI48 00-00-5e-00-53-2a", "EUI48 00-00-5e-00-53-2a"},
      {"X25 311061700956", "X25 \"311061700956\""},
      // RFC 3597
      {"TYPE731 \\# 6 abcd ( EF 01\n 23 45 )", "TYPE731 \\# 6 abcdef012345"},
      {"TYPE62347 \\# 0", "TYPE62347 \\# 0"},
      {"A \\# 4 0A000001", "A 10.0.0.1"},
      {"TYPE1 \\# 4 0A000001", "A 10.0.0.1"},
      {"MX \\# 4 000A 0161", "MX: mail server: not an uncompressed domain name"},
      {"A \\# 3 0A0001", "A: address: cut short"},
  });
  for (const Case& test : cases) {
    INFO(test.text);
    const std::string got = read(std::string("a ") + test.text + "\n");
    if (std::string_view(test.expected).find(": ") != std::string_view::npos) {
      CHECK(got.substr(got.find(' ') + 1) == test.expected);
    } else {
      CHECK(got == std::string("a.example.org. 60 IN ") + test.expected + "\n");
    }
  }
}

TEST_CASE("zone files: SVCB and HTTPS, the vectors of RFC 9460 appendix D") {
  const auto good = std::to_array<Case>({
      {"HTTPS 0 foo.example.com.", "000003666f6f076578616d706c6503636f6d00"},
      {"SVCB 1 .", "000100"},
      {"SVCB 16 foo.example.com. port=53", "001003666f6f076578616d706c6503636f6d00000300020035"},
      {"SVCB 1 foo.example.com. key667=hello", "000103666f6f076578616d706c6503636f6d00029b000568656c6c6f"},
      {"SVCB 1 foo.example.com. key667=\"hello\\210qoo\"",
       "000103666f6f076578616d706c6503636f6d00029b000968656c6c6fd2716f6f"},
      {"SVCB 1 foo.example.com. ipv6hint=\"2001:db8::1,2001:db8::53:1\"",
       "000103666f6f076578616d706c6503636f6d00000600"
       "2020010db800000000000000000000000120010db8000000000000000000530001"},
      {"SVCB 1 example.com. ipv6hint=\"2001:db8:122:344::192.0.2.33\"",
       "0001076578616d706c6503636f6d0000060010"
       "20010db80122034400000000c0000221"},
      {"SVCB 16 foo.example.org. (alpn=h2,h3-19 mandatory=ipv4hint,alpn\n ipv4hint=192.0.2.1)",
       "001003666f6f076578616d706c65036f7267000000000400010004"
       "000100090268320568332d313900040004c0000201"},
      {"SVCB 16 foo.example.org. alpn=\"f\\\\\\\\oo\\\\,bar,h2\"",
       "001003666f6f076578616d706c65036f72670000"
       "01000c08665c6f6f2c626172026832"},
      {"SVCB 16 foo.example.org. alpn=f\\\\\\092oo\\092,bar,h2",
       "001003666f6f076578616d706c65036f72670000"
       "01000c08665c6f6f2c626172026832"},
      {"HTTPS 1 . no-default-alpn alpn=h3 ech=AEX= dohpath=/q{?dns}", "malformed parameter 'ech=AEX='"},
      {"HTTPS 1 . no-default-alpn alpn=h3 ech=AEU=", "0001000001000302683300020000000500020045"},
  });
  for (const Case& test : good) {
    INFO(test.text);
    const auto image = tests::build_image(std::string(kStart) + "a " + test.text + "\n", "zone", "example.org");
    if (std::string_view(test.expected).starts_with("malformed")) {
      REQUIRE_FALSE(image);
      CHECK(image.error().text() == std::string("zone:3: HTTPS: ") + test.expected);
      continue;
    }
    REQUIRE(image);
    dns::Query query;
    const dns::Name name = *dns::Name::parse("a.example.org");
    query.ask(name);
    query.qtype = test.text[0] == 'H' ? dns::Type::https : dns::Type::svcb;
    dns::Response response;
    zone::View(*image).answer(query, response);
    REQUIRE(response.answer.size() == 1);
    std::string hex;
    for (const std::uint8_t byte : response.answer[0].rdata) hex += fmt::format("{:02x}", byte);
    CHECK(hex == test.expected);
  }
  const auto bad = std::to_array<Case>({
      {"key123=abc key123=def", "SVCB: key123: there twice"},
      {"mandatory", "SVCB: malformed parameter 'mandatory'"},
      {"alpn", "SVCB: malformed parameter 'alpn'"},
      {"port", "SVCB: malformed parameter 'port'"},
      {"ipv4hint", "SVCB: malformed parameter 'ipv4hint'"},
      {"ipv6hint", "SVCB: malformed parameter 'ipv6hint'"},
      {"no-default-alpn=abc", "SVCB: malformed parameter 'no-default-alpn=abc'"},
      {"mandatory=key123", "SVCB: mandatory: there is no key123"},
      {"mandatory=mandatory", "SVCB: mandatory: names itself"},
      {"mandatory=key123,key123 key123=abc", "SVCB: mandatory: expected keys in order, each once"},
      {"no-default-alpn", "SVCB: no-default-alpn: there is no alpn"},
      {"key65535=x", "SVCB: expected a parameter such as alpn=h2, not 'key65535=x'"},
      {"key01=x", "SVCB: expected a parameter such as alpn=h2, not 'key01=x'"},
      {"alpn=h2,,h3", "SVCB: malformed parameter 'alpn=h2,,h3'"},
      {"port=65536", "SVCB: malformed parameter 'port=65536'"},
  });
  for (const Case& test : bad) {
    INFO(test.text);
    CHECK(read(std::string("a SVCB 1 b ") + test.text + "\n") == std::string("zone:3: ") + test.expected);
  }
}

TEST_CASE("zone files: $GENERATE") {
  const auto cases = std::to_array<Case>({
      {"$GENERATE 1-3 host$ A 192.0.2.$\n",
       "host1.example.org. 60 IN A 192.0.2.1\nhost2.example.org. 60 IN A 192.0.2.2\n"
       "host3.example.org. 60 IN A 192.0.2.3\n"},
      {"$GENERATE 0-4/2 a${1,3,d} 7 IN CNAME b${-0}.x$.\n",
       "a001.example.org. 7 IN CNAME b0.x0.\na003.example.org. 7 IN CNAME b2.x2.\n"
       "a005.example.org. 7 IN CNAME b4.x4.\n"},
      {"$GENERATE 10-10 h-${0,4,x}-${0,0,X}-${5,3,o} TXT \"v $ \\$ $$\"\n",
       "h-000a-A-017.example.org. 60 IN TXT \"v\" \"10\" \"$\" \"$\"\n"},
      {"$GENERATE 239-239 ${0,7,n} PTR ${0,3,N}\n", "f.e.0.0.example.org. 60 IN PTR F.E.example.org.\n"},
      {"$GENERATE 1-0 a$ A 192.0.2.1\n", "zone:3: $GENERATE: expected a range such as 1-100 or 0-10/2, not '1-0'"},
      {"$GENERATE 1-1000001 a$ A 192.0.2.1\n", "zone:3: $GENERATE: more than 1000000 steps"},
      {"$GENERATE 0-4294967295/4294967295 a$ TXT a\n",
       "a0.example.org. 60 IN TXT \"a\"\na4294967295.example.org. 60 IN TXT \"a\"\n"},
      // as BIND 9.18 has them
      {"$GENERATE 1-2 a${-2} A 192.0.2.1\n", "a-1.example.org. 60 IN A 192.0.2.1\na0.example.org. 60 IN A 192.0.2.1\n"},
      {"$GENERATE 1-1 a${-5,4} TXT ${-5,8,N}\n", "a-004.example.org. 60 IN TXT \"C.F.F.F.F.F.F.F\"\n"},
      {"$GENERATE 1-1 a${-5,4,x} TXT ${-5,4,o}\n", "afffffffc.example.org. 60 IN TXT \"37777777774\"\n"},
      {"$GENERATE 1-1 ${-2000,0,n} TXT x\n", "1.3.8.f.f.f.f.f.example.org. 60 IN TXT \"x\"\n"},
      {"$GENERATE 2001-2001 ${-2000,0,n} TXT x\n", "1.example.org. 60 IN TXT \"x\"\n"},
      {"$GENERATE 1-1 h-$ MX \"0 .\"\n", "h-1.example.org. 60 IN MX 0 .\n"},
      {"$GENERATE 1-1 h-$ 7 IN MX \"10 m${1,2}\"\n", "h-1.example.org. 7 IN MX 10 m02.example.org.\n"},
      {"$GENERATE 1-1 h-$ MX 10 m$\n", "h-1.example.org. 60 IN MX 10 m1.example.org.\n"},
      {"$GENERATE 1-1 h$ TXT \"a b $\"\n", "h1.example.org. 60 IN TXT \"a\" \"b\" \"1\"\n"},
      {"$GENERATE 1-1 h$ TXT \"\\\"a b\\\" $\"\n", "h1.example.org. 60 IN TXT \"a b\" \"1\"\n"},
      {"$GENERATE 1-1 h$ TXT \"a b\" \"$\"\n", "h1.example.org. 60 IN TXT \"a b\" \"1\"\n"},
      {"$GENERATE 1-1 q\\$$ TXT \\$$\n", "q$1.example.org. 60 IN TXT \"$1\"\n"},
      {"$GENERATE 1-1 q$$ TXT $$\n", "q$.example.org. 60 IN TXT \"$\"\n"},
      {"$GENERATE 0-20/7 q$ TYPE16 ${0,3,o}\n",
       "q0.example.org. 60 IN TXT \"000\"\nq14.example.org. 60 IN TXT \"016\"\nq7.example.org. 60 IN TXT \"007\"\n"},
      {"$GENERATE 1-1 q SRV \"0 5 $ ${-1}.srv\"\n", "q.example.org. 60 IN SRV 0 5 1 0.srv.example.org.\n"},
      {"$GENERATE 1-2 a TXT ${}\n", "zone:3: $GENERATE: malformed '${}'"},
      {"$GENERATE 1-2 a TXT ${1,}\n", "zone:3: $GENERATE: malformed '${1,}'"},
      {"$GENERATE 1-2 a TXT ${1\n", "zone:3: $GENERATE: malformed '${1'"},
      {"$GENERATE 1-2 a TXT ${0,1,dx}\n", "zone:3: $GENERATE: malformed '${0,1,dx}'"},
      {"$GENERATE 1-2 a TXT ${0,1,q}\n", "zone:3: $GENERATE: malformed '${0,1,q}'"},
      {"$GENERATE 1-2 a$ TXT \"a\nb A 192.0.2.1\"\n", "zone:3: $GENERATE: expected an owner, a type and data"},
      {"$GENERATE 1-2 a$ TXT \"(\"\n", "zone:3: $GENERATE: '(' is never closed"},
      {"$GENERATE 1-3/0 a$ A 192.0.2.1\n", "zone:3: $GENERATE: expected a range such as 1-100 or 0-10/2, not '1-3/0'"},
      {"$GENERATE -3-1 a$ A 192.0.2.1\n", "zone:3: $GENERATE: expected a range such as 1-100 or 0-10/2, not '-3-1'"},
      {"$GENERATE 1-2 a${x} A 192.0.2.1\n", "zone:3: $GENERATE: malformed 'a${x}'"},
      {"$GENERATE 1-2 a$\n", "zone:3: $GENERATE: expected a range, an owner, a type and data"},
      {"\n\n$GENERATE 250-260 a$ A 192.0.2.$\n", "zone:5: A: expected an IPv4 address, not '192.0.2.256'"},
  });
  for (const Case& test : cases) {
    INFO(test.text);
    CHECK(read(test.text) == test.expected);
  }
}

TEST_CASE("zone files: errors name file and line") {
  const auto cases = std::to_array<Case>({
      {"www A\n", "zone:3: A: expected an IPv4 address"},
      {"www A 1.2.3\n", "zone:3: A: expected an IPv4 address, not '1.2.3'"},
      {"www A 1.2.3.256\n", "zone:3: A: expected an IPv4 address, not '1.2.3.256'"},
      {"www A 1.2.3.04\n", "zone:3: A: expected an IPv4 address, not '1.2.3.04'"},
      {"www A 1.2.3.4 5\n", "zone:3: A: unexpected '5' at the end"},
      {"www AAAA 1.2.3.4\n", "zone:3: AAAA: expected an IPv6 address, not '1.2.3.4'"},
      {"www\n", "zone:3: a record without a type"},
      {"www 300 IN\n", "zone:3: a record without a type"},
      {"www FOO bar\n", "zone:3: unknown type 'FOO'"},
      {"www TYPE65536 \\# 0\n", "zone:3: unknown type 'TYPE65536'"},
      {"www TYPE65280 abc\n", "zone:3: TYPE65280: expected \\# and the data in hexadecimal"},
      {"www TYPE65280 \\# 2 ab\n", "zone:3: TYPE65280: 1 byte of data, not 2"},
      {"www CH A 192.0.2.1\n", "zone:3: class CH: only IN is served"},
      {"www 300 300 A 192.0.2.1\n", "zone:3: unknown type '300'"},
      {"www 1x A 192.0.2.1\n", "zone:3: '1x' is not a time in seconds"},
      {"www 1h30 A 192.0.2.1\n", "zone:3: '1h30' is not a time in seconds"},
      {"www 4294967296 A 192.0.2.1\n", "zone:3: '4294967296' is more than 4294967295 seconds"},
      {"www 99999999999999999999w A 192.0.2.1\n", "zone:3: '99999999999999999999w' is more than 4294967295 seconds"},
      {"a..b A 192.0.2.1\n", "zone:3: empty label in domain name 'a..b'"},
      {".a A 192.0.2.1\n", "zone:3: empty label in domain name '.a'"},
      {"\"\" A 192.0.2.1\n", "zone:3: a domain name is empty"},
      {"a\\256 A 192.0.2.1\n", "zone:3: malformed escape in domain name 'a\\256'"},
      {"a\\25 A 192.0.2.1\n", "zone:3: malformed escape in domain name 'a\\25'"},
      {"x MX 65536 a\n", "zone:3: MX: expected a number up to 65535, not '65536'"},
      {"x MX -1 a\n", "zone:3: MX: expected a number up to 65535, not '-1'"},
      {"x MX 10\n", "zone:3: MX: expected a domain name"},
      {"x MX 10 (\n a\n\n b )\n", "zone:6: MX: unexpected 'b' at the end"},
      {"x TXT\n", "zone:3: TXT: expected a string"},
      {"x TXT \"abc\ny A 192.0.2.1\n", "zone:3: a quoted string is never closed"},
      {"x TXT a\\\n", "zone:3: '\\' at the end of the line"},
      {"x (\n A 192.0.2.1\n", "zone:3: '(' is never closed"},
      {"x A 192.0.2.1 )\n", "zone:3: ')' without '('"},
      {"$TTL\n", "zone:3: $TTL: expected an argument"},
      {"$TTL 1 2\n", "zone:3: $TTL: unexpected '2'"},
      {"$FOO 1\n", "zone:3: unknown directive '$FOO'"},
      {"$INCLUDE /nowhere/at/all\n", "zone:3: $INCLUDE: /nowhere/at/all: No such file or directory"},
      {"x SOA ns host 1 2 3 4 5\n", "zone:3: SOA record at x.example.org., below the apex"},
      {"x OPT \\# 0\n", "zone:3: OPT cannot be in a zone"},
      {"x AXFR \\# 0\n", "zone:3: AXFR cannot be in a zone"},
      {"@ NSEC3PARAM 1 0 501 -\n", "zone:3: NSEC3PARAM: 501 iterations, more than 500"},
      {"x LOC here\n", "zone:3: LOC: expected a latitude, such as 52 22 23.000 N, not 'here'"},
      // about the zone as a whole
      {"@ SOA ns host 2 2 3 4 5\n", "zone:3: 2 SOA records at example.org."},
      {"x CNAME a\nx A 192.0.2.1\n", "zone:4: x.example.org. has a CNAME and other records"},
      {"x CNAME a\nx CNAME b\n", "zone:4: x.example.org. has 2 CNAME records"},
      {"x CNAME a\nX CNAME A\n", "x.example.org. 60 IN CNAME a.example.org.\n"},
      {"x DNAME a\nx DNAME b\n", "zone:4: x.example.org. has 2 DNAME records"},
      {"x CNAME a\nx DNAME b\n", "zone:4: x.example.org. has a CNAME and other records"},
      {"x NSEC3 1 0 0 - 2vptu5timamqttgl4luu9kg21e0aor3s\n",
       "zone:3: x.example.org. has an NSEC3 record, but is no hash of a name"},
  });
  for (const Case& test : cases) {
    INFO(test.text);
    CHECK(read(test.text) == test.expected);
  }
}

TEST_CASE("zone files: strings that join, quotes over lines, marks and line ends of other systems") {
  const auto cases = std::to_array<Case>({
      {"x TXT \"a\"b\n", "\"a\" \"b\""},
      {"x TXT x\"y\"\n", "\"x\" \"y\""},
      {"x TXT \"a\"\"b\"c\"d\"\n", "\"a\" \"b\" \"c\" \"d\""},
      {"x TXT k=\"b c\"\n", "\"k=\" \"b c\""},
      {"x TXT k=\"b c\"d\"e\"\n", "\"k=\" \"b c\" \"d\" \"e\""},
      {"x TXT \"\"x\"\"\n", "\"\" \"x\" \"\""},
      {"x TXT (\"a\"\"b\")\n", "\"a\" \"b\""},
      {"x TXT \"a\";b\n", "\"a\""},
      {"x TXT ( \"a\nb\" )\n", "\"a\\010b\""},
      {"x TXT \"a\nb\" c\n", "\"a\\010b\" \"c\""},
      {"x TXT \"a\\\nb\"\n", "\"a\\010b\""},
      {"x TXT \"a\\\"b\"\n", "\"a\\\"b\""},
      {"\rx\tTXT\fa\r", "\"a\""},
      {"; one\rx TXT a ; two\r; three\r", "\"a\""},
      {"x TXT a\r\n\x0c\n\r\n", "\"a\""},
      {"x TXT a\r\r\n", "\"a\""},
  });
  for (const Case& test : cases) {
    INFO(test.text);
    CHECK(read(test.text) == fmt::format("x.example.org. 60 IN TXT {}\n", test.expected));
  }
  CHECK(read(std::string_view("x TXT a\0b \"\0\"\n", 14)) == "x.example.org. 60 IN TXT \"a\\000b\" \"\\000\"\n");
  CHECK(read("x TXT a\\\n") == "zone:3: '\\' at the end of the line");
  CHECK(read("x TXT a\\\r\n") == "zone:3: '\\' at the end of the line");
  const auto image = tests::build_image("\xEF\xBB\xBF@ SOA a. b. 1 2 3 4 5\n@ NS a.\n", "zone", "example.org");
  REQUIRE(image);
}

TEST_CASE("zone files: warnings, each with its line, and what is served nevertheless") {
  const auto cases = std::to_array<Case>({
      {"ok A 192.0.2.1\n", ""},
      {"a.other. A 192.0.2.1\n  TXT x\nx A 192.0.2.1\n",
       "zone:3: a.other. is outside the zone example.org.; left out\n"
       "zone:4: a.other. is outside the zone example.org.; left out\n"},
      {"x 2147483648 A 192.0.2.1\ny 3551w A 192.0.2.1\n$TTL 4294967295\nz A 192.0.2.1\n",
       "zone:3: the TTL 2147483648 is more than 2147483647 seconds; taken as 0\n"
       "zone:4: the TTL 2147644800 is more than 2147483647 seconds; taken as 0\n"
       "zone:5: the TTL 4294967295 is more than 2147483647 seconds; taken as 0\n"},
      {"x 50 A 192.0.2.1\nx 40 A 192.0.2.2\nx 70 A 192.0.2.3\nx 30 TXT x\n",
       "zone:4: the TTLs of x.example.org. A differ; all get the lowest, 40\n"},
      {"x TXT (\n\"a\n\n b\"\n c )\nx TXT d\n", "zone:4: a quoted string goes on after the end of its line\n"},
      {"x DNAME a.\na.x A 192.0.2.1\nb.a.x TXT x\n",
       "zone:4: a.x.example.org. A is below the DNAME of x.example.org., and so in no answer\n"
       "zone:5: b.a.x.example.org. TXT is below the DNAME of x.example.org., and so in no answer\n"},
      {"x NS ns.x\nx TXT a\nns.x A 192.0.2.1\nmx.x MX 1 a.\ny.x NS a.\n",
       "zone:4: x.example.org. TXT is at the delegation x.example.org., and so in no answer\n"
       "zone:6: mx.x.example.org. MX is below the delegation x.example.org., and so in no answer\n"
       "zone:7: y.x.example.org. NS is below the delegation x.example.org., and so in no answer\n"},
      {"@ NS a\n@ NS b\na CNAME c\nc A 192.0.2.1\nb TXT x\n@ MX 1 a\n@ MX 2 d\n_s._tcp SRV 1 2 3 a\n@ MX 3 c\n",
       "zone:3: example.org. NS: a.example.org. is an alias (CNAME)\n"
       "zone:4: example.org. NS: b.example.org. has no address in the zone\n"
       "zone:8: example.org. MX: a.example.org. is an alias (CNAME)\n"
       "zone:9: example.org. MX: d.example.org. has no address in the zone\n"
       "zone:10: _s._tcp.example.org. SRV: a.example.org. is an alias (CNAME)\n"},
      {"*.x NS a.\n@ DS 1 13 2 0123456789012345678901234567890123456789012345678901234567890123\n",
       "zone:3: *.x.example.org. NS delegates no name but the asterisk's own\n"
       "zone:4: example.org. DS belongs into the zone above\n"},
      // what lies in another zone, null MX, wildcards, glue
      {"x NS ns.x\nx NS ns.y\ny NS ns.y\nns.x A 192.0.2.1\n@ MX 0 .\na MX 1 m.x\n*.w A 192.0.2.1\nb MX 1 a.w\n",
       "zone:5: y.example.org. NS: ns.y.example.org. has no address in the zone\n"},
      {"x CAA 1 issue \";\"\ny HTTPS 0 a.example. port=1\n",
       "zone:3: x.example.org. CAA: flags: only 128 (critical) has a meaning\n"
       "zone:4: y.example.org. HTTPS: parameters: without effect where the priority is 0\n"},
      {"x DNAME a.\n@ MX 1 m.x\n", "zone:4: example.org. MX: m.x.example.org. is below a DNAME, and so an alias\n"},
  });
  for (const Case& test : cases) {
    INFO(test.text);
    CHECK(warnings(test.text) == test.expected);
  }
  std::string outside;
  for (int i = 0; i < 9; ++i) outside += fmt::format("{}.other. A 192.0.2.1\n", i);
  const std::string many = warnings(outside);
  CHECK(std::ranges::count(many, '\n') == 5);
  CHECK(many.ends_with("zone:7: 4.other. is outside the zone example.org.; left out; and 4 more\n"));
  CHECK(warnings(std::string_view("a TXT x\nx TXT a\0b\n", 18)) == "zone:4: a NUL byte, taken as it is\n");
  zone::Builder builder(*dns::Name::parse("example.org"));
  REQUIRE(read_text("\n@ 60 SOA a. b. 1 2 3 4 5\n", "zone", *dns::Name::parse("example.org"), builder));
  CHECK(builder.report().warnings() == std::vector<std::string>{"zone:2: no NS record at example.org."});
}

TEST_CASE("zone files: warnings about signatures and chains") {
  const auto sig = [](std::string_view owner, std::string_view type, std::string_view times) {
    return fmt::format("{} RRSIG {} 13 2 60 {} 7 @ AQNR\n", owner, type, times);
  };
  constexpr std::string_view kGood = "20270101000000 20260101000000";
  CHECK(warnings(sig("@", "SOA", kGood)) == "");  // without NSEC the zone does not count as signed
  CHECK(warnings(sig("@", "SOA", "20261118000000 20260101000000") + sig("@", "NS", "20261125000000 20260101000000") +
                 sig("a", "A", "20270101000000 20261201000000") + sig("b", "A", "20261126163000 20260101000000")) ==
        "zone:3: the signature of example.org. SOA expired on 2026-11-18 00:00 UTC\n"
        "zone:4: the signature of example.org. NS expires within 7 days, on 2026-11-25 00:00 UTC\n"
        "zone:5: the signature of a.example.org. A is not valid before 2026-12-01 00:00 UTC\n");
  // The asterisk does not count (RFC 4034 section 3.1.3).
  const auto with_labels = [](std::string_view owner, unsigned labels) {
    return fmt::format("{} RRSIG A 13 {} 60 20270101000000 20260101000000 7 @ AQNR\n", owner, labels);
  };
  CHECK(warnings(with_labels("a", 3) + with_labels("b", 2) + with_labels("*.c", 3)) == "");
  CHECK(warnings(with_labels("a", 4) + with_labels("*.c", 4)) ==
        "zone:3: the signature of a.example.org. A says 4 labels, but the name has 3\n"
        "zone:4: the signature of *.c.example.org. A says 4 labels, but the name has 3\n");
  const auto signed_zone = [&](std::string_view apex_next, std::string_view a_next, std::string_view a_types) {
    return sig("@", "SOA", kGood) + sig("@", "NS", kGood) + fmt::format("@ NSEC {} NS SOA RRSIG NSEC\n", apex_next) +
           sig("@", "NSEC", kGood) + "a A 192.0.2.1\n" + sig("a", "A", kGood) +
           fmt::format("a NSEC {} {} RRSIG NSEC\n", a_next, a_types) + sig("a", "NSEC", kGood) +
           "d NS ns.d\nns.d A 192.0.2.3\nd NSEC @ NS RRSIG NSEC\n" + sig("d", "NSEC", kGood);
  };
  CHECK(warnings(signed_zone("a", "d", "A")) == "");
  CHECK(warnings(signed_zone("b", "d", "A")) ==
        "zone:5: broken chain: the NSEC record of example.org. says that b.example.org. is next, but that is "
        "a.example.org.\n");
  CHECK(warnings(signed_zone("a", "@", "A")) ==
        "zone:9: broken chain: the NSEC record of a.example.org. says that example.org. is next, but that is "
        "d.example.org.\n");
  CHECK(warnings(signed_zone("a", "d", "TXT")) == "zone:9: a.example.org. A exists, but is denied here\n");
  CHECK(warnings(signed_zone("a", "d", "A") + "c TXT x\na TXT y\n") ==
        "zone:9: a.example.org. TXT exists, but is denied here\n"
        "zone:15: c.example.org. has no NSEC record, in a zone with NSEC\n"
        "zone:15: c.example.org. TXT has no signature, in a signed zone\n"
        "zone:16: a.example.org. TXT has no signature, in a signed zone\n");
}

TEST_CASE("zone files: all errors are said together, up to 20") {
  zone::Builder builder(*dns::Name::parse("example.org"));
  std::string text = std::string(kStart) + "a FOO x\nb A 1\nc A 192.0.2.1\nd CNAME a\nd CNAME b\n";
  const auto error = [&](zone::Builder& into) {
    return read_text(text, "zone", *dns::Name::parse("example.org"), into).error().text();
  };
  CHECK(error(builder) == "zone:3: unknown type 'FOO'; and 2 more errors");
  CHECK(builder.report().errors() == std::vector<std::string>{"zone:3: unknown type 'FOO'",
                                                              "zone:4: A: expected an IPv4 address, not '1'",
                                                              "zone:7: d.example.org. has 2 CNAME records"});
  for (int i = 0; i < 30; ++i) text += "x FOO y\n";
  zone::Builder many(*dns::Name::parse("example.org"));
  CHECK(error(many) == "zone:3: unknown type 'FOO'; and more errors");
  CHECK(many.report().errors().size() == 20);
  CHECK(many.report().errors().back() == "zone:25: unknown type 'FOO'");
  text = "@ SAO ns host 1 2 3 4 5\n";  // nor is it said that there is no SOA
  zone::Builder one(*dns::Name::parse("example.org"));
  CHECK(error(one) == "zone:1: unknown type 'SAO'");
}

TEST_CASE("zone files: a SOA with fields missing says so, at its line") {
  const auto error = [](std::string_view text) {
    const auto image = tests::build_image(text, "zone", "example.org");
    return image ? std::string("none") : image.error().text();
  };
  const std::string expected = "SOA: expected the name server, the mailbox, serial, refresh, retry, expire and minimum";
  CHECK(error("\n@ 60 SOA ns 1 7200 3600 1209600 300\n") == "zone:2: " + expected + ": the mailbox is missing");
  CHECK(error("@ 60 SOA ns (\n 1\n 7200\n 3600\n 1209600\n 300 )\n") ==
        "zone:1: " + expected + ": the mailbox is missing");
  CHECK(error("@ 60 SOA ns host 1 7200 3600 300\n") == "zone:1: " + expected + ", 7 fields, not 6");
  CHECK(error("@ 60 SOA\n") == "zone:1: " + expected + ", 7 fields, not 0");
  CHECK(error("@ 60 SOA ns host 1 2 3 4 5 6\n") == "zone:1: " + expected + ", 7 fields, not 8");
}

TEST_CASE("zone files: what a zone needs") {
  const auto error = [](std::string_view text) {
    const auto image = tests::build_image(text, "some/zone", "example.org");
    return image ? std::string("none") : image.error().text();
  };
  CHECK(error("") == "some/zone: no SOA record at example.org.");
  CHECK(error("a 60 A 192.0.2.1\n") == "some/zone: no SOA record at example.org.");
  CHECK(error("@ SOA ns host 1 2 3 4 5\n") == "none");
  CHECK(error("$ORIGIN other.\n@ SOA ns host 1 2 3 4 5\n@ NS ns\n") ==
        "some/zone: no SOA record at example.org.; 2 records outside the zone");
  CHECK(error(" 60 A 192.0.2.1\n") == "some/zone:1: the first record has no owner");
  CHECK(error("a A 192.0.2.1\n") == "some/zone:1: a record without a TTL, and no $TTL or other TTL before it");
  CHECK(error("\xFF\xFE@\0 \0") == "some/zone:1: the file is in UTF-16; expected ASCII or UTF-8");
  CHECK(error("@ SOA ns host 1 2 3 4 5\n@ NS ns\n") == "none");
}

TEST_CASE("zone files: long names and large records") {
  const std::string label(63, 'a');
  CHECK(read(label + " A 192.0.2.1\n") == label + ".example.org. 60 IN A 192.0.2.1\n");
  CHECK(read(label + "a A 192.0.2.1\n") == "zone:3: label of more than 63 bytes in domain name '" + label + "a'");
  const std::string long_name = label + "." + label + "." + label;  // 192 bytes
  const std::string rest(254 - 192 - 13, 'b');                      // and a length byte: 255 with example.org.
  CHECK(read(long_name + "." + rest + " A 192.0.2.1\n") ==
        long_name + "." + rest + ".example.org. 60 IN A 192.0.2.1\n");
  CHECK(read(long_name + "." + rest + "b A 192.0.2.1\n") ==
        "zone:3: domain name of more than 255 bytes: '" + long_name + "." + rest + "b'");
  CHECK(read("a TXT \"" + std::string(256, 'x') + "\"\n") == "zone:3: TXT: a string of 256 bytes, more than 255");
  std::string strings = "a TXT";
  for (int i = 0; i < 255; ++i) strings += " \"" + std::string(255, 'x') + "\"";
  CHECK(read(strings + "\n").size() > 65000);
  CHECK(read(strings + " " + std::string(255, 'x') + "\n") == "zone:3: TXT: more than 65535 bytes of data");
}

TEST_CASE("zone files: $INCLUDE") {
  const auto folder = std::filesystem::temp_directory_path() / fmt::format("swage-zone-file-test-{}", getpid());
  std::filesystem::create_directories(folder / "sub");
  const auto write = [&](const char* name, std::string_view text) { std::ofstream(folder / name) << text; };
  const auto load = [&]() -> std::string {
    zone::Builder builder(*dns::Name::parse("example.org"));
    const auto done = read_file((folder / "zone").string(), *dns::Name::parse("example.org"), builder);
    if (!done) return done.error().text();
    std::vector<std::uint64_t> image(builder.image_size() / 8);
    const MutableBytes bytes(reinterpret_cast<std::uint8_t*>(image.data()), image.size() * 8);
    builder.write(bytes);
    const std::string text = tests::records_text(bytes);
    return text.substr(text.find("2 3 4 5\n") + 8);
  };
  write("zone", std::string(kStart) + "a A 192.0.2.1\n$INCLUDE sub/one deeper\n  A 192.0.2.3\nc A 192.0.2.4\n");
  write("sub/one", "b A 192.0.2.2\n$ORIGIN elsewhere.example.org.\n$INCLUDE \"two\"\n");
  write("sub/two", "@ TXT two\n");
  CHECK(load() ==
        "a.example.org. 60 IN A 192.0.2.1\na.example.org. 60 IN A 192.0.2.3\nc.example.org. 60 IN A 192.0.2.4\n"
        "b.deeper.example.org. 60 IN A 192.0.2.2\nelsewhere.example.org. 60 IN TXT \"two\"\n");
  write("sub/two", "\n@ A here\n");
  CHECK(load() == (folder / "sub/two:2: A: expected an IPv4 address, not 'here'").string());
  write("sub/two", "$INCLUDE two\n");
  CHECK(load() == (folder / "sub/two:1: $INCLUDE: files are nested more than 16 deep").string());
  write("sub/two", "$INCLUDE ../sub\n");
  CHECK(load() == fmt::format("{0}/sub/two:1: $INCLUDE: {0}/sub/../sub: is not a regular file", folder.string()));
  // The first record of a file without an owner has that of the record before (RFC 1035 section 5.1).
  write("zone", std::string(kStart) + "w TXT a\n$INCLUDE sub/two\n  A 192.0.2.3\n$INCLUDE sub/two deeper\n");
  write("sub/two", "\xEF\xBB\xBF  A 192.0.2.2\n$ORIGIN q\nz A 192.0.2.4");
  CHECK(load() ==
        "z.q.deeper.example.org. 60 IN A 192.0.2.4\nz.q.example.org. 60 IN A 192.0.2.4\n"
        "w.example.org. 60 IN A 192.0.2.2\nw.example.org. 60 IN A 192.0.2.3\nw.example.org. 60 IN TXT \"a\"\n");
  // Lines of records are those of their own file, before and after it.
  write("zone", std::string(kStart) + "w CNAME a\n$INCLUDE sub/two\nx CNAME a\nx A 192.0.2.1\n");
  write("sub/two", "\n\n\nw A 192.0.2.2\n");
  CHECK(load() ==
        fmt::format("{0}/sub/two:4: w.example.org. has a CNAME and other records; and 1 more error", folder.string()));
  write("sub/two", "\n");
  CHECK(load() == fmt::format("{0}/zone:6: x.example.org. has a CNAME and other records", folder.string()));
  // A file that includes a file a hundred times, 99 times: 9,999 files; and once more.
  std::string hundred;
  for (int i = 0; i < 100; ++i) hundred += "$INCLUDE two\n";
  write("sub/one", hundred);
  write("sub/two", "");
  std::string times;
  for (int i = 0; i < 99; ++i) times += "$INCLUDE sub/one\n";
  write("zone", std::string(kStart) + times + "a A 192.0.2.1\n");
  CHECK(load() == "a.example.org. 60 IN A 192.0.2.1\n");
  write("zone", std::string(kStart) + times + "$INCLUDE sub/one\n");
  CHECK(load() == (folder / "sub/one:1: $INCLUDE: more than 10000 files").string());
  std::filesystem::remove(folder / "zone");
  CHECK(load() == (folder / "zone: No such file or directory").string());
  std::filesystem::remove_all(folder);
}

}  // namespace
}  // namespace swage::zonefile
