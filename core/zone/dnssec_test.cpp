// Answers from signed zones: RFC 4035 section 3.1 and appendix B, RFC 5155 section 7.2 and appendix B.
#include "core/dns/nsec3_hash.h"
#include "core/zone/all_records.h"
#include "core/zone/builder.h"
#include "core/zone/view.h"

#include <array>
#include <catch2/catch.hpp>
#include <random>
#include <set>
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

// RRSIGs without what follows the type that they cover, and without double blanks.
std::string shorten(const std::string& text) {
  std::string result;
  for (std::size_t at = 0; at < text.size();) {
    const std::size_t end = text.find('\n', at);
    std::string line = text.substr(at, end - at);
    const bool optional = line.ends_with(" (optional)");
    if (const std::size_t rrsig = line.find(" IN RRSIG "); rrsig != std::string::npos) {
      line.resize(line.find(' ', rrsig + 10));
      if (optional) line += " (optional)";
    }
    while (line.find("  ") != std::string::npos) line.erase(line.find("  "), 1);
    result += line + '\n';
    at = end + 1;
  }
  return result;
}

template <std::size_t N>
void check(const tests::TestZone& zone, const std::array<Case, N>& cases, bool dnssec_ok = true) {
  for (const Case& test : cases) {
    INFO(test.qname << " " << test.qtype);
    CHECK(shorten(zone.ask(test.qname, test.qtype, dnssec_ok)) == test.expected);
  }
}

#define SIGNED(owner, type, data) owner " 3600 IN " type " " data "\n" owner " 3600 IN RRSIG " type "\n"
#define XX_GLUE                                                                                          \
  "-- additional\nxx.example. 3600 IN A 192.0.2.10 (optional)\nxx.example. 3600 IN RRSIG A (optional)\n" \
  "xx.example. 3600 IN AAAA 2001:db8::f00:baaa (optional)\nxx.example. 3600 IN RRSIG AAAA (optional)\n"
#define AI_GLUE                                                                                         \
  "-- additional\nai.example. 3600 IN A 192.0.2.9 (optional)\nai.example. 3600 IN RRSIG A (optional)\n" \
  "ai.example. 3600 IN AAAA 2001:db8::f00:baa9 (optional)\nai.example. 3600 IN RRSIG AAAA (optional)\n"

