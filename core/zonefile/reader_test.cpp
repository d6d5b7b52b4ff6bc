// What zone files hold. Their errors and warnings are tested in reader_messages_test.cpp.
#include "core/zonefile/reader.h"

#include <array>
#include <catch2/catch.hpp>
#include <filesystem>
#include <fstream>
#include <string>

#include <fmt/format.h>

#include "core/zone/view.h"
#include "tests/support/zone_answers.h"

namespace swage::zonefile {
namespace {

using tests::records_besides;

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
    const std::string got = records_besides(test.text);
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
    const std::string got = records_besides(std::string("a ") + test.text + "\n");
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
    const auto image =
        tests::build_image(std::string(tests::kZoneStart) + "a " + test.text + "\n", "zone", "example.org");
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
      {"mandatory=key123", "SVCB: mandatory: key123 is missing"},
      {"mandatory=mandatory", "SVCB: mandatory: names itself"},
      {"mandatory=key123,key123 key123=abc", "SVCB: mandatory: expected keys in order, each once"},
      {"no-default-alpn", "SVCB: no-default-alpn: needs alpn"},
      {"key65535=x", "SVCB: expected a parameter such as alpn=h2, not 'key65535=x'"},
      {"key01=x", "SVCB: expected a parameter such as alpn=h2, not 'key01=x'"},
      {"alpn=h2,,h3", "SVCB: malformed parameter 'alpn=h2,,h3'"},
      {"port=65536", "SVCB: malformed parameter 'port=65536'"},
  });
  for (const Case& test : bad) {
    INFO(test.text);
    CHECK(records_besides(std::string("a SVCB 1 b ") + test.text + "\n") == std::string("zone:3: ") + test.expected);
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
    CHECK(records_besides(test.text) == test.expected);
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
    CHECK(records_besides(test.text) == fmt::format("x.example.org. 60 IN TXT {}\n", test.expected));
  }
  CHECK(records_besides(std::string_view("x TXT a\0b \"\0\"\n", 14)) ==
        "x.example.org. 60 IN TXT \"a\\000b\" \"\\000\"\n");
  CHECK(records_besides("x TXT a\\\n") == "zone:3: '\\' at the end of the line");
  CHECK(records_besides("x TXT a\\\r\n") == "zone:3: '\\' at the end of the line");
  const auto image = tests::build_image("\xEF\xBB\xBF@ SOA a. b. 1 2 3 4 5\n@ NS a.\n", "zone", "example.org");
  REQUIRE(image);
}

TEST_CASE("zone files: long names and large records") {
  const std::string label(63, 'a');
  CHECK(records_besides(label + " A 192.0.2.1\n") == label + ".example.org. 60 IN A 192.0.2.1\n");
  CHECK(records_besides(label + "a A 192.0.2.1\n") ==
        "zone:3: label of more than 63 bytes in domain name '" + label + "a'");
  const std::string long_name = label + "." + label + "." + label;  // 192 bytes
  const std::string rest(254 - 192 - 13, 'b');                      // and a length byte: 255 with example.org.
  CHECK(records_besides(long_name + "." + rest + " A 192.0.2.1\n") ==
        long_name + "." + rest + ".example.org. 60 IN A 192.0.2.1\n");
  CHECK(records_besides(long_name + "." + rest + "b A 192.0.2.1\n") ==
        "zone:3: domain name of more than 255 bytes: '" + long_name + "." + rest + "b'");
  CHECK(records_besides("a TXT \"" + std::string(256, 'x') + "\"\n") ==
        "zone:3: TXT: a string of 256 bytes, more than 255; write several: \"...\" \"...\"");
  std::string strings = "a TXT";
  for (int i = 0; i < 255; ++i) strings += " \"" + std::string(255, 'x') + "\"";
  CHECK(records_besides(strings + "\n").size() > 65000);
  CHECK(records_besides(strings + " " + std::string(255, 'x') + "\n") == "zone:3: TXT: more than 65535 bytes of data");
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
  write("zone",
        std::string(tests::kZoneStart) + "a A 192.0.2.1\n$INCLUDE sub/one deeper\n  A 192.0.2.3\nc A 192.0.2.4\n");
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
  write("zone", std::string(tests::kZoneStart) + "w TXT a\n$INCLUDE sub/two\n  A 192.0.2.3\n$INCLUDE sub/two deeper\n");
  write("sub/two", "\xEF\xBB\xBF  A 192.0.2.2\n$ORIGIN q\nz A 192.0.2.4");
  CHECK(load() ==
        "z.q.deeper.example.org. 60 IN A 192.0.2.4\nz.q.example.org. 60 IN A 192.0.2.4\n"
        "w.example.org. 60 IN A 192.0.2.2\nw.example.org. 60 IN A 192.0.2.3\nw.example.org. 60 IN TXT \"a\"\n");
  // Lines of records are those of their own file, before and after it.
  write("zone", std::string(tests::kZoneStart) + "w CNAME a\n$INCLUDE sub/two\nx CNAME a\nx A 192.0.2.1\n");
  write("sub/two", "\n\n\nw A 192.0.2.2\n");
  CHECK(load() == fmt::format("{0}/sub/two:4: w.example.org. has a CNAME and other records; write the A and AAAA "
                              "records of its target instead; and 1 more error",
                              folder.string()));
  write("sub/two", "\n");
  CHECK(load() == fmt::format("{0}/zone:6: x.example.org. has a CNAME and other records; write the A and AAAA records "
                              "of its target instead",
                              folder.string()));
  // A file that includes a file a hundred times, 99 times: 9,999 files; and once more.
  std::string hundred;
  for (int i = 0; i < 100; ++i) hundred += "$INCLUDE two\n";
  write("sub/one", hundred);
  write("sub/two", "");
  std::string times;
  for (int i = 0; i < 99; ++i) times += "$INCLUDE sub/one\n";
  write("zone", std::string(tests::kZoneStart) + times + "a A 192.0.2.1\n");
  CHECK(load() == "a.example.org. 60 IN A 192.0.2.1\n");
  write("zone", std::string(tests::kZoneStart) + times + "$INCLUDE sub/one\n");
  CHECK(load() == (folder / "sub/one:1: $INCLUDE: more than 10000 files").string());
  std::filesystem::remove(folder / "zone");
  CHECK(load() == (folder / "zone: No such file or directory").string());
  std::filesystem::remove_all(folder);
}

}  // namespace
}  // namespace swage::zonefile
