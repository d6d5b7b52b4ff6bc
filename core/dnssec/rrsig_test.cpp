#include "core/dnssec/rrsig.h"

#include <array>
#include <string>

#include "core/dnssec/compact.h"

#include <catch2/catch.hpp>  // last: its CHECK is the one that counts here

namespace swage::dnssec {
namespace {

using dns::Type;

std::vector<std::uint8_t> name(std::string_view text) {
  const dns::Name name = dns::Name::parse(text).value();
  return {name.data(), name.data() + name.size()};
}

std::vector<std::uint8_t> operator+(std::vector<std::uint8_t> a, const std::vector<std::uint8_t>& b) {
  a.insert(a.end(), b.begin(), b.end());
  return a;
}

// A record of the canonical form.
std::vector<std::uint8_t> record(std::string_view owner, std::uint8_t type, const std::vector<std::uint8_t>& rdata) {
  const auto size = static_cast<std::uint8_t>(rdata.size());
  return name(owner) + std::vector<std::uint8_t>{0, type, 0, 1, 0, 0, 14, 16, 0, size} + rdata;
}

Bytes bytes(const std::vector<std::uint8_t>& vector) { return vector; }

}  // namespace

TEST_CASE("rrsig: what is signed is in canonical form and order, each record once") {
  const auto b = std::vector<std::uint8_t>{0, 10} + name("B.example.org"),
             a = std::vector<std::uint8_t>{0, 10} + name("a.Example.org"),
             b_again = std::vector<std::uint8_t>{0, 10} + name("b.EXAMPLE.org");
  const std::array<Bytes, 3> rdata = {bytes(b), bytes(a), bytes(b_again)};
  RrsetSigner signer;
  const auto owner = name("WWW.Example.ORG");
  signer.set({.owner = {owner.data(), owner.size()}, .type = Type::mx, .ttl = 3600, .rdata = rdata});
  const auto expected = record("www.example.org", 15, std::vector<std::uint8_t>{0, 10} + name("a.example.org")) +
                        record("www.example.org", 15, std::vector<std::uint8_t>{0, 10} + name("b.example.org"));
  CHECK(std::ranges::equal(signer.records(), expected));
}

TEST_CASE("rrsig: the target of a newer type keeps its case (RFC 6840 section 5.1)") {
  const auto target = std::vector<std::uint8_t>{0, 1} + name("Target.Example.org");
  const std::array<Bytes, 1> rdata = {bytes(target)};
  RrsetSigner signer;
  const auto owner = name("example.org");
  signer.set({.owner = {owner.data(), owner.size()}, .type = Type::https, .ttl = 3600, .rdata = rdata});
  CHECK(std::ranges::equal(signer.records(), record("example.org", 65, target)));
}

TEST_CASE("rrsig: signatures by every algorithm are verified, and nothing else is") {
  const auto algorithm =
      GENERATE(Algorithm::rsasha256, Algorithm::ecdsap256sha256, Algorithm::ecdsap384sha384, Algorithm::ed25519);
  const auto zone = name("Example.org");
  const Key key = Key::generate({zone.data(), zone.size()}, algorithm, kKsk).value();
  const std::array<std::uint8_t, 4> one = {192, 0, 2, 1}, two = {192, 0, 2, 2};
  const std::array<Bytes, 2> rdata = {Bytes(two), Bytes(one)}, other = {Bytes(one), Bytes(one)};
  const auto owner = name("*.x.example.org");
  const Rrset rrset{.owner = {owner.data(), owner.size()}, .type = Type::a, .ttl = 60, .rdata = rdata};
  RrsetSigner signer;
  signer.set(rrset);
  std::vector<std::uint8_t> rrsig(RrsetSigner::size(key));
  const Validity validity{.inception = 1'700'000'000, .expiration = 4'300'000'000};  // beyond 2^32
  REQUIRE(signer.sign(key, validity, rrsig).value() == rrsig.size());
  CHECK(rrsig[3] == 3);  // labels, without the star
  CHECK(load_u16(&rrsig[16]) == key.tag());
  CHECK(validity_of(rrsig, 4'000'000'000).expiration == validity.expiration);
  CHECK(validity_of(rrsig, 4'000'000'000 - 2'000'000'000).inception == validity.inception);
  CHECK(signer.verify(key, rrsig));
  for (std::size_t i = 0; i < rrsig.size(); i += 7) {
    INFO(i);
    rrsig[i] ^= 1;
    CHECK_FALSE(signer.verify(key, rrsig));
    rrsig[i] ^= 1;
  }
  for (std::size_t size = 0; size < rrsig.size(); size += 5) CHECK_FALSE(signer.verify(key, bytes(rrsig).first(size)));
  signer.set({.owner = rrset.owner, .type = Type::a, .ttl = 60, .rdata = other});
  CHECK_FALSE(signer.verify(key, rrsig));
  signer.set({.owner = rrset.owner, .type = Type::a, .ttl = 61, .rdata = rdata});
  CHECK_FALSE(signer.verify(key, rrsig));
}

TEST_CASE("rrsig: validity begins in the past, and ends apart") {
  const ValidityPolicy policy{.before = 10, .lifetime = 1000, .jitter = 100, .renew_before = 300};
  for (const std::uint64_t random : {0U, 1U, 99U, 100U, 12345U}) {
    const Validity validity = policy.at(50'000, random);
    CHECK(validity.inception == 49'990);
    CHECK(validity.expiration == 51'000 - static_cast<std::int64_t>(random % 100));
    CHECK(policy.is_fresh(validity, 50'000));
    CHECK_FALSE(policy.is_fresh(validity, 49'989));
    CHECK(policy.is_fresh(validity, validity.expiration - 301));
    CHECK_FALSE(policy.is_fresh(validity, validity.expiration - 300));
  }
}

}  // namespace swage::dnssec
