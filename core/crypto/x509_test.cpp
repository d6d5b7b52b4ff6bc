// X.509 certificates: made and read again, and read as OpenSSL makes them of other kinds, wrong ones too.
#include "core/crypto/x509.h"

#include <algorithm>
#include <optional>
#include <string>
#include <utility>

#include <openssl/err.h>

#include "core/crypto/testing.h"
#include "core/crypto/x509_testing.h"

#include <catch2/catch.hpp>

using namespace swage;
using namespace swage::crypto;
using crypto::testing::hex;
using crypto::testing::make;
using crypto::testing::TestCertificate;
using ByteVector = std::vector<std::uint8_t>;
using namespace std::chrono;
using namespace std::chrono_literals;

namespace {

constexpr Validity kValidity = {sys_days(2026y / 1 / 2) + 3s, sys_days(2126y / 1 / 2) + 3s};

// `count` bytes of DER at `at` become `with`, and the lengths of certificate and TBSCertificate (both of two bytes)
// fit.
ByteVector replaced(ByteVector der, std::size_t at, std::size_t count, const ByteVector& with) {
  REQUIRE((der[1] == 0x82 && der[4] == 0x30 && der[5] == 0x82));
  const auto position = der.begin() + static_cast<std::ptrdiff_t>(at);
  der.insert(der.erase(position, position + static_cast<std::ptrdiff_t>(count)), with.begin(), with.end());
  for (std::uint8_t* const length : {&der[2], &der[6]}) {
    store_u16(length, static_cast<std::uint16_t>(load_u16(length) + with.size() - count));
  }
  return der;
}

std::size_t find(const ByteVector& der, Bytes part) {
  const auto found = std::ranges::search(der, part);
  REQUIRE_FALSE(found.empty());
  return static_cast<std::size_t>(found.begin() - der.begin());
}

OwnCertificate make_one() {
  return make_certificate(EvpPrivateKey::generate_ecdsa(),
                          {.serial = 255, .validity = kValidity, .extension = {"1.2.3.4", false, ByteVector(300, 7)}});
}

}  // namespace

TEST_CASE("x509: a certificate of ours reads as it was planned, and its own key signed it") {
  for (const bool critical : {false, true}) {
    const auto key = EvpPrivateKey::generate_ecdsa();
    const auto own = make_certificate(
        key, {.serial = ~std::uint64_t{0}, .validity = kValidity, .extension = {"1.2.840.1", critical, {1, 2, 3}}});
    const auto certificate = Certificate::parse(own.der);
    REQUIRE(certificate.has_value());
    CHECK(certificate->validity().not_before == kValidity.not_before);
    CHECK(certificate->validity().not_after == kValidity.not_after);
    REQUIRE(certificate->extensions().size() == 1);
    CHECK(certificate->extensions()[0].oid == "1.2.840.1");
    CHECK(certificate->extensions()[0].critical == critical);
    CHECK(certificate->extensions()[0].value == ByteVector{1, 2, 3});
    CHECK(hex(certificate->public_key()) == hex(key.public_pkix()));
    CHECK(certificate->signed_by_itself());

    const auto same = EvpPrivateKey::ecdsa(own.key.bytes());
    REQUIRE(same.has_value());
    CHECK(same->public_pkix() == key.public_pkix());
  }
  CHECK(ERR_peek_error() == 0);
}

TEST_CASE("x509: issuer and subject are the same and not empty, the serial number is the planned one") {
  const auto own = make_one();
  const std::uint8_t* at = own.der.data();
  const std::unique_ptr<X509, Free<X509_free>> x509(d2i_X509(nullptr, &at, static_cast<long>(own.der.size())));
  REQUIRE(x509 != nullptr);
  std::uint64_t serial = 0;
  CHECK((ASN1_INTEGER_get_uint64(&serial, X509_get0_serialNumber(x509.get())) == 1 && serial == 255));
  CHECK(X509_NAME_cmp(X509_get_subject_name(x509.get()), X509_get_issuer_name(x509.get())) == 0);
  char text[100];
  CHECK(std::string(X509_NAME_oneline(X509_get_subject_name(x509.get()), text, sizeof text)) == "/serialNumber=255");
}

TEST_CASE("x509: what counts as a signature of its own") {
  const struct {
    std::string what;
    TestCertificate plan;
    bool good;
  } cases[] = {
      {"P-256", {}, true},
      {"P-384 with SHA-384", {.key = "P-384", .digest = EVP_sha384()}, true},
      {"P-384 with SHA-256", {.key = "P-384"}, true},
      {"P-521 with SHA-512", {.key = "P-521", .digest = EVP_sha512()}, true},
      {"RSA", {.key = "RSA"}, true},
      {"RSA with SHA-512", {.key = "RSA", .bits = 3072, .digest = EVP_sha512()}, true},
      {"Ed25519", {.key = "ED25519", .digest = nullptr}, true},
      {"SHA-1", {.digest = EVP_sha1()}, false},
      {"SHA-224", {.digest = EVP_sha224()}, false},
      {"SHA3", {.digest = EVP_sha3_256()}, false},
      {"RSA with SHA-1", {.key = "RSA", .digest = EVP_sha1()}, false},
      {"RSA of 1024 bits", {.key = "RSA", .bits = 1024}, false},
      {"RSA-PSS", {.key = "RSA-PSS"}, false},
      {"secp256k1", {.key = "secp256k1"}, false},
      {"a curve without its name", {.explicit_curve = true}, false},
      {"another key", {.another_signed_it = true}, false},
      {"another RSA key", {.key = "RSA", .another_signed_it = true}, false},
      {"another Ed25519 key", {.key = "ED25519", .digest = nullptr, .another_signed_it = true}, false},
  };
  for (const auto& [what, plan, good] : cases) {
    INFO(what);
    const auto certificate = Certificate::parse(make(plan));
    REQUIRE(certificate.has_value());
    CHECK(certificate->signed_by_itself() == good);
  }
  CHECK(ERR_peek_error() == 0);
}