TEST_CASE("zone with NSEC: the examples of RFC 4035 appendix B") {
#define SOA SIGNED("example.", "SOA", "ns1.example. bugs.x.w.example. 1081539377 3600 300 3600000 3600")
#define NSEC_APEX SIGNED("example.", "NSEC", "a.example. NS SOA MX RRSIG NSEC DNSKEY")
#define NSEC_B SIGNED("b.example.", "NSEC", "ns1.example. NS RRSIG NSEC")
#define NSEC_NS1 SIGNED("ns1.example.", "NSEC", "ns2.example. A RRSIG NSEC")
#define NSEC_NS2 SIGNED("ns2.example.", "NSEC", "*.w.example. A RRSIG NSEC")
#define NSEC_WILD SIGNED("*.w.example.", "NSEC", "x.w.example. MX RRSIG NSEC")
#define NSEC_XYW SIGNED("x.y.w.example.", "NSEC", "xx.example. MX RRSIG NSEC")
  const auto zone = tests::TestZone::from_file("tests/support/zones/rfc4035.zone", "example");
  check(
      zone,
      std::to_array<Case>({
          {"x.w.example.", "MX", "NOERROR aa\n" SIGNED("x.w.example.", "MX", "1 xx.example.") XX_GLUE},  // B.1
          {"ml.example.", "A", "NXDOMAIN aa\n-- authority\n" SOA NSEC_B NSEC_APEX},                      // B.2
          {"ns1.example.", "MX", "NOERROR aa\n-- authority\n" SOA NSEC_NS1},                             // B.3
          {"mc.a.example.", "MX",                                                                        // B.4
           "NOERROR\n-- authority\na.example. 3600 IN NS ns1.a.example.\na.example. 3600 IN NS ns2.a.example.\n" SIGNED(
               "a.example.", "DS",
               "57855 5 1 b6dcd485719adca18e5f3d48a2331627fdd3636b") "-- additional\nns1.a.example. 3600 IN A "
                                                                     "192.0.2.5\nns2.a.example. 3600 IN A "
                                                                     "192.0.2.6\n"},
          {"mc.b.example.", "MX",  // B.5
           "NOERROR\n-- authority\nb.example. 3600 IN NS ns1.b.example.\nb.example. 3600 IN NS "
           "ns2.b.example.\n" NSEC_B
           "-- additional\nns1.b.example. 3600 IN A 192.0.2.7\nns2.b.example. 3600 IN A 192.0.2.8\n"},
          {"a.z.w.example.", "MX",  // B.6
           "NOERROR aa\n" SIGNED("a.z.w.example.", "MX", "1 ai.example.") "-- authority\n" NSEC_XYW AI_GLUE},
          {"a.z.w.example.", "AAAA", "NOERROR aa\n-- authority\n" SOA NSEC_XYW NSEC_WILD},  // B.7
          {"example.", "DS", "NOERROR aa\n-- authority\n" SOA NSEC_APEX},                   // B.8
          // Empty non-terminals: y.w and w.
          {"y.w.example.", "A",
           "NOERROR aa\n-- authority\n" SOA SIGNED("x.w.example.", "NSEC", "x.y.w.example. MX RRSIG NSEC")},
          {"w.example.", "A", "NOERROR aa\n-- authority\n" SOA NSEC_NS2},
          // One NSEC can prove both.
          {"aa.example.", "A",
           "NXDOMAIN aa\n-- authority\n" SOA SIGNED("a.example.", "NSEC", "ai.example. NS DS RRSIG NSEC") NSEC_APEX},
          {"aa.ns1.example.", "A", "NXDOMAIN aa\n-- authority\n" SOA NSEC_NS1},
          {"b.example.", "DS", "NOERROR aa\n-- authority\n" SOA NSEC_B},
          {"a.example.", "DS",
           "NOERROR aa\n" SIGNED("a.example.", "DS", "57855 5 1 b6dcd485719adca18e5f3d48a2331627fdd3636b")},
          {"ns1.example.", "NSEC", "NOERROR aa\n" NSEC_NS1},
          {"x.w.example.", "RRSIG", "NOERROR aa\nx.w.example. 3600 IN RRSIG MX\nx.w.example. 3600 IN RRSIG NSEC\n"},
          {"ns1.example.", "ANY", "NOERROR aa\n" SIGNED("ns1.example.", "A", "192.0.2.1") NSEC_NS1},
      }));
  check(
      zone,
      std::to_array<Case>({
          {"ml.example.", "A",
           "NXDOMAIN aa\n-- authority\nexample. 3600 IN SOA ns1.example. bugs.x.w.example. 1081539377 3600 300 3600000 "
           "3600\n"},
          {"ns1.example.", "A", "NOERROR aa\nns1.example. 3600 IN A 192.0.2.1\n"},
          {"ns1.example.", "NSEC", "NOERROR aa\nns1.example. 3600 IN NSEC ns2.example. A RRSIG NSEC\n"},
          {"mc.b.example.", "MX",
           "NOERROR\n-- authority\nb.example. 3600 IN NS ns1.b.example.\nb.example. 3600 IN NS ns2.b.example.\n"
           "-- additional\nns1.b.example. 3600 IN A 192.0.2.7\nns2.b.example. 3600 IN A 192.0.2.8\n"},
          {"x.w.example.", "RRSIG", "NOERROR aa\nx.w.example. 3600 IN RRSIG MX\nx.w.example. 3600 IN RRSIG NSEC\n"},
      }),
      false);
#undef SOA
}

