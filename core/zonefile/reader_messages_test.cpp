// Errors and warnings of zone files, with their lines.
#include "core/zonefile/reader.h"

#include <array>
#include <catch2/catch.hpp>
#include <string>

#include <fmt/format.h>

#include "tests/support/zone_answers.h"

namespace swage::zonefile {
namespace {

using tests::records_besides;

struct Case {
  const char* text;
  const char* expected;
};

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
      {"x TXT \"abc\ny A 192.0.2.1\n",
       "zone:3: a quoted string is never closed; write \" at its end, and \\\" for a quote in it"},
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
      {"@ SOA ns host 2 2 3 4 5\n", "zone:3: 2 SOA records at example.org.; leave one"},
      {"x CNAME a\nx A 192.0.2.1\n",
       "zone:4: x.example.org. has a CNAME and other records; write the A and AAAA records of its target instead"},
      {"x CNAME a\nx CNAME b\n", "zone:4: x.example.org. has 2 CNAME records; leave one"},
      {"x CNAME a\nX CNAME A\n", "x.example.org. 60 IN CNAME a.example.org.\n"},
      {"x DNAME a\nx DNAME b\n", "zone:4: x.example.org. has 2 DNAME records"},
      {"x CNAME a\nx DNAME b\n",
       "zone:4: x.example.org. has a CNAME and other records; write the A and AAAA records of its target instead"},
      {"x NSEC3 1 0 0 - 2vptu5timamqttgl4luu9kg21e0aor3s\n",
       "zone:3: x.example.org. has an NSEC3 record, but is not the hash of a name"},
  });
  for (const Case& test : cases) {
    INFO(test.text);
    CHECK(records_besides(test.text) == test.expected);
  }
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
       "zone:4: a.x.example.org. A is below the DNAME of x.example.org., so no answer shows it\n"
       "zone:5: b.a.x.example.org. TXT is below the DNAME of x.example.org., so no answer shows it\n"},
      {"x NS ns.x\nx TXT a\nns.x A 192.0.2.1\nmx.x MX 1 a.\ny.x NS a.\n",
       "zone:4: x.example.org. TXT is at the delegation x.example.org., so no answer shows it\n"
       "zone:6: mx.x.example.org. MX is below the delegation x.example.org., so no answer shows it\n"
       "zone:7: y.x.example.org. NS is below the delegation x.example.org., so no answer shows it\n"},
      {"@ NS a\n@ NS b\na CNAME c\nc A 192.0.2.1\nb TXT x\n@ MX 1 a\n@ MX 2 d\n_s._tcp SRV 1 2 3 a\n@ MX 3 c\n",
       "zone:3: example.org. NS: a.example.org. is an alias (CNAME)\n"
       "zone:4: example.org. NS: b.example.org. has no address in the zone\n"
       "zone:8: example.org. MX: a.example.org. is an alias (CNAME)\n"
       "zone:9: example.org. MX: d.example.org. has no address in the zone\n"
       "zone:10: _s._tcp.example.org. SRV: a.example.org. is an alias (CNAME)\n"},
      {"*.x NS a.\n@ DS 1 13 2 0123456789012345678901234567890123456789012345678901234567890123\n",
       "zone:3: *.x.example.org. NS delegates only the name with the asterisk itself\n"
       "zone:4: example.org. DS belongs in the zone above\n"},
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
        "zone:3: the signature of a.example.org. A covers 4 labels, but the name has 3\n"
        "zone:4: the signature of *.c.example.org. A covers 4 labels, but the name has 3\n");
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

TEST_CASE("zone files: all errors are reported together, up to 20") {
  zone::Builder builder(*dns::Name::parse("example.org"));
  std::string text = std::string(tests::kZoneStart) + "a FOO x\nb A 1\nc A 192.0.2.1\nd CNAME a\nd CNAME b\n";
  const auto error = [&](zone::Builder& into) {
    return read_text(text, "zone", *dns::Name::parse("example.org"), into).error().text();
  };
  CHECK(error(builder) == "zone:3: unknown type 'FOO'; and 2 more errors");
  CHECK(builder.report().errors() == std::vector<std::string>{"zone:3: unknown type 'FOO'",
                                                              "zone:4: A: expected an IPv4 address, not '1'",
                                                              "zone:7: d.example.org. has 2 CNAME records; leave one"});
  for (int i = 0; i < 30; ++i) text += "x FOO y\n";
  zone::Builder many(*dns::Name::parse("example.org"));
  CHECK(error(many) == "zone:3: unknown type 'FOO'; and more errors");
  CHECK(many.report().errors().size() == 20);
  CHECK(many.report().errors().back() == "zone:25: unknown type 'FOO'");
  text = "@ SAO ns host 1 2 3 4 5\n";  // a missing SOA is not reported too
  zone::Builder one(*dns::Name::parse("example.org"));
  CHECK(error(one) == "zone:1: unknown type 'SAO'");
}

// Found by fuzzing: the next record took the bytes of the malformed name for the last good one, and read past its end.
TEST_CASE("zone files: records below a malformed owner are not those of the owner before it") {
  const std::string label(64, 'o');
  CHECK(records_besides("x A 192.0.2.1\n" + label + " A 192.0.2.2\n  AAAA ::1\n") ==
        fmt::format("zone:4: label of more than 63 bytes in domain name '{}'", label));
  CHECK(records_besides("a..b A 192.0.2.2\n  AAAA ::1\nc CNAME d\ne..f A 192.0.2.1\n A 192.0.2.2\n") ==
        "zone:3: empty label in domain name 'a..b'; and 1 more error");
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

}  // namespace
}  // namespace swage::zonefile
