#include "plugins/dnssec/dnssec.h"

#include <algorithm>
#include <array>
#include <sstream>

#include "core/dnssec/key_file.h"
#include "core/dnssec/rrsig.h"
#include "tests/support/loopback.h"
#include "tests/support/plugin_harness.h"
#include "tests/support/zone_answers.h"

#include <catch2/catch.hpp>  // last: its CHECK is the one that counts here

namespace swage::plugins::dnssec {
namespace {

using dns::Record;
using dns::Type;
using swage::dnssec::Algorithm;
using swage::dnssec::Key;
using tests::PluginHarness;

constexpr std::array kPlugins = {PluginType{"dnssec", &setup}};

std::string setup_error(std::string_view corefile) { return PluginHarness::setup_error(kPlugins, corefile); }

constexpr std::string_view kZone = R"($TTL 3600
@ SOA ns host 1 7200 3600 1209600 300
@ NS ns
@ MX 10 Mail
ns A 192.0.2.1
ns A 192.0.2.2
www A 192.0.2.3
www TXT a
www TYPE65280 \# 1 00
alias CNAME www
gone CNAME nowhere
out CNAME www.example.net.
*.wild A 192.0.2.4
a.b.ent A 192.0.2.5
safe NS ns.safe
safe DS 1 13 2 0000000000000000000000000000000000000000000000000000000000000000
ns.safe A 192.0.2.6
plain NS ns.plain
plain TXT occluded
ns.plain A 192.0.2.7
old DNAME www
)";

dns::Name name(std::string_view text) { return dns::Name::parse(text).value(); }

// Keys in a folder.
class Keys {
 public:
  Key add(std::string_view zone, std::uint16_t flags, Algorithm algorithm = Algorithm::ecdsap256sha256) {
    const Key key = Key::generate(name(zone), algorithm, flags).value();
    REQUIRE(swage::dnssec::write_key_files(std::string(folder_.path()), {key}).has_value());
    return key;
  }
  [[nodiscard]] std::string path(const Key& key) const {
    return std::string(folder_.path()) + "/" + swage::dnssec::file_name(key);
  }
  [[nodiscard]] std::string folder() const { return std::string(folder_.path()); }

 private:
  tests::Folder folder_;
};

bool same_rrset(const Record& a, const Record& b) { return a.type == b.type && a.owner == b.owner; }

// The RRsets of a section that have no good signature by each of `keys`, as text.
std::string unsigned_rrsets(const std::vector<Record>& section, const std::vector<Key>& keys) {
  std::string text;
  swage::dnssec::RrsetSigner signer;
  for (std::size_t i = 0; i < section.size(); ++i) {
    const Record& record = section[i];
    const auto same = [&](const Record& each) { return same_rrset(each, record); };
    if (record.type == Type::rrsig ||
        std::any_of(section.begin(), section.begin() + static_cast<std::ptrdiff_t>(i), same))
      continue;
    std::vector<Bytes> rdata;
    for (const Record& each : section) {
      if (same(each)) rdata.push_back(each.rdata);
    }
    signer.set({.owner = record.owner, .type = record.type, .ttl = record.ttl, .rdata = rdata});
    for (const Key& key : keys) {
      const bool good = std::ranges::any_of(section, [&](const Record& each) {
        return each.type == Type::rrsig && each.owner == record.owner && each.ttl == record.ttl &&
               signer.verify(key, each.rdata);
      });
      if (!good) text += record.owner.to_string() + " " + to_string(record.type) + "\n";
    }
  }
  return text;
}

// An answer as text, without what of RRSIGs is another one each time.
std::string without_signatures(const std::string& answer) {
  std::istringstream text(answer);
  std::string result;
  for (std::string line; std::getline(text, line);) {
    const std::size_t rrsig = line.find(" IN RRSIG ");
    result += rrsig == std::string::npos ? line : line.substr(0, line.find(' ', rrsig + 10));
    result += '\n';
  }
  return result;
}

struct Fixture {
  explicit Fixture(std::string_view options = "", std::string_view zone = kZone)
      : ksk(keys.add("example.org", swage::dnssec::kKsk)),
        zsk(keys.add("example.org", swage::dnssec::kZsk)),
        harness(kPlugins,
                "example.org {\n dnssec {\n  key file " + keys.path(ksk) + " " + keys.path(zsk) + "\n " +
                    std::string(options) + " }\n}",
                tests::zone_rest(zone, "example.org")) {
    REQUIRE(harness.prepare() == "");
  }
  std::string ask(std::string_view question) {
    const std::string answer = without_signatures(harness.ask(question));
    const bool asks_for_keys = question.find(" DNSKEY ") != std::string_view::npos;
    CHECK(unsigned_rrsets(harness.response().answer, {asks_for_keys ? ksk : zsk}) == allowed);
    std::vector<Record> authority = harness.response().authority;
    std::erase_if(authority, [](const Record& each) { return each.type == Type::ns; });
    CHECK(unsigned_rrsets(authority, {zsk}) == "");
    return answer;
  }
  Keys keys;
  Key ksk, zsk;
  PluginHarness harness;
  std::string allowed{};  // what need not be signed
};

const std::string kSoa =
    "example.org. 300 IN SOA ns.example.org. host.example.org. 1 7200 3600 1209600 300\nexample.org. 300 IN RRSIG "
    "SOA\n";

}  // namespace