TEST_CASE("zone with NSEC3 and opt-out: the examples of RFC 5155 appendix B") {
#define SOA SIGNED("example.", "SOA", "ns1.example. bugs.x.w.example. 2 3600 300 3600000 3600")
#define NSEC3(hash, next, types) SIGNED(hash ".example.", "NSEC3", "1 1 12 aabbccdd " next types)
#define H_APEX \
  NSEC3("0p9mhaveqvm6t7vbl5lop2u3t2rp3tom", "2t7b4g4vsa5smi47k61mv5bv1a22bojr", " NS SOA MX RRSIG DNSKEY NSEC3PARAM")
#define H_NS1 NSEC3("2t7b4g4vsa5smi47k61mv5bv1a22bojr", "2vptu5timamqttgl4luu9kg21e0aor3s", " A RRSIG")
#define H_A NSEC3("35mthgpgcu1qg68fab165klnsnk3dpvl", "b4um86eghhds6nea196smvmlo4ors995", " NS DS RRSIG")
#define H_XW NSEC3("b4um86eghhds6nea196smvmlo4ors995", "gjeqe526plbf1g8mklp59enfd789njgi", " MX RRSIG")
#define H_YW NSEC3("ji6neoaepv8b5o6k4ev33abha8ht9fgc", "k8udemvp1j2f7eg6jebps17vp3n8i58h", "")
#define H_W NSEC3("k8udemvp1j2f7eg6jebps17vp3n8i58h", "kohar7mbb8dc2ce8a9qvl8hon4k53uhi", "")
#define H_NS2 NSEC3("q04jkcevqvmu85r014c7dkba38o0ji5r", "r53bq7cc2uvmubfu5ocmm6pers9tk9en", " A RRSIG")
#define H_WILD NSEC3("r53bq7cc2uvmubfu5ocmm6pers9tk9en", "t644ebqk9bibcna874givr6joj62mlhv", " MX RRSIG")
  const auto zone = tests::TestZone::from_file("tests/support/zones/rfc5155.zone", "example");
  check(
      zone,
      std::to_array<Case>({
          // B.1: closest encloser x.w, next closer c.x.w, wildcard *.x.w
          {"a.c.x.w.example.", "A", "NXDOMAIN aa\n-- authority\n" SOA H_XW H_APEX H_A},
          {"ns1.example.", "MX", "NOERROR aa\n-- authority\n" SOA H_NS1},  // B.2
          {"y.w.example.", "A", "NOERROR aa\n-- authority\n" SOA H_YW},    // B.2.1
          {"mc.c.example.", "MX",                                          // B.3
           "NOERROR\n-- authority\nc.example. 3600 IN NS ns1.c.example.\nc.example. 3600 IN NS "
           "ns2.c.example.\n" H_APEX H_A
           "-- additional\nns1.c.example. 3600 IN A 192.0.2.7\nns2.c.example. 3600 IN A 192.0.2.8\n"},
          {"a.z.w.example.", "MX",  // B.4
           "NOERROR aa\n" SIGNED("a.z.w.example.", "MX", "1 ai.example.") "-- authority\n" H_NS2 AI_GLUE},
          {"a.z.w.example.", "AAAA", "NOERROR aa\n-- authority\n" SOA H_W H_NS2 H_WILD},  // B.5
          {"example.", "DS", "NOERROR aa\n-- authority\n" SOA H_APEX},                    // B.6
          // section 7.2.4: DS where opt-out leaves no NSEC3
          {"c.example.", "DS", "NOERROR aa\n-- authority\n" SOA H_APEX H_A},
          {"mc.a.example.", "MX",
           "NOERROR\n-- authority\na.example. 3600 IN NS ns1.a.example.\na.example. 3600 IN NS ns2.a.example.\n" SIGNED(
               "a.example.", "DS",
               "58470 5 1 3079f1593ebad6dc121e202a8b766a6a4837206c") "-- additional\nns1.a.example. 3600 IN A "
                                                                     "192.0.2.5\nns2.a.example. 3600 IN A "
                                                                     "192.0.2.6\n"},
          // section 7.2.8: the owner of an NSEC3 is not a name of the zone, but here it has other records too
          {"2t7b4g4vsa5smi47k61mv5bv1a22bojr.example.", "A",
           "NOERROR aa\n" SIGNED("2t7b4g4vsa5smi47k61mv5bv1a22bojr.example.", "A", "192.0.2.127")},
          {"2t7b4g4vsa5smi47k61mv5bv1a22bojr.example.", "NSEC3",
           "NOERROR aa\n-- authority\n" SOA NSEC3("kohar7mbb8dc2ce8a9qvl8hon4k53uhi",
                                                  "q04jkcevqvmu85r014c7dkba38o0ji5r", " A RRSIG")},
          {"example.", "NSEC3PARAM", "NOERROR aa\n" SIGNED("example.", "NSEC3PARAM", "1 0 12 aabbccdd")},
      }));
  CHECK(zone.ask("0p9mhaveqvm6t7vbl5lop2u3t2rp3tom.example.", "NSEC3").starts_with("NXDOMAIN aa\n"));
#undef SOA
}