TEST_CASE("x509: extensions come in order, with values of any size and twice if they are there twice") {
  const ByteVector large(10'000, 1);
  const auto certificate = Certificate::parse(make({.extensions = [&](Bytes) {
    return std::vector<Extension>{{"2.5.29.15", true, {3, 2, 7, 128}}, {"1.2.3", false, {}}, {"1.2.3", true, large}};
  }}));
  REQUIRE(certificate.has_value());
  const auto& extensions = certificate->extensions();
  REQUIRE(extensions.size() == 3);
  CHECK((extensions[0].oid == "2.5.29.15" && extensions[0].critical));
  CHECK((extensions[1].oid == "1.2.3" && !extensions[1].critical && extensions[1].value.empty()));
  CHECK((extensions[2].oid == "1.2.3" && extensions[2].critical && extensions[2].value == large));
  CHECK(Certificate::parse(make({}))->extensions().empty());
}

TEST_CASE("x509: only all of one certificate in DER, of version 3, is one") {
  const auto own = make_one();
  for (std::size_t size = 0; size < own.der.size(); ++size) {
    INFO(size);
    CHECK_FALSE(Certificate::parse(Bytes(own.der).first(size)).has_value());
  }
  ByteVector longer = own.der;
  longer.push_back(0);
  CHECK_FALSE(Certificate::parse(longer).has_value());
  longer.insert(longer.end(), own.der.begin(), own.der.end());
  CHECK_FALSE(Certificate::parse(longer).has_value());

  ByteVector long_length = own.der;  // 30 82 XX XX as 30 83 00 XX XX
  long_length[1] = 0x83;
  long_length.insert(long_length.begin() + 2, 0);
  CHECK_FALSE(Certificate::parse(long_length).has_value());
  ByteVector indefinite = own.der;
  indefinite[1] = 0x80;
  indefinite.erase(indefinite.begin() + 2, indefinite.begin() + 4);
  indefinite.resize(indefinite.size() + 2);
  CHECK_FALSE(Certificate::parse(indefinite).has_value());

  const auto certificate = Certificate::parse(own.der);
  REQUIRE(certificate.has_value());
  const Bytes public_key = certificate->public_key();
  const std::size_t at = find(own.der, public_key);
  const ByteVector inside = {0x30, 0x81, public_key[1]};  // the same within
  CHECK(replaced(own.der, at, 2, {0x30, public_key[1]}) == own.der);
  CHECK_FALSE(Certificate::parse(replaced(own.der, at, 2, inside)).has_value());
  CHECK_FALSE(Certificate::parse(replaced(own.der, at + public_key.size(), 0, {0x81, 2, 0, 1})).has_value());
  CHECK_FALSE(Certificate::parse(replaced(own.der, at + public_key.size(), 0, {0x82, 2, 0, 1})).has_value());

  for (const long version : {0L, 1L, 3L}) {
    INFO(version);
    CHECK_FALSE(Certificate::parse(make({.version = version})).has_value());
  }
  const auto too_long =
      make({.extensions = [](Bytes) { return std::vector<Extension>{{"1.2.3", false, ByteVector(16'384)}}; }});
  CHECK_FALSE(Certificate::parse(too_long).has_value());
  CHECK(ERR_peek_error() == 0);
}

TEST_CASE("x509: times have seconds and are in UTC") {
  const struct {
    int type;
    std::string text;
    std::optional<sys_seconds> time;
  } cases[] = {
      {V_ASN1_UTCTIME, "500101000000Z", sys_days(1950y / 1 / 1)},
      {V_ASN1_UTCTIME, "491231235959Z", sys_days(2050y / 1 / 1) - 1s},
      {V_ASN1_UTCTIME, "240229120000Z", sys_days(2024y / 2 / 29) + 12h},
      {V_ASN1_GENERALIZEDTIME, "20240229120000Z", sys_days(2024y / 2 / 29) + 12h},
      {V_ASN1_GENERALIZEDTIME, "99991231235959Z", sys_days(9999y / 12 / 31) + 24h - 1s},
      {V_ASN1_GENERALIZEDTIME, "00000101000000Z", sys_days(0y / 1 / 1)},
      {V_ASN1_UTCTIME, "230229120000Z", {}},
      {V_ASN1_UTCTIME, "2402291200Z", {}},
      {V_ASN1_UTCTIME, "240229120000+0000", {}},
      {V_ASN1_UTCTIME, "240229120000", {}},
      {V_ASN1_UTCTIME, "20240229120000Z", {}},
      {V_ASN1_GENERALIZEDTIME, "240229120000Z", {}},
      {V_ASN1_GENERALIZEDTIME, "20240229120000.5Z", {}},
      {V_ASN1_GENERALIZEDTIME, "20240229250000Z", {}},
      {V_ASN1_GENERALIZEDTIME, "2024022912000xZ", {}},
      {V_ASN1_GENERALIZEDTIME, "", {}},
      {V_ASN1_OCTET_STRING, "20240229120000Z", {}},
  };
  for (const auto& [type, text, time] : cases) {
    INFO(text);
    const auto before = Certificate::parse(make({.not_before = text, .not_before_type = type}));
    const auto after = Certificate::parse(make({.not_after = text, .not_after_type = type}));
    CHECK((before ? std::optional(before->validity().not_before) : std::nullopt) == time);
    CHECK((after ? std::optional(after->validity().not_after) : std::nullopt) == time);
  }
}
