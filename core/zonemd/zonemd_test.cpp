#include "core/zonemd/zonemd.h"

#include <optional>
#include <vector>

#include "core/zone/all_records.h"
#include "core/zonefile/reader.h"
#include "tests/support/loopback.h"
#include "tests/support/process.h"

#include <catch2/catch.hpp>  // last: its CHECK is the one that counts here

namespace swage::zonemd {
namespace {

class Zone {
 public:
  Zone(std::string_view text, std::string_view apex, std::optional<Hash> made = {})
      : builder_(dns::Name::parse(apex).value(), 0) {
    if (made) reserve(builder_, *made);
    const auto read = zonefile::read_text(text, "zone", builder_.apex(), builder_);
    INFO((read ? "" : read.error().text()));
    REQUIRE(read);
    words_.resize(builder_.image_size() / 8 + 1);
    builder_.write(image());
  }
  MutableBytes image() { return MutableBytes(reinterpret_cast<std::uint8_t*>(words_.data()), builder_.image_size()); }

 private:
  zone::Builder builder_;
  std::vector<std::uint64_t> words_;
};

// "verified", "none", a warning or an error.
std::string check_of(std::string_view text, std::string_view apex = "example") {
  Zone zone(text, apex);
  const auto checked = check(zone.image());
  if (!checked) return checked.error().text();
  return checked->verified ? "verified" : checked->warning.empty() ? "none" : checked->warning;
}

// RFC 8976 appendix A.1.
const std::string kHead =
    "example. 86400 IN SOA ns1 admin 2018031900 1800 900 604800 86400\n 86400 IN NS ns1\n 86400 IN NS ns2\n"
    "ns1 3600 IN A 203.0.113.63\nns2 3600 IN AAAA 2001:db8::63\n";
const std::string kSimpleDigest =
    "c68090d90a7aed716bc459f9340e3d7c1370d4d24b7e2fc3a1ddc0b9a87153b9a9713b3c9ae5cc27777f98b8e730044c";
const std::string kZeros = std::string(96, '0');

std::string zonemd(std::string_view data) { return formatted("@ 86400 ZONEMD {}\n", data); }

TEST_CASE("zonemd: the examples of RFC 8976 appendix A") {
  CHECK(check_of(kHead + zonemd("2018031900 1 1 " + kSimpleDigest)) == "verified");
  CHECK(check_of(
            kHead +
            "occluded.sub 7200 IN TXT \"I'm occluded but must be digested\"\nsub 7200 IN NS ns1\n"
            "duplicate 300 IN TXT \"I must be digested just once\"\nduplicate 300 IN TXT \"I must be digested just "
            "once\"\nfoo.test. 555 IN TXT \"out-of-zone data must be excluded\"\n"
            "UPPERCASE 3600 IN TXT \"canonicalize uppercase owner names\"\n* 777 IN PTR dont-forget-about-wildcards\n"
            "mail 3600 IN MX 20 MAIL1\nmail 3600 IN MX 10 Mail2.Example.\nsortme 3600 IN AAAA 2001:db8::5:61\n"
            "sortme 3600 IN AAAA 2001:db8::3:62\nsortme 3600 IN AAAA 2001:db8::4:63\nsortme 3600 IN AAAA "
            "2001:db8::1:65\nsortme 3600 IN AAAA 2001:db8::2:64\n"
            "non-apex 900 IN ZONEMD 2018031900 1 1 616c6c6f776564206275742069676e6f7265642e20616c6c6f776564206275742"
            "069676e6f7265642e20616c6c6f7765\n" +
            zonemd("2018031900 1 1 a3b69bad980a3504e1cffcb0fd6397f93848071c93151f552ae2f6b1711d4bd2d8b39808226d7b9db7"
                   "1e34b72077f8fe")) == "verified");
  CHECK(check_of(
            "example. 86400 IN SOA ns1 admin 2018031900 1800 900 604800 86400\nexample. 86400 IN NS ns1.example.\n"
            "example. 86400 IN NS ns2.example.\nns1.example. 3600 IN A 203.0.113.63\nns2.example. 86400 IN TXT \"This "
            "example has multiple digests\"\nns2.example. 3600 IN AAAA 2001:db8::63\n" +
            zonemd("2018031900 1 1 62e6cf51b02e54b9b5f967d547ce43136792901f9f88e637493daaf401c92c279dd10f0edb1c56f80802"
                   "11f8480ee306") +
            zonemd("2018031900 1 2 08cfa1115c7b948c4163a901270395ea226a930cd2cbcf2fa9a5e6eb85f37c8a4e114d884e66f176ea"
                   "b121cb02db7d652e0cc4827e7a3204f166b47e5613fd27") +
            zonemd("2018031900 1 240 e2d523f654b9422a96c5a8f44607bbee") +
            zonemd("2018031900 241 1 e1846540e33a9e4189792d18d5d131f605fc283e")) == "verified");
}

TEST_CASE("zonemd: what is wrong, and what cannot be checked") {
  CHECK(check_of(kHead) == "none");
  CHECK(check_of(kHead + zonemd("2018031900 1 1 " + kZeros)) ==
        "its SHA-384 digest is " + kSimpleDigest + "; its ZONEMD record says " + kZeros + " (RFC 8976 section 4)");
  CHECK(check_of(kHead + "more A 192.0.2.1\n" + zonemd("2018031900 1 1 " + kSimpleDigest))
            .ends_with("its ZONEMD record says " + kSimpleDigest + " (RFC 8976 section 4)"));
  CHECK(check_of(kHead + zonemd("2018031901 1 1 " + kSimpleDigest)) ==
        "its ZONEMD record is for serial 2018031901; the serial is 2018031900 (RFC 8976 section 4)");
  CHECK(check_of(kHead + zonemd("2018031900 2 1 " + kSimpleDigest)) ==
        "its ZONEMD record has an unknown scheme and is not checked");
  CHECK(check_of(kHead + zonemd("2018031900 1 3 " + kSimpleDigest)) ==
        "its ZONEMD record has an unknown hash algorithm and is not checked");
  CHECK(check_of(kHead + zonemd("2018031900 1 1 " + kSimpleDigest) + zonemd("2018031900 1 1 " + kZeros)) ==
        "its ZONEMD record has the same scheme and hash algorithm as another one and is not checked");
  CHECK(check_of(kHead + zonemd("2018031900 1 2 " + kZeros + kZeros.substr(64)) +
                 zonemd("2018031900 1 1 " + kSimpleDigest)) == "verified");  // one of several is enough
}

TEST_CASE("zonemd: the digest is made") {
  Zone zone(kHead + zonemd("7 1 2 " + kZeros + kZeros.substr(64)), "example", Hash::sha384);
  REQUIRE(fill_in(zone.image()));
  CHECK(check(zone.image())->verified);
  zone::AllRecords records(zone.image());
  std::string text;
  while (const auto record = records.next()) {
    if (record->type != dns::Type::zonemd) continue;
    text += formatted("{} {} ", record->ttl, load_u32(record->rdata.data()));
    for (const std::uint8_t byte : record->rdata.subspan(6)) text += formatted("{:02x}", byte);
  }
  CHECK(text == "86400 2018031900 " + kSimpleDigest);

  Zone large(kHead, "example", Hash::sha512);
  REQUIRE(fill_in(large.image()));
  CHECK(check(large.image())->verified);

  Zone is_signed(kHead + "@ DNSKEY 257 3 13 " + std::string(86, 'A') + "==\n", "example", Hash::sha384);
  CHECK(fill_in(is_signed.image()).error().text() ==
        "the zone is signed; whoever signs it has to make its ZONEMD record");
}

// Names in all cases, in data too, names that sort oddly, wildcards, delegations, and types whose names are spelled as
// they are in canonical form, too.
constexpr std::string_view kPeersZone = R"($ORIGIN Example.Org.
$TTL 3600
@ SOA NS.example.org. HostMaster 5 7200 3600 1209600 300
@ NS ns
@ NS NS2
@ MX 10 Mail.Example.ORG.
@ MX 10 mail2
NS A 192.0.2.1
ns2 AAAA 2001:db8::1
mail A 192.0.2.2
mail2 A 192.0.2.3
Www CNAME MAIL
*.Wild TXT "x" "Y"
srv SRV 1 2 3 MAIL
nap NAPTR 1 1 "U" "E2U+sip" "!^.*$!sip:A@B.c!" .
nap NAPTR 1 1 "" "" "" Www.Example.org.
sub NS ns.SUB
ns.sub A 192.0.2.9
rp RP Me.Example. You.Example.
svc HTTPS 1 Www.Example.ORG. alpn=h2
d DNAME Other.Example.
\097b\.c TXT "q"
)";

TEST_CASE("zonemd: ldns's digests are ours, of signed zones too") {
  const tests::Folder folder;
  static_cast<void>(folder.write("zone", kPeersZone));
  const auto peer = [&](std::vector<std::string> arguments) {
    auto output = tests::run({.arguments = std::move(arguments), .folder = folder.path()});
    REQUIRE(output);
    output->erase(output->find_last_not_of('\n') + 1);
    return *output;
  };
  const std::string key = peer({"ldns-keygen", "-a", "ECDSAP256SHA256", "-k", "Example.Org"});
  const std::vector<std::vector<std::string>> ways = {{"-Z", "-z", "sha384", "zone"},
                                                      {"-Z", "-z", "sha512", "zone"},
                                                      {"-z", "sha384", "zone", key},
                                                      {"-n", "-z", "sha512", "zone", key}};
  for (const std::vector<std::string>& way : ways) {
    std::vector<std::string> arguments = {"ldns-signzone", "-f", "made"};
    arguments.insert(arguments.end(), way.begin(), way.end());
    static_cast<void>(peer(arguments));
    std::string text = tests::read_file(folder.file("made"));
    CHECK(text.find("ZONEMD\t5 1 ") != std::string::npos);
    CHECK(check_of(text, "example.org") == "verified");
    text.replace(text.find("192.0.2.9"), 9, "192.0.2.8");
    CHECK(check_of(text, "example.org").ends_with("(RFC 8976 section 4)"));
  }
}

}  // namespace
}  // namespace swage::zonemd