TEST_CASE("zone: a negative SOA's signature has its TTL, and a signature that of its RRset") {
  const tests::TestZone zone(
      "@ 3600 SOA ns. host. 1 2 3 4 60\n@ 3600 NS ns.\n@ 100 NSEC @ NS SOA RRSIG NSEC\n"
      "@ 7 RRSIG SOA 13 1 3600 20360101000000 20260101000000 1 @ AAAA\n"
      "@ 7 RRSIG NSEC 13 1 100 20360101000000 20260101000000 1 @ AAAA\n"
      "@ 7 RRSIG TXT 13 1 100 20360101000000 20260101000000 1 @ AAAA\n",
      "example");
  CHECK(shorten(zone.ask("x.example.", "A", true)) ==
        "NXDOMAIN aa\n-- authority\nexample. 60 IN SOA ns. host. 1 2 3 4 60\nexample. 60 IN RRSIG SOA\n"
        "example. 100 IN NSEC example. NS SOA RRSIG NSEC\nexample. 100 IN RRSIG NSEC\n");
  CHECK(shorten(zone.ask("example.", "SOA", true)) ==
        "NOERROR aa\nexample. 3600 IN SOA ns. host. 1 2 3 4 60\nexample. 3600 IN RRSIG SOA\n");
  // A signature of an RRset that the zone does not have is data all the same.
  CHECK(shorten(zone.ask("example.", "RRSIG")) ==
        "NOERROR aa\nexample. 3600 IN RRSIG SOA\nexample. 7 IN RRSIG TXT\nexample. 100 IN RRSIG NSEC\n");
  CHECK(shorten(zone.ask("example.", "TXT")) == "NOERROR aa\n-- authority\nexample. 60 IN SOA ns. host. 1 2 3 4 60\n");
}

TEST_CASE("zone: an answer with a signature that has expired says so (RFC 8914 code 7)") {
  const auto sig = [](std::string_view owner, std::string_view type, std::uint32_t until) {
    return fmt::format("{} RRSIG {} 13 2 60 {} 1 7 @ AQNR\n", owner, type, until);
  };
  const tests::TestZone zone("$TTL 60\n@ SOA a. b. 1 2 3 4 5\n@ NS a.\na A 192.0.2.1\nb A 192.0.2.1\n" +
                                 sig("@", "SOA", 2000) + sig("a", "A", 1000) + sig("b", "A", 3000),
                             "example");
  const auto options = [&](std::string_view name, std::int64_t now, bool dnssec_ok = true) {
    dns::Query query;
    const dns::Name qname = *dns::Name::parse(name);
    query.ask(qname);
    query.edns.present = true;
    query.edns.dnssec_ok = dnssec_ok;
    dns::Response response;
    zone.zone().answer(query, response);
    zone.zone().add_options(query, response, now);
    std::string text;
    for (const auto& [code, data] : response.options) text += fmt::format("{}:{}", code, load_u16(data.data()));
    return text;
  };
  CHECK(options("a.example", 1000) == "");
  CHECK(options("a.example", 1001) == "15:7");
  CHECK(options("a.example", 1001, false) == "");
  CHECK(options("b.example", 1001) == "");
  CHECK(options("c.example", 1001) == "");
  CHECK(options("c.example", 2001) == "15:7");  // the SOA's
}

TEST_CASE("zone: when the first of its signatures expires") {
  const auto expires = [](std::string_view lines) {
    const tests::TestZone zone("$TTL 60\n@ SOA a. b. 1 2 3 4 5\n@ NS a.\n" + std::string(lines), "example");
    return zone.zone().signatures_expire();
  };
  const auto sig = [](std::string_view owner, std::string_view type, std::uint32_t until) {
    return fmt::format("{} RRSIG {} 13 1 60 {} 1 7 @ AQNR\n", owner, type, until);
  };
  CHECK(expires("") == std::nullopt);
  CHECK(expires(sig("@", "SOA", 1900000000)) == 1900000000U);
  CHECK(expires(sig("@", "SOA", 1900000000) + sig("@", "NS", 1800000000) + sig("b", "A", 2000000000)) == 1800000000U);
  CHECK(expires(sig("@", "SOA", 4294967000) + sig("@", "NS", 5)) == 4294967000U);  // 2106: 5 is after it (RFC 1982)
  CHECK(expires(sig("@", "SOA", 5) + sig("@", "NS", 4294967000)) == 4294967000U);
  CHECK(expires("@ NSEC3PARAM 1 0 0 -\n2vptu5timamqttgl4luu9kg21e0aor3s NSEC3 1 0 0 - 2vptu5timamqttgl4luu9kg21e0aor3s "
                "SOA\n" +
                sig("@", "SOA", 1900000000) + sig("2vptu5timamqttgl4luu9kg21e0aor3s", "NSEC3", 1700000000)) ==
        1700000000U);
}

