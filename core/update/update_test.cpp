#include "core/update/apply.h"

#include <algorithm>

#include <fmt/format.h>

#include "core/update/journal.h"
#include "tests/support/update_message.h"
#include "tests/support/zone_answers.h"

#include <catch2/catch.hpp>  // last: its CHECK is the one that counts here

namespace swage::update {
namespace {

constexpr std::string_view kZone =
    "$TTL 60\n@ SOA ns host 10 2 3 4 5\n@ NS ns\n@ NS ns2\n@ TXT top\nns A 192.0.2.1\nns2 A 192.0.2.2\n"
    "www A 192.0.2.3\nwww A 192.0.2.4\nwww TXT a\nalias CNAME www\nmail MX 10 WWW\nd DNAME other.test.\n"
    "a.b.ent A 192.0.2.5\nw WKS 192.0.2.6 tcp smtp\n";

struct Result {
  dns::Rcode rcode = dns::Rcode::noerror;
  std::string changes;  // "-RECORD" and "+RECORD", one a line; but for the SOA: "serial N"
};

std::string text(const Change& change) {
  std::string line = tests::record_text({change.owner, change.type, dns::Class::in, change.ttl, change.rdata, false});
  if (line.ends_with('\n')) line.pop_back();
  const std::string_view origin = ".example.org.";
  for (std::size_t at; (at = line.find(origin)) != std::string::npos;) line.erase(at, origin.size());
  for (std::size_t at; (at = line.find(" IN ")) != std::string::npos;) line.erase(at, 3);
  return line;
}

Settings settings() {
  Settings settings;
  settings.rules.add(
      {*dns::Name::parse("key"), {*Pattern::parse("example.org"), *Pattern::parse("*.example.org")}, {}});
  settings.rules.add(
      {*dns::Name::parse("acme"), {*Pattern::parse("_acme-challenge.www.example.org")}, {dns::Type::txt}});
  settings.rules.add({*dns::Name::parse("dhcp"), {*Pattern::parse("*.dyn.example.org")}, {}});
  return settings;
}

// What a request of `lines` does to kZone.
Result run(std::string_view lines, std::string_view key = "key", std::string_view zone_name = "example.org.") {
  const tests::TestZone zone(kZone, "example.org");
  EditedZone edited(zone.bytes());
  const tests::Packet message = tests::update_message(zone_name, lines);
  const auto request = Request::read(message);
  if (!request) return {request.error(), ""};
  const Updated updated = update(*request, *dns::Name::parse(key), settings(), 1'700'000'000, edited);
  Result result{updated.rcode, ""};
  const Changes changes = edited.changes();
  CHECK(updated.changes == changes);
  for (const Change& each : changes.removed) {
    if (each.type != dns::Type::soa) result.changes += "-" + text(each) + "\n";
  }
  for (const Change& each : changes.added) {
    if (each.type != dns::Type::soa) result.changes += "+" + text(each) + "\n";
  }
  if (edited.serial() != 10) result.changes += fmt::format("serial {}\n", edited.serial());
  // What comes out is a zone, and the changes lead to it from the old one.
  zone::Builder builder(*dns::Name::parse("example.org"));
  REQUIRE(edited.build(builder));
  std::vector<std::uint64_t> image(builder.image_size() / 8);
  builder.write({reinterpret_cast<std::uint8_t*>(image.data()), image.size() * 8});
  EditedZone again(zone.bytes());
  REQUIRE(again.replay(changes));
  zone::Builder rebuilt(*dns::Name::parse("example.org"));
  REQUIRE(again.build(rebuilt));
  std::vector<std::uint64_t> other(rebuilt.image_size() / 8);
  rebuilt.write({reinterpret_cast<std::uint8_t*>(other.data()), other.size() * 8});
  CHECK(image == other);
  return result;
}

TEST_CASE("update: every prerequisite (RFC 2136 section 2.4)") {
  struct Case {
    const char* lines;
    const char* rcode;
  };
  constexpr Case kCases[] = {
      // 2.4.1: the RRset is there, whatever its data
      {"prereq yxrrset www.example.org. A", "NOERROR"},
      {"prereq yxrrset WWW.EXAMPLE.org. TXT", "NOERROR"},
      {"prereq yxrrset www.example.org. AAAA", "NXRRSET"},
      {"prereq yxrrset nobody.example.org. A", "NXRRSET"},
      {"prereq ANY/1 www.example.org. A", "FORMERR"},
      {"prereq ANY/0 www.example.org. A 192.0.2.3", "FORMERR"},
      // 2.4.2: the RRset is there with exactly these data
      {"prereq yxrrset www.example.org. A 192.0.2.4\nprereq yxrrset www.example.org. A 192.0.2.3", "NOERROR"},
      {"prereq yxrrset www.example.org. A 192.0.2.4", "NXRRSET"},
      {"prereq yxrrset www.example.org. A 192.0.2.4\nprereq yxrrset www.example.org. A 192.0.2.9", "NXRRSET"},
      {"prereq yxrrset nobody.example.org. A 192.0.2.4", "NXRRSET"},
      {"prereq yxrrset mail.example.org. MX 10 www.example.org.", "NOERROR"},  // names in data have no case
      {"prereq yxrrset alias.example.org. CNAME wwW.example.org.", "NOERROR"},
      {"prereq yxrrset www.example.org. TXT A", "NXRRSET"},  // texts have
      {"prereq IN/60 www.example.org. TXT a", "FORMERR"},
      {"prereq IN/0 www.example.org. A", "FORMERR"},
      // 2.4.3: the RRset is not there
      {"prereq nxrrset www.example.org. AAAA", "NOERROR"},
      {"prereq nxrrset www.example.org. A", "YXRRSET"},
      {"prereq NONE/1 www.example.org. AAAA", "FORMERR"},
      {"prereq NONE/0 www.example.org. AAAA 2001:db8::1", "FORMERR"},
      // 2.4.4: the name is in use
      {"prereq yxdomain www.example.org.", "NOERROR"},
      {"prereq yxdomain nobody.example.org.", "NXDOMAIN"},
      {"prereq yxdomain b.ent.example.org.", "NXDOMAIN"},  // an empty non-terminal has no record
      // 2.4.5: the name is not in use
      {"prereq nxdomain nobody.example.org.", "NOERROR"},
      {"prereq nxdomain www.example.org.", "YXDOMAIN"},
      // outside, and what is no prerequisite
      {"prereq yxdomain www.example.com.", "NOTZONE"},
      {"prereq nxrrset org. A", "NOTZONE"},
      {"prereq CH/0 www.example.org. A", "FORMERR"},
      {"prereq IN/0 www.example.org. AXFR", "FORMERR"},
      {"prereq ANY/0 www.example.org. AXFR", "NXRRSET"},  // section 3.2.5 does not look at these types, as BIND
      {"prereq NONE/0 www.example.org. TKEY", "NOERROR"},
      // the first that fails decides; those about data come last
      {"prereq yxdomain nobody.example.org.\nprereq nxdomain www.example.org.", "NXDOMAIN"},
      {"prereq yxrrset www.example.org. A 192.0.2.9\nprereq nxdomain www.example.org.", "YXDOMAIN"},
  };
  for (const Case& each : kCases) {
    INFO(each.lines);
    const Result result = run(std::string(each.lines) + "\nadd new.example.org. 60 A 192.0.2.9");
    CHECK(to_string(result.rcode) == each.rcode);
    CHECK(result.changes == (result.rcode == dns::Rcode::noerror ? "+new 60 A 192.0.2.9\nserial 11\n" : ""));
  }
}

TEST_CASE("update: every form of a change (RFC 2136 sections 2.5 and 3.4.2)") {
  struct Case {
    const char* lines;
    const char* changes;
  };
  constexpr Case kCases[] = {
      // 2.5.1: add to an RRset
      {"add new.example.org. 5 A 192.0.2.9", "+new 5 A 192.0.2.9\nserial 11\n"},
      {"add www.example.org. 60 A 192.0.2.9", "+www 60 A 192.0.2.9\nserial 11\n"},
      {"add www.example.org. 60 A 192.0.2.3", ""},  // is there: nothing changes
      {"add www.example.org. 61 TXT a", "-www 60 TXT \"a\"\n+www 61 TXT \"a\"\nserial 11\n"},
      {"add www.example.org. 61 TXT b", "-www 60 TXT \"a\"\n+www 61 TXT \"a\"\n+www 61 TXT \"b\"\nserial 11\n"},
      {"add x.y.z.example.org. 5 A 192.0.2.9", "+x.y.z 5 A 192.0.2.9\nserial 11\n"},
      {"add *.example.org. 5 A 192.0.2.9", "+* 5 A 192.0.2.9\nserial 11\n"},
      {"add new.example.org. 5 TYPE65280 \\# 2 abcd", "+new 5 TYPE65280 \\# 2 abcd\nserial 11\n"},
      {"add mail.example.org. 60 MX 10 www.example.org.",
       "-mail 60 MX 10 WWW\n+mail 60 MX 10 www\nserial 11\n"},  // replaces the other spelling
      // CNAMEs and others do not mix; a CNAME takes the place of a CNAME
      {"add alias.example.org. 5 A 192.0.2.9", ""},
      {"add www.example.org. 5 CNAME mail.example.org.", ""},
      {"add alias.example.org. 60 CNAME mail.example.org.", "-alias 60 CNAME www\n+alias 60 CNAME mail\nserial 11\n"},
      {"add example.org. 60 CNAME mail.example.org.", ""},
      {"del alias.example.org. CNAME\nadd alias.example.org. 5 A 192.0.2.9",
       "-alias 60 CNAME www\n+alias 5 A 192.0.2.9\nserial 11\n"},
      {"add d.example.org. 60 DNAME third.test.", "-d 60 DNAME other.test.\n+d 60 DNAME third.test.\nserial 11\n"},
      {"add w.example.org. 60 WKS 192.0.2.6 tcp domain",
       "-w 60 WKS 192.0.2.6 tcp smtp\n+w 60 WKS 192.0.2.6 tcp domain\nserial 11\n"},
      // the SOA
      {"add example.org. 60 SOA ns.example.org. host.example.org. 20 2 3 4 5", "serial 20\n"},
      {"add example.org. 60 SOA ns.example.org. host.example.org. 10 2 3 4 6", ""},
      {"add example.org. 60 SOA ns.example.org. host.example.org. 9 2 3 4 5", ""},
      {"add example.org. 60 SOA ns.example.org. host.example.org. 2147483657 2 3 4 5", "serial 2147483657\n"},
      {"add example.org. 60 SOA ns.example.org. host.example.org. 2147483659 2 3 4 5", ""},
      {"add www.example.org. 60 SOA ns.example.org. host.example.org. 20 2 3 4 5", ""},
      // two of them: the greater one, and never back to where the zone was
      {"add example.org. 60 SOA ns.example.org. host.example.org. 20 2 3 4 5\n"
       "add example.org. 60 SOA ns.example.org. host.example.org. 30 2 3 4 5",
       "serial 30\n"},
      {"add example.org. 60 SOA ns.example.org. host.example.org. 20 2 3 4 5\n"
       "add example.org. 60 SOA ns.example.org. host.example.org. 15 2 3 4 5",
       "serial 20\n"},
      {"add example.org. 60 SOA ns.example.org. host.example.org. 2147483657 2 3 4 5\n"
       "add example.org. 60 SOA ns.example.org. host.example.org. 8 2 3 4 5",
       "serial 2147483657\n"},
      {"add example.org. 60 SOA ns.example.org. host.example.org. 2000000000 2 3 4 5\n"
       "add example.org. 60 SOA ns.example.org. host.example.org. 4000000000 2 3 4 5",
       "serial 2000000000\n"},
      {"add example.org. 60 SOA ns.example.org. host.example.org. 20 2 3 4 5\nadd a.example.org. 60 TXT x",
       "+a 60 TXT \"x\"\nserial 20\n"},
      {"del example.org. SOA", ""},
      {"del example.org. SOA ns.example.org. host.example.org. 10 2 3 4 5", ""},
      // 2.5.2: delete an RRset
      {"del www.example.org. A", "-www 60 A 192.0.2.3\n-www 60 A 192.0.2.4\nserial 11\n"},
      {"del www.example.org. AAAA", ""},
      {"del nobody.example.org. A", ""},
      {"del example.org. NS", ""},
      {"del example.org. TXT", "-example.org. 60 TXT \"top\"\nserial 11\n"},
      // 2.5.3: delete all RRsets of a name
      {"del www.example.org.", "-www 60 A 192.0.2.3\n-www 60 A 192.0.2.4\n-www 60 TXT \"a\"\nserial 11\n"},
      {"del example.org.", "-example.org. 60 TXT \"top\"\nserial 11\n"},
      {"del ent.example.org.", ""},
      // 2.5.4: delete a record
      {"del www.example.org. A 192.0.2.3", "-www 60 A 192.0.2.3\nserial 11\n"},
      {"del WWW.example.org. A 192.0.2.3", "-www 60 A 192.0.2.3\nserial 11\n"},
      {"del www.example.org. A 192.0.2.9", ""},
      {"del www.example.org. TXT A", ""},
      {"del mail.example.org. MX 10 wWw.example.org.", "-mail 60 MX 10 WWW\nserial 11\n"},
      {"del example.org. NS ns.example.org.", "-example.org. 60 NS ns\nserial 11\n"},
      {"del example.org. NS ns.example.org.\ndel example.org. NS ns2.example.org.",
       "-example.org. 60 NS ns\nserial 11\n"},  // the last one stays
      // several at once, in their order
      {"add t.example.org. 5 TXT a\ndel t.example.org. TXT", ""},
      {"del t.example.org. TXT\nadd t.example.org. 5 TXT a", "+t 5 TXT \"a\"\nserial 11\n"},
      {"del www.example.org. A 192.0.2.3\nadd www.example.org. 60 A 192.0.2.3", ""},
      {"", ""},
  };
  for (const Case& each : kCases) {
    INFO(each.lines);
    const Result result = run(each.lines);
    CHECK(to_string(result.rcode) == "NOERROR");
    CHECK(result.changes == each.changes);
  }
}

TEST_CASE("update: what is refused before anything changes") {
  struct Case {
    const char* lines;
    const char* rcode;
  };
  constexpr Case kCases[] = {
      {"add a.example.org. 5 TXT x\nadd www.example.com. 5 A 192.0.2.9", "NOTZONE"},
      {"add a.example.org. 5 TXT x\nIN/5 a.example.org. ANY", "FORMERR"},
      {"IN/5 a.example.org. AXFR", "FORMERR"},
      {"IN/5 a.example.org. A", "FORMERR"},
      {"ANY/5 a.example.org. A", "FORMERR"},
      {"ANY/0 a.example.org. A 192.0.2.1", "FORMERR"},
      {"ANY/0 a.example.org. MAILB", "FORMERR"},
      {"NONE/5 a.example.org. A 192.0.2.1", "FORMERR"},
      {"NONE/0 a.example.org. ANY", "FORMERR"},
      {"NONE/0 a.example.org. A", "FORMERR"},
      {"NONE/0 a.example.org. TYPE65281", "NOERROR"},  // its data may be empty
      {"CH/0 a.example.org. A 192.0.2.1", "FORMERR"},
      {"HS/5 a.example.org. A 192.0.2.1", "FORMERR"},
      {"add a.example.org. 5 RRSIG A 13 3 60 20300101000000 20200101000000 1 example.org. AAAA", "REFUSED"},
      {"del www.example.org. NSEC", "REFUSED"},
  };
  for (const Case& each : kCases) {
    INFO(each.lines);
    const Result result = run(each.lines);
    CHECK(to_string(result.rcode) == each.rcode);
    CHECK(result.changes.empty());
  }
  CHECK(to_string(run("", "key", "example.com.").rcode) == "NOTAUTH");
  CHECK(to_string(run("", "key", "www.example.org.").rcode) == "NOTAUTH");
}

TEST_CASE("update: a key changes what its rules say, and nothing else") {
  const auto rcode = [](std::string_view key, std::string_view lines) { return to_string(run(lines, key).rcode); };
  CHECK(rcode("acme", "add _acme-challenge.www.example.org. 5 TXT x") == "NOERROR");
  CHECK(rcode("ACME", "del _ACME-challenge.www.example.org. TXT") == "NOERROR");
  CHECK(rcode("acme", "add _acme-challenge.www.example.org. 5 A 192.0.2.1") == "REFUSED");
  CHECK(rcode("acme", "del _acme-challenge.www.example.org.") == "REFUSED");
  CHECK(rcode("acme", "add www.example.org. 5 TXT x") == "REFUSED");
  CHECK(rcode("acme", "add x._acme-challenge.www.example.org. 5 TXT x") == "REFUSED");
  CHECK(rcode("acme", "add _acme-challenge.www.example.org. 5 TXT x\nadd www.example.org. 5 TXT x") == "REFUSED");
  CHECK(rcode("dhcp", "del a.dyn.example.org.\nadd a.b.dyn.example.org. 5 A 192.0.2.1") == "NOERROR");
  CHECK(rcode("dhcp", "add dyn.example.org. 5 A 192.0.2.1") == "REFUSED");
  CHECK(rcode("other", "prereq yxdomain nobody.example.org.") == "REFUSED");  // and learns nothing
  CHECK(rcode("acme", "prereq yxdomain nobody.example.org.") == "NXDOMAIN");
}

TEST_CASE("update: serial numbers") {
  constexpr std::int64_t kNow = 1'700'000'000;  // 2023-11-14
  CHECK(next_serial(10, SerialPolicy::increment, kNow) == 11);
  CHECK(next_serial(0xFFFFFFFF, SerialPolicy::increment, kNow) == 1);
  CHECK(next_serial(10, SerialPolicy::unixtime, kNow) == 1'700'000'000);
  CHECK(next_serial(1'700'000'000, SerialPolicy::unixtime, kNow) == 1'700'000'001);
  CHECK(next_serial(10, SerialPolicy::date, kNow) == 2023111400);
  CHECK(next_serial(2023111400, SerialPolicy::date, kNow) == 2023111401);
  CHECK(next_serial(2023111399, SerialPolicy::date, kNow) == 2023111400);
  // A clock that was wrong, and is right again: the next number, until the clock is there.
  CHECK(next_serial(1'900'000'000, SerialPolicy::unixtime, kNow) == 1'900'000'001);
  CHECK(next_serial(2030010100, SerialPolicy::date, kNow) == 2030010101);
  CHECK(next_serial(10, SerialPolicy::unixtime, 0) == 11);
  CHECK(next_serial(10, SerialPolicy::unixtime, std::int64_t{10} + 0x80000000) == 11);  // further than serials reach
}

TEST_CASE("update: several updates, one after the other, and one list of changes") {
  const tests::TestZone zone(kZone, "example.org");
  EditedZone edited(zone.bytes());
  const auto apply = [&](std::string_view lines) {
    const tests::Packet message = tests::update_message("example.org.", lines);
    return to_string(update(*Request::read(message), *dns::Name::parse("key"), settings(), 0, edited).rcode);
  };
  CHECK(apply("prereq nxdomain a.example.org.\nadd a.example.org. 5 TXT x") == "NOERROR");
  CHECK(apply("prereq nxdomain a.example.org.\nadd a.example.org. 5 TXT x") == "YXDOMAIN");
  CHECK(apply("prereq yxrrset a.example.org. TXT x\nadd a.example.org. 5 TXT y") == "NOERROR");
  CHECK(apply("del a.example.org. TXT x\ndel a.example.org. TXT y") == "NOERROR");
  CHECK(edited.serial() == 13);
  CHECK(edited.changes().removed.size() == 1);  // the SOA
  CHECK(edited.changes().added.size() == 1);
}

crypto::Digest digest_of(std::string_view text) { return crypto::sha256(as_bytes(text)); }

TEST_CASE("journal: entries are read as they were written, whatever was cut off at the end") {
  const tests::TestZone zone(kZone, "example.org");
  EditedZone edited(zone.bytes());
  std::vector<std::uint8_t> journal = write_start({zone_digest(zone.bytes()), 10});
  CHECK(journal.size() == kJournalStart);
  std::vector<std::size_t> ends = {journal.size()};
  std::vector<Changes> changes;
  for (const char* const lines : {"add a.example.org. 5 TXT x", "del www.example.org.", "del a.example.org. TXT x"}) {
    const tests::Packet message = tests::update_message("example.org.", lines);
    changes.push_back(update(*Request::read(message), *dns::Name::parse("key"), settings(), 0, edited).changes);
    append_entry({1'700'000'000 + std::int64_t(ends.size()), digest_of(lines), changes.back()}, journal);
    ends.push_back(journal.size());
  }
  for (std::size_t size = 0; size <= journal.size(); ++size) {
    const Bytes part = Bytes(journal).first(size);
    const auto start = read_start(part);
    REQUIRE(start.has_value() == (size >= kJournalStart));
    if (!start) continue;
    CHECK(start->zone == zone_digest(zone.bytes()));
    CHECK(start->serial == 10);
    std::vector<JournalEntry> entries;
    const auto end = read_entries(part, [&](JournalEntry entry) {
      entries.push_back(std::move(entry));
      return swage::Result<>();
    });
    REQUIRE(end);
    const auto whole = static_cast<std::size_t>(std::ranges::upper_bound(ends, size) - ends.begin() - 1);
    CHECK(*end == ends[whole]);
    REQUIRE(entries.size() == whole);
    for (std::size_t i = 0; i < whole; ++i) CHECK(entries[i].changes == changes[i]);
  }
  NetChanges net;
  for (const Changes& each : changes) net.add(each);
  EditedZone again(zone.bytes());
  REQUIRE(again.replay(net.changes()));
  CHECK(again.serial() == 13);
  CHECK(again.changes().removed.size() == 4);  // of www, and the SOA
  CHECK(again.changes().added.size() == 1);
  CHECK_FALSE(again.replay(changes[0]));  // the SOA is another one
  CHECK_FALSE(EditedZone(tests::TestZone(kZone, "example.com").bytes()).replay(changes[0]));
}

TEST_CASE("journal: what is damaged ends it, or is refused") {
  std::vector<std::uint8_t> journal = write_start({{}, 10});
  append_entry({0, {}, {}}, journal);
  const auto entries = [&] {
    std::size_t count = 0;
    static_cast<void>(read_entries(journal, [&](const JournalEntry&) {
      ++count;
      return swage::Result<>();
    }));
    return count;
  };
  for (std::size_t at = 0; at < journal.size(); ++at) {
    journal[at] ^= 1;
    CHECK((at < kJournalStart ? !read_start(journal) : entries() == 0));
    journal[at] ^= 1;
  }
  CHECK(entries() == 1);
}

TEST_CASE("journal: the digest is that of a zone's records") {
  const auto digest = [](std::string_view text) { return zone_digest(tests::TestZone(text, "example.org").bytes()); };
  CHECK(digest("@ 60 SOA ns host 1 2 3 4 5\n@ 60 NS ns\nns 60 A 192.0.2.1\n") ==
        digest("ns 60 A 192.0.2.1 ; a comment\n@ 60 NS ns\n@ 60 SOA ns host 1 2 3 4 5\n"));
  CHECK(digest("@ 60 SOA ns host 1 2 3 4 5\n@ 60 NS ns\nns 60 A 192.0.2.1\n") !=
        digest("@ 60 SOA ns host 1 2 3 4 5\n@ 60 NS ns\nns 61 A 192.0.2.1\n"));
}

TEST_CASE("update: responses, and requests that cannot be read") {
  const tests::Packet message = tests::update_message("example.org.", "add a.example.org. 5 TXT x", 0x1234);
  const auto response = response_to(message, dns::Rcode::refused);
  CHECK(response.size() == 12 + 13 + 4);
  CHECK(load_u16(response.data()) == 0x1234);
  CHECK(load_u16(&response[2]) == (0x8000 | 5 << 11 | 5));
  CHECK(load_u16(&response[4]) == 1);
  CHECK(load_u32(&response[6]) == 0);
  for (std::size_t size = 12; size < message.size(); ++size) {
    INFO(size);
    CHECK_FALSE(Request::read(Bytes(message).first(size)));
    CHECK(response_to(Bytes(message).first(size), dns::Rcode::formerr).size() >= 12);
  }
  tests::Packet wrong = message;
  wrong.push_back(0);
  CHECK_FALSE(Request::read(wrong));
  wrong = message;
  wrong[12 + 13 + 1] = 1;  // ZTYPE A
  CHECK_FALSE(Request::read(wrong));
  wrong = message;
  wrong[5] = 2;  // two zones
  CHECK_FALSE(Request::read(wrong));
}

}  // namespace
}  // namespace swage::update