TEST_CASE("dnssec: setup") {
  CHECK(setup_error(
            "example.org {\n dnssec {\n  key file a b\n  key directory c\n  cache_capacity 5\n  budget 9\n }\n}") ==
        "");
  CHECK(setup_error("example.org {\n dnssec example.net {\n  key file a\n }\n}") == "");
  CHECK(setup_error("example.org {\n dnssec\n}") ==
        "Corefile:2: dnssec: expected a key, 'key file Kexample.org.+013+12345' say");
  CHECK(setup_error("example.org {\n dnssec {\n  key\n }\n}") ==
        "Corefile:3: dnssec: expected 'file' or 'directory' after 'key'");
  CHECK(setup_error("example.org {\n dnssec {\n  key file\n }\n}") ==
        "Corefile:3: dnssec: key: expected the path of a key after 'file'");
  CHECK(setup_error("example.org {\n dnssec {\n  key file a\n  cache_capacity 0\n }\n}")
            .starts_with("Corefile:4: dnssec: "));
  CHECK(setup_error("example.org {\n dnssec {\n  key file a\n }\n dnssec {\n  key file b\n }\n}") ==
        "Corefile:5: dnssec: stands twice in a server block");
}

TEST_CASE("dnssec: keys that cannot sign a zone stop the start, with the line") {
  Keys keys;
  static_cast<void>(keys.add("example.net", swage::dnssec::kKsk));
  const auto error = [&](const std::string& line) {
    PluginHarness harness(kPlugins, "example.org {\n dnssec {\n  " + line + "\n }\n}");
    return harness.prepare();
  };
  CHECK(error("key file /nowhere/Kexample.org.+013+1").starts_with("Corefile:3: /nowhere/Kexample.org.+013+1.key: "));
  CHECK(error("key directory " + keys.folder()) == "Corefile:2: no key signs example.org. now");
}

TEST_CASE("dnssec: without the DO bit nothing changes, but for the keys") {
  Fixture fixture;
  CHECK(fixture.harness.ask("www.example.org. A") == "NOERROR aa\nwww.example.org. 3600 IN A 192.0.2.3\n");
  CHECK(fixture.harness.ask("none.example.org. A").starts_with("NXDOMAIN aa\n"));
  static_cast<void>(fixture.harness.ask("example.org. DNSKEY"));
  CHECK(fixture.harness.response().answer.size() == 2);
}

TEST_CASE("dnssec: answers") {
  Fixture fixture;
  CHECK(fixture.ask("www.example.org. A do") ==
        "NOERROR aa\nwww.example.org. 3600 IN A 192.0.2.3\nwww.example.org. 3600 IN RRSIG A\n");
  CHECK(fixture.ask("ns.example.org. A do") ==
        "NOERROR aa\nns.example.org. 3600 IN A 192.0.2.1\nns.example.org. 3600 IN A 192.0.2.2\n"
        "ns.example.org. 3600 IN RRSIG A\n");
  CHECK(fixture.ask("WwW.eXample.org. A do") ==
        "NOERROR aa\nWwW.eXample.org. 3600 IN A 192.0.2.3\nWwW.eXample.org. 3600 IN RRSIG A\n");
  CHECK(fixture.ask("alias.example.org. A do") ==
        "NOERROR aa\nalias.example.org. 3600 IN CNAME www.example.org.\nalias.example.org. 3600 IN RRSIG CNAME\n"
        "www.example.org. 3600 IN A 192.0.2.3\nwww.example.org. 3600 IN RRSIG A\n");
  CHECK(fixture.ask("out.example.org. A do") ==
        "NOERROR aa\nout.example.org. 3600 IN CNAME www.example.net.\nout.example.org. 3600 IN RRSIG CNAME\n");
  CHECK(fixture.ask("x.wild.example.org. A do") ==
        "NOERROR aa\nx.wild.example.org. 3600 IN A 192.0.2.4\nx.wild.example.org. 3600 IN RRSIG A\n");
  CHECK(fixture.ask("example.org. DNSKEY do").find("example.org. 3600 IN RRSIG DNSKEY\n") != std::string::npos);
  CHECK(fixture.ask("example.org. MX do").starts_with("NOERROR aa\nexample.org. 3600 IN MX 10 Mail.example.org.\n"));
  CHECK(fixture.ask("www.example.org. ANY do") ==
        "NOERROR aa\nwww.example.org. 3600 IN A 192.0.2.3\nwww.example.org. 3600 IN RRSIG A\n"
        "www.example.org. 3600 IN TXT \"a\"\nwww.example.org. 3600 IN RRSIG TXT\n"
        "www.example.org. 3600 IN TYPE65280 \\# 1 00\nwww.example.org. 3600 IN RRSIG TYPE65280\n");
}