TEST_CASE("zone: all records of an image, the SOA first and once, make the same image again") {
  const std::string others =
      "@ 60 SOA ns a 1 2 3 4 5\n@ 60 A 192.0.2.1\n@ 60 NS ns\n@ 60 NS a\na 60 RRSIG MX 13 1 60 1 1 "
      "1 example. AAAA\na.b.c 60 TXT x y\na.b.c 60 TXT y\nB 5 MX 1 a\n";
  for (const tests::TestZone& zone :
       {tests::TestZone::from_file("tests/support/zones/rfc4035.zone", "example"),
        tests::TestZone::from_file("tests/support/zones/rfc5155.zone", "example"), tests::TestZone(others, "example"),
        tests::TestZone("@ 1 SOA . . 1 2 3 4 5\n", "example")}) {
    AllRecords records(zone.bytes());
    Builder builder(*dns::Name::parse("example"));
    std::uint32_t count = 0;
    while (const std::optional<ZoneRecord> record = records.next()) {
      CHECK((record->type == dns::Type::soa) == (count == 0));
      REQUIRE(builder.add(record->owner, record->type, record->ttl, record->rdata));
      ++count;
    }
    CHECK_FALSE(records.next());
    CHECK(count == zone.zone().records());
    REQUIRE(builder.finish());
    std::vector<std::uint64_t> image((builder.image_size() + 7) / 8);
    const MutableBytes bytes(reinterpret_cast<std::uint8_t*>(image.data()), builder.image_size());
    builder.write(bytes);
    CHECK(std::ranges::equal(bytes, zone.bytes()));
  }
}

TEST_CASE("zone: the NSEC3PARAM decides which chain is used") {
  const std::string start = "@ 60 SOA ns. host. 1 2 3 4 60\n@ 60 NS ns.\n@ 60 NSEC @ NS SOA NSEC\n";
  const std::string chain =
      "3msev9usmd4br9s97v51r2tdvmr9iqo1 60 NSEC3 1 0 0 - 3msev9usmd4br9s97v51r2tdvmr9iqo1 NS SOA\n";
  const auto ask = [](const std::string& text) {
    return tests::TestZone(text, "example").ask("x.example.", "A", true);
  };
  CHECK(ask(start).find("IN NSEC example.") != std::string::npos);
  CHECK(ask(start + chain).find("IN NSEC example.") != std::string::npos);
  CHECK(ask(start + chain + "@ 60 NSEC3PARAM 1 0 0 -\n").find("IN NSEC3 1 0 0 -") != std::string::npos);
  CHECK(ask(start + chain + "@ 60 NSEC3PARAM 1 0 1 -\n").find("IN NSEC example.") != std::string::npos);
}

TEST_CASE("zone with NSEC: the right one of many covers a name") {
  std::mt19937 random(3);
  const auto random_name = [&] {
    std::string text;
    for (std::size_t i = 1 + random() % 3; i > 0; --i) {
      text += std::string(random() % 2 * 20, 'p') + fmt::format("{}", random() % 40) + ".";  // many begin the same
    }
    return *dns::Name::parse(text + "example");
  };
  std::set<dns::Name> names;
  for (int i = 0; i < 700; ++i) names.insert(random_name());
  std::string text =
      "@ 60 SOA ns. host. 1 2 3 4 60\n@ 60 NS ns.\n@ 60 NSEC " + names.begin()->to_string() + " NS SOA\n";
  for (auto owner = names.begin(); owner != names.end(); ++owner) {
    const std::string next = std::next(owner) == names.end() ? "@" : std::next(owner)->to_string();
    text += fmt::format("{0} 60 A 192.0.2.1\n{0} 60 NSEC {1} A\n", owner->to_string(), next);
  }
  const tests::TestZone zone(text, "example");
  for (int i = 0; i < 3000; ++i) {
    const dns::Name wanted = random_name();
    if (names.contains(wanted)) continue;
    auto next = names.upper_bound(wanted);
    const std::string owner = next == names.begin() ? "example." : std::prev(next)->to_string();
    INFO(wanted.to_string());
    REQUIRE(zone.ask(wanted.to_string(), "A", true).find("\n" + owner + " 60 IN NSEC ") != std::string::npos);
  }
}

TEST_CASE("NSEC3 hashes: RFC 5155 appendix A") {
  const std::array<std::uint8_t, 4> salt = {0xAA, 0xBB, 0xCC, 0xDD};
  const dns::Nsec3Hash hash = nsec3_hash(*dns::Name::parse("Example"), salt, 12);
  std::string hex;
  for (const std::uint8_t byte : hash) hex += fmt::format("{:02x}", byte);
  CHECK(hex == "065368abeed7ec6e9feba96b8c8bc3e8b791f716");  // 0p9mhaveqvm6t7vbl5lop2u3t2rp3tom
  CHECK(hash == nsec3_hash(*dns::Name::parse("example"), salt, 12));
  CHECK(hash != nsec3_hash(*dns::Name::parse("example"), salt, 11));
}

}  // namespace
}  // namespace swage::zone
