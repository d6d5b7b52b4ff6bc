// Zones that are signed, checked by our own verification, and by the tools of BIND, ldns and Knot. "[.long]" does it
// with many more zones.
#include "core/dnssec/zone_signer.h"

#include <algorithm>
#include <random>
#include <regex>

#include <fmt/format.h>

#include "core/dnssec/name_walk.h"
#include "core/dnssec/type_bitmap.h"
#include "core/text.h"
#include "core/zone/view.h"
#include "core/zonefile/reader.h"
#include "core/zonefile/writer.h"
#include "tests/support/loopback.h"
#include "tests/support/process.h"
#include "tests/support/zone_answers.h"
#include "tests/support/zone_generator.h"

#include <catch2/catch.hpp>  // last: its CHECK is the one that counts here

namespace swage::dnssec {
namespace {

constexpr std::int64_t kNow = 1'800'000'000, kDay = 86'400;

using Image = std::vector<std::uint64_t>;
Bytes bytes_of(const Image& image) {
  return {reinterpret_cast<const std::uint8_t*>(image.data()), image.size() * sizeof(std::uint64_t)};
}

Image written(const zone::Builder& builder) {
  Image image((builder.image_size() + 7) / 8);
  builder.write({reinterpret_cast<std::uint8_t*>(image.data()), builder.image_size()});
  return image;
}

Image read(const std::string& text, const std::string& apex) {
  zone::Builder builder(*dns::Name::parse(apex), kNow);
  const auto read = zonefile::read_text(text, "zone", builder.apex(), builder);
  if (!read) FAIL(read.error().text());
  return written(builder);
}

ZoneKeys make_keys(const std::string& apex, bool split = true) {
  const dns::Name zone = *dns::Name::parse(apex);
  ZoneKeys keys;
  keys.published.push_back(*Key::generate(zone, Algorithm::ecdsap256sha256, kKsk));
  if (split) keys.published.push_back(*Key::generate(zone, Algorithm::ecdsap256sha256, kZsk));
  keys.sign_keys = {0};
  keys.sign_zone = {split ? 1U : 0U};
  keys.cds = {ds_of(keys.published[0], DsDigest::sha256)};
  keys.cdnskey = {{keys.published[0].dnskey().begin(), keys.published[0].dnskey().end()}};
  return keys;
}

struct Made {
  Image image;
  SignedZone figures;
  std::vector<std::string> doubts;  // that the builder has of the chain and signatures
};

Made sign(const Image& zone, const Image& before, const ZoneKeys& keys, const SigningPolicy& policy,
          std::int64_t now = kNow, std::uint32_t serial = 7) {
  zone::Builder builder(dns::Name(zone::View(bytes_of(zone)).apex()), now);
  const auto done =
      sign_zone(bytes_of(zone), before.empty() ? Bytes() : bytes_of(before), serial, keys, policy, now, builder);
  if (!done) FAIL(done.error().text());
  const zone::Report& report = builder.report();
  Made made{{}, *done, {}};
  made.image = written(builder);
  for (const auto kind : {zone::Warning::chain, zone::Warning::unsigned_data}) {
    if (report.warnings_of(kind) != 0) made.doubts = report.warnings();
  }
  return made;
}

// All records but signatures, one a line; NSEC3s too.
std::vector<std::string> records(const Image& image, bool with_signatures = false) {
  std::vector<std::string> lines;
  zone::AllRecords all(bytes_of(image));
  while (const auto record = all.next()) {
    if (record->type == dns::Type::rrsig && !with_signatures) continue;
    std::string line;
    zonefile::append_line(*record, line);
    lines.push_back(line);
  }
  std::ranges::sort(lines);
  return lines;
}

// That each RRset that has signatures has good ones, by the keys that are to sign it. Gives how many.
std::size_t verify(const Image& image, const ZoneKeys& keys) {
  NameWalk names(bytes_of(image));
  RrsetSigner signer;
  std::size_t count = 0;
  while (names.next()) {
    for (const RrsetView& rrset : names.rrsets()) {
      if (rrset.signatures.empty()) continue;
      std::vector<Bytes> data;
      for (const auto& record : rrset.records) data.push_back(record.rdata);
      signer.set({names.owner(), rrset.type, rrset.ttl, data});
      const bool by_entry =
          rrset.type == dns::Type::dnskey || rrset.type == dns::Type::cds || rrset.type == dns::Type::cdnskey;
      const auto& by = by_entry ? keys.sign_keys : keys.sign_zone;
      INFO(names.owner().to_string() << ' ' << to_string(rrset.type));
      REQUIRE(rrset.signatures.size() == by.size());
      for (std::size_t i = 0; i < by.size(); ++i, ++count) {
        REQUIRE(signer.verify(keys.published[by[i]], rrset.signatures[i].rdata));
      }
    }
  }
  return count;
}

SigningPolicy policy_of(int kind) {
  SigningPolicy policy;
  policy.nsec3 = kind > 0;
  policy.opt_out = kind == 2;
  if (kind == 2) policy.salt = {0xAB, 0xCD};
  return policy;
}
constexpr std::string_view kKinds[] = {"NSEC", "NSEC3", "NSEC3 with opt-out"};

constexpr const char* kZone =
    "$TTL 300\n@ 600 SOA ns host 1 7200 900 1209600 120\n@ NS ns\n@ MX 10 Mail\nns A 192.0.2.1\nmail A 192.0.2.2\n"
    "*.w TXT wild\nb.ent A 192.0.2.3\nsecure NS ns.secure\nsecure DS 1 13 2 "
    "0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef\nns.secure A 192.0.2.4\n"
    "plain NS ns.plain\nplain A 192.0.2.9\nns.plain A 192.0.2.5\nalias CNAME mail\ndn DNAME other.test.\n"
    "x.dn TXT hidden\ny.deep.plain TXT hidden\n_x TYPE65280 \\# 2 abcd\n";

TEST_CASE("zone_signer: type bitmaps") {
  const auto bitmap = [](std::vector<int> numbers) {
    std::vector<dns::Type> types;
    for (const int number : numbers) types.push_back(dns::Type{static_cast<std::uint16_t>(number)});
    std::vector<std::uint8_t> bytes;
    append_type_bitmap(types, bytes);
    return bytes;
  };
  using B = std::vector<std::uint8_t>;
  CHECK(bitmap({}).empty());
  CHECK(bitmap({1, 15, 46, 47, 1234}) ==  // RFC 4034 section 4.3
        B{0, 6, 0x40, 1, 0, 0, 0, 3, 4, 27, 0, 0, 0, 0, 0, 0, 0, 0,   0,
          0, 0, 0,    0, 0, 0, 0, 0, 0, 0,  0, 0, 0, 0, 0, 0, 0, 0x20});
  CHECK(bitmap({255, 256, 65535}).size() == 34 + 3 + 34);
}

TEST_CASE("zone_signer: what a zone with everything gets") {
  const ZoneKeys keys = make_keys("example.org");
  const Image zone = read(kZone, "example.org");
  const auto has = [](const std::vector<std::string>& all, const std::string& line) {
    return std::ranges::find(all, line + "\n") != all.end();
  };
  SECTION("NSEC") {
    const Made made = sign(zone, {}, keys, policy_of(0));
    CHECK(made.doubts.empty());
    CHECK(made.figures.made == verify(made.image, keys));
    const auto all = records(made.image);
    CHECK(has(all, "example.org. 600 SOA ns.example.org. host.example.org. 7 7200 900 1209600 120"));
    CHECK(has(all, "example.org. 120 NSEC _x.example.org. NS SOA MX RRSIG NSEC DNSKEY CDS CDNSKEY"));
    CHECK(has(all, "dn.example.org. 120 NSEC b.ent.example.org. DNAME RRSIG NSEC"));
    CHECK(has(all, "plain.example.org. 120 NSEC secure.example.org. NS RRSIG NSEC"));
    CHECK(has(all, "secure.example.org. 120 NSEC *.w.example.org. NS DS RRSIG NSEC"));
    CHECK(has(all, "*.w.example.org. 120 NSEC example.org. TXT RRSIG NSEC"));
    CHECK(has(all, "x.dn.example.org. 300 TXT \"hidden\""));
    CHECK(has(all, "_x.example.org. 120 NSEC alias.example.org. RRSIG NSEC TYPE65280"));
  }
  SECTION("NSEC3") {
    const Made made = sign(zone, {}, keys, policy_of(1));
    CHECK(made.doubts.empty());
    CHECK(made.figures.made == verify(made.image, keys));
    // apex, _x, alias, dn, ent, b.ent, mail, ns, plain, secure, w, *.w
    const auto all = records(made.image);
    CHECK(std::ranges::count_if(all, [](const auto& line) { return line.find(" NSEC3 ") != std::string::npos; }) == 12);
    CHECK(has(all, "example.org. 0 NSEC3PARAM 1 0 0 -"));
    CHECK(sign(zone, {}, keys, policy_of(2)).doubts.empty());
  }
  SECTION("what a signer has made before goes") {
    const Made first = sign(zone, {}, keys, policy_of(1));
    CHECK(records(sign(first.image, {}, keys, policy_of(0)).image) ==
          records(sign(zone, {}, keys, policy_of(0)).image));
  }
  SECTION("no keys, half a key") {
    zone::Builder builder(*dns::Name::parse("example.org"), kNow);
    ZoneKeys none;
    CHECK(sign_zone(bytes_of(zone), {}, 1, none, {}, kNow, builder).error().text() == "no key signs the zone");
    ZoneKeys half = keys;
    half.published[1] = half.published[1].public_half();
    const auto failed = sign_zone(bytes_of(zone), {}, 1, half, {}, kNow, builder);
    REQUIRE(!failed);
    CHECK(failed.error().text().ends_with("(ECDSAP256SHA256) has no private half"));
  }
}

TEST_CASE("zone_signer: a change is signed, and what is about to expire; the rest stays") {
  const ZoneKeys keys = make_keys("example.org", false);
  const int kind = GENERATE(0, 1);
  SigningPolicy policy = policy_of(kind);
  const Image zone = read(kZone, "example.org");
  const Made first = sign(zone, {}, keys, policy);

  const Made same = sign(zone, first.image, keys, policy, kNow + kDay, 8);
  CHECK(!same.figures.changed);
  CHECK(same.figures.made == 1);  // the SOA's
  CHECK(sign(zone, first.image, keys, policy, kNow, 7).image == first.image);

  const Image changed = read(std::string(kZone) + "mail A 192.0.2.77\nnew A 192.0.2.78\n", "example.org");
  const Made next = sign(changed, first.image, keys, policy, kNow + kDay, 8);
  CHECK(next.figures.changed);
  // SOA, two As, the denial of mail or ns, and that of new; and, of NSEC3s, the one before new's
  CHECK(next.figures.made <= 6);
  CHECK(verify(next.image, keys) == next.figures.made + next.figures.kept);
  CHECK(records(next.image) == records(sign(changed, {}, keys, policy, kNow, 8).image));

  const Image glue = read(std::string(kZone) + "ns.plain A 192.0.2.100\n", "example.org");
  CHECK(sign(glue, first.image, keys, policy, kNow, 8).figures.changed);
  CHECK(sign(zone, sign(glue, first.image, keys, policy, kNow, 8).image, keys, policy, kNow, 9).figures.changed);
  const std::string other_soa = std::string(kZone).replace(std::string(kZone).find("7200"), 4, "7201");
  CHECK(sign(read(other_soa, "example.org"), first.image, keys, policy, kNow, 8).figures.changed);

  SECTION("signatures expire one after another") {
    std::int64_t now = kNow;
    Image image = first.image;
    std::size_t most = 0, rounds = 0;
    policy.validity.jitter = 5 * kDay;
    for (; now < kNow + 40 * kDay; now += kDay / 4) {
      Made again = sign(zone, image, keys, policy, now, static_cast<std::uint32_t>(now));
      if (!again.figures.changed) continue;
      REQUIRE(again.doubts.empty());
      ++rounds;
      if (now > kNow + 12 * kDay) most = std::max(most, again.figures.made);
      image = std::move(again.image);
      REQUIRE(*zone::View(bytes_of(image)).signatures_expire_at(now) >= now + policy.validity.renew_before);
    }
    CHECK(rounds > 10);
    CHECK(most < first.figures.made);
  }
  SECTION("the clock was set back") {
    const Made again = sign(zone, first.image, keys, policy, kNow - kDay, 8);
    CHECK(again.figures.kept == 0);
  }
  SECTION("another key, another chain") {
    const ZoneKeys others = make_keys("example.org");
    const Made rolled = sign(zone, first.image, others, policy, kNow, 8);
    CHECK(rolled.figures.kept == 0);
    CHECK(verify(rolled.image, others) == rolled.figures.made);
    const Made turned = sign(zone, first.image, keys, policy_of(1 - kind), kNow, 8);
    CHECK(turned.doubts.empty());
    CHECK(records(turned.image) == records(sign(zone, {}, keys, policy_of(1 - kind), kNow, 8).image));
    CHECK(turned.figures.kept > 10);
  }
}

// The owner, type and data of NSEC, NSEC3 and NSEC3PARAM records, but for the types that signers add or may leave out.
std::vector<std::string> chain_of(const Image& image) {
  std::vector<std::string> chain;
  for (std::string line : records(image)) {
    if (line.find(" NSEC") == std::string::npos) continue;
    line = std::regex_replace(line, std::regex("^(\\S+) \\d+"), "$1");
    chain.push_back(std::regex_replace(line, std::regex(" (CDS|CDNSKEY)(?= |\n)"), ""));
    std::ranges::transform(chain.back(), chain.back().begin(), to_lower);
  }
  std::ranges::sort(chain);
  return chain;
}

// Files of `keys` as BIND's tools take them, in the folder; their paths.
std::vector<std::string> bind_keys(const tests::Folder& folder, const std::string& apex) {
  std::vector<std::string> paths;
  for (const bool entry : {false, true}) {
    tests::Command make{.arguments = {"dnssec-keygen", "-q", "-a", "ECDSAP256SHA256", apex}, .folder = folder.path()};
    if (entry) make.arguments.insert(make.arguments.end() - 1, {"-f", "KSK"});
    std::string name = *tests::run(make);
    name.erase(name.find_last_not_of('\n') + 1);
    paths.push_back(name);
  }
  return paths;
}

void compare_with_others(std::uint32_t seed, int kind) {
  INFO("seed " << seed << ", " << kKinds[kind]);
  const tests::GeneratedZone generated = tests::generate_zone("example.org.", seed);
  const Image zone = read(generated.text, "example.org");
  const ZoneKeys keys = make_keys("example.org");
  SigningPolicy policy = policy_of(kind);
  const std::int64_t now = std::time(nullptr);
  const Made made = sign(zone, {}, keys, policy, now);
  CHECK(made.doubts.empty());
  CHECK(verify(made.image, keys) == made.figures.made);

  const tests::Folder folder;
  const std::string ours = folder.file("ours"), theirs = folder.file("theirs"),
                    plain = folder.write("plain", generated.text);
  REQUIRE(zonefile::save(ours, bytes_of(made.image), "signed"));
  CHECK(records(read(tests::read_file(ours), "example.org"), true) == records(made.image, true));
  const std::vector<std::vector<std::string>> verifiers = {{"dnssec-verify", "-o", "example.org", ours},
                                                           {"ldns-verify-zone", ours}};
  for (const auto& arguments : verifiers) {
    const auto verified = tests::run({.arguments = arguments});
    if (!verified) FAIL_CHECK(arguments[0] << ": " << verified.error().text());
  }
  tests::Command command{.arguments = {"dnssec-signzone", "-o", "example.org", "-f", theirs, "-x"},
                         .folder = folder.path()};
  if (kind == 1) command.arguments.insert(command.arguments.end(), {"-3", "-"});
  if (kind == 2) command.arguments.insert(command.arguments.end(), {"-3", "ABCD", "-A"});
  command.arguments.insert(command.arguments.end(), {"-S", "-K", folder.path(), plain});
  bind_keys(folder, "example.org");
  const auto signed_there = tests::run(command);
  if (!signed_there) FAIL(signed_there.error().text());
  const auto chain = chain_of(made.image), expected = chain_of(read(tests::read_file(theirs), "example.org"));
  std::vector<std::string> ours_alone, theirs_alone;
  std::ranges::set_difference(chain, expected, std::back_inserter(ours_alone));
  std::ranges::set_difference(expected, chain, std::back_inserter(theirs_alone));
  CHECK(ours_alone == std::vector<std::string>());
  CHECK(theirs_alone == std::vector<std::string>());
}

TEST_CASE("zone_signer: random zones have the chains that dnssec-signzone makes, and are good for others") {
  const int kind = GENERATE(0, 1, 2);
  compare_with_others(static_cast<std::uint32_t>(kind + 1), kind);
}

TEST_CASE("zone_signer: many random zones", "[.long]") {
  for (std::uint32_t seed = 10; seed < 210; ++seed) {
    for (const int kind : {0, 1, 2}) compare_with_others(seed, kind);
  }
}

TEST_CASE("zone_signer: random changes, incrementally: as if signed anew") {
  const int kind = GENERATE(0, 1, 2);
  const ZoneKeys keys = make_keys("example.org", false);
  Image image;
  std::mt19937 random(5);
  std::vector<std::string> lines;
  std::string head;
  {
    std::string text = tests::generate_zone("example.org.", 3).text;
    for (std::size_t at = 0, end; (end = text.find('\n', at)) != std::string::npos; at = end + 1) {
      const std::string line = text.substr(at, end + 1 - at);
      if (line.find(" SOA ") != std::string::npos)
        head = line;
      else
        lines.push_back(line);
    }
  }
  std::int64_t now = kNow;
  for (std::uint32_t round = 0; round < 8; ++round, now += 3 * kDay) {
    std::string text = head;
    for (const std::string& line : lines) {
      if (random() % 4 != 0) text += line;
    }
    const Image zone = read(text, "example.org");
    Made made = sign(zone, image, keys, policy_of(kind), now, round);
    REQUIRE(made.doubts.empty());
    REQUIRE(verify(made.image, keys) == made.figures.made + made.figures.kept);
    REQUIRE(records(made.image) == records(sign(zone, {}, keys, policy_of(kind), now, round).image));
    if (round > 0) CHECK(made.figures.kept > 0);
    image = std::move(made.image);
  }
}

}  // namespace
}  // namespace swage::dnssec