TEST_CASE("dnssec: a DNAME is signed, the CNAME made from it is not") {
  Fixture fixture;
  fixture.allowed = "x.old.example.org. CNAME\n";
  CHECK(fixture.ask("x.old.example.org. A do") ==
        "NOERROR aa\nold.example.org. 3600 IN DNAME www.example.org.\nold.example.org. 3600 IN RRSIG DNAME\n"
        "x.old.example.org. 3600 IN CNAME x.www.example.org.\n-- authority\n" +
            kSoa +
            "x.www.example.org. 300 IN NSEC \\000.x.www.example.org. RRSIG NSEC TYPE128\n"
            "x.www.example.org. 300 IN RRSIG NSEC\n");
}

TEST_CASE("dnssec: compact denials") {
  Fixture fixture;
  const auto denial = [](const std::string& name, const std::string& types) {
    return "NOERROR aa\n-- authority\n" + kSoa + name + " 300 IN NSEC \\000." + name + " " + types + "\n" + name +
           " 300 IN RRSIG NSEC\n";
  };
  CHECK(fixture.ask("none.example.org. A do") == denial("none.example.org.", "RRSIG NSEC TYPE128"));
  CHECK(fixture.ask("www.example.org. AAAA do") == denial("www.example.org.", "A TXT RRSIG NSEC TYPE65280"));
  CHECK(fixture.ask("ent.example.org. A do") == denial("ent.example.org.", "RRSIG NSEC"));
  CHECK(fixture.ask("x.wild.example.org. TXT do") == denial("x.wild.example.org.", "A RRSIG NSEC"));
  CHECK(fixture.ask("example.org. A do") == denial("example.org.", "NS SOA MX RRSIG NSEC DNSKEY"));
  CHECK(fixture.ask("example.org. DS do") == denial("example.org.", "NS SOA MX RRSIG NSEC DNSKEY"));
  CHECK(fixture.ask("example.org. CDS do") == denial("example.org.", "NS SOA MX RRSIG NSEC DNSKEY"));
  CHECK(fixture.ask("plain.example.org. DS do") == denial("plain.example.org.", "NS RRSIG NSEC"));
  CHECK(fixture.ask("gone.example.org. A do") ==
        "NOERROR aa\ngone.example.org. 3600 IN CNAME nowhere.example.org.\ngone.example.org. 3600 IN RRSIG CNAME\n"
        "-- authority\n" +
            kSoa +
            "nowhere.example.org. 300 IN NSEC \\000.nowhere.example.org. RRSIG NSEC TYPE128\n"
            "nowhere.example.org. 300 IN RRSIG NSEC\n");
  CHECK(fixture.ask("www.example.org. NSEC do") ==
        "NOERROR aa\nwww.example.org. 300 IN NSEC \\000.www.example.org. A TXT RRSIG NSEC TYPE65280\n"
        "www.example.org. 300 IN RRSIG NSEC\n");
  CHECK(fixture.ask("none.example.org. NSEC do") ==
        "NOERROR aa\nnone.example.org. 300 IN NSEC \\000.none.example.org. RRSIG NSEC TYPE128\n"
        "none.example.org. 300 IN RRSIG NSEC\n");
  CHECK(fixture.ask("www.example.org. RRSIG do") == "NOERROR aa\nwww.example.org. 300 IN RRSIG NSEC\n");
}

TEST_CASE("dnssec: referrals") {
  Fixture fixture;
  CHECK(
      fixture.ask("x.plain.example.org. A do") ==
      "NOERROR\n-- authority\nplain.example.org. 3600 IN NS ns.plain.example.org.\n"
      "plain.example.org. 3600 IN NSEC \\000.plain.example.org. NS RRSIG NSEC\nplain.example.org. 3600 IN RRSIG NSEC\n"
      "-- additional\nns.plain.example.org. 3600 IN A 192.0.2.7\n");
  CHECK(fixture.ask("safe.example.org. A do") ==
        "NOERROR\n-- authority\nsafe.example.org. 3600 IN NS ns.safe.example.org.\nsafe.example.org. 3600 IN DS 1 13 2 "
        "0000000000000000000000000000000000000000000000000000000000000000\nsafe.example.org. 3600 IN RRSIG DS\n"
        "-- additional\nns.safe.example.org. 3600 IN A 192.0.2.6\n");
}

TEST_CASE("dnssec: a plugin that does not know what a name has denies no usual type but the one asked for") {
  Keys keys;
  const Key key = keys.add("example.org", swage::dnssec::kZsk);  // signs all, since there is no other
  dns::Rcode rcode = dns::Rcode::noerror;
  const auto rest = [&](const Query& query, Response& response) -> Result<Outcome> {
    if (query.qtype == Type::soa) return Outcome::send;  // refused: a SOA record is made up
    response.rcode = rcode;
    response.authoritative = true;
    return Outcome::send;
  };
  PluginHarness harness(kPlugins, "example.org {\n dnssec {\n  key file " + keys.path(key) + ".private\n }\n}", rest);
  REQUIRE(harness.prepare() == "");
  const std::string answer = harness.ask("a.example.org. TXT do");
  CHECK(answer.find("NSEC \\000.a.example.org. A PTR HINFO MX RP AFSDB AAAA LOC SRV NAPTR") != std::string::npos);
  CHECK(answer.find(" SOA ns.example.org. hostmaster.example.org. 1 ") != std::string::npos);
  CHECK(unsigned_rrsets(harness.response().authority, {key}) == "");
  rcode = dns::Rcode::nxdomain;
  CHECK(harness.ask("a.example.org. TXT do").find("NSEC \\000.a.example.org. RRSIG NSEC TYPE128\n") !=
        std::string::npos);
  rcode = dns::Rcode::servfail;
  CHECK(harness.ask("a.example.org. TXT do") == "SERVFAIL aa\n");
}

TEST_CASE("dnssec: a zone that is signed already is left as it is") {
  Keys keys;
  const Key key = keys.add("example", swage::dnssec::kKsk);
  const auto zone = std::make_shared<const tests::TestZone>(
      tests::TestZone::from_file("tests/support/zones/rfc5155.zone", "example."));
  PluginHarness harness(kPlugins, "example {\n dnssec {\n  key file " + keys.path(key) + "\n }\n}",
                        [zone](const Query& query, Response& response) -> Result<Outcome> {
                          zone->zone().answer(query, response);
                          return Outcome::send;
                        });
  REQUIRE(harness.prepare() == "");
  for (const char* const question :
       {"a.z.w.example. MX", "x.example. A", "example. DNSKEY", "ns1.example. MX", "c.example. A"}) {
    INFO(question);
    const std::string as_it_is = zone->ask(std::string(question).substr(0, std::string(question).find(' ')),
                                           std::string(question).substr(std::string(question).find(' ') + 1), true);
    CHECK(harness.ask(std::string(question) + " do") == as_it_is);
  }
}

TEST_CASE("dnssec: a signature is made once, and past the budget a client is sent to TCP") {
  Fixture fixture("budget 1\n");
  const auto made = [&] {
    const std::string text = fixture.harness.metrics_text();
    const std::size_t at = text.find("\nswage_dnssec_signatures_total ");
    return at == std::string::npos ? 0 : std::stoi(text.substr(at + 31));
  };
  fixture.harness.arrival.received = 100'000'000'000;
  static_cast<void>(fixture.ask("www.example.org. A do"));
  CHECK(made() == 1);
  static_cast<void>(fixture.ask("WWW.example.org. A do"));
  CHECK(made() == 1);
  int names = 0;
  while (!fixture.harness.response().ask_over_tcp && names < 1000) {
    static_cast<void>(fixture.harness.ask("n" + std::to_string(names++) + ".example.org. A do"));
  }
  CHECK(names < 50);
  CHECK(fixture.harness.response().authority.empty());
  static_cast<void>(fixture.ask("www.example.org. A do"));  // is remembered
  CHECK_FALSE(fixture.harness.response().ask_over_tcp);
  fixture.harness.arrival.transport = dns::Transport::tcp;
  CHECK(fixture.ask("over-tcp.example.org. A do").find("TYPE128") != std::string::npos);
}

}  // namespace swage::plugins::dnssec
