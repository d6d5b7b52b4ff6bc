// Chains of certificates, right and wrong, made by OpenSSL alone.
#include "core/crypto/chain.h"

#include <fmt/format.h>
#include <openssl/bio.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/x509v3.h>

#include <memory>

#include "core/crypto/openssl.h"

#include <catch2/catch.hpp>  // last: its CHECK is the one that counts here

namespace swage::crypto {
namespace {

constexpr std::int64_t kNow = 1'800'000'000;  // 2027-01-15 08:00:00 UTC
constexpr std::int64_t kDay = 86400;

using Key = std::unique_ptr<EVP_PKEY, Free<EVP_PKEY_free>>;
using Certificate = std::unique_ptr<X509, Free<X509_free>>;

struct Party {
  Key key{EVP_EC_gen("P-256")};
  Certificate certificate{};
};

struct Plan {
  std::string name;
  std::string extension_names{};  // "DNS:a.test"; empty: an authority
  std::int64_t from = kNow - kDay, to = kNow + 90 * kDay;
};

Party make(const Plan& plan, const Party* issuer = nullptr) {
  Party made;
  made.certificate.reset(X509_new());
  X509* const x509 = made.certificate.get();
  X509_set_version(x509, X509_VERSION_3);
  static long serial = 0;
  ASN1_INTEGER_set(X509_get_serialNumber(x509), ++serial);
  ASN1_TIME_set(X509_getm_notBefore(x509), plan.from);
  ASN1_TIME_set(X509_getm_notAfter(x509), plan.to);
  X509_NAME_add_entry_by_txt(X509_get_subject_name(x509), "CN", MBSTRING_ASC,
                             reinterpret_cast<const unsigned char*>(plan.name.c_str()), -1, -1, 0);
  X509* const signer = issuer == nullptr ? x509 : issuer->certificate.get();
  X509_set_issuer_name(x509, X509_get_subject_name(signer));
  X509_set_pubkey(x509, made.key.get());
  const bool is_authority = plan.extension_names.empty();
  const std::string names = is_authority ? "CA:TRUE" : plan.extension_names;
  X509_EXTENSION* const extension =
      X509V3_EXT_conf_nid(nullptr, nullptr, is_authority ? NID_basic_constraints : NID_subject_alt_name, names.c_str());
  REQUIRE(extension != nullptr);
  X509_add_ext(x509, extension, -1);
  X509_EXTENSION_free(extension);
  REQUIRE(X509_sign(x509, (issuer == nullptr ? made : *issuer).key.get(), EVP_sha256()) > 0);
  return made;
}

std::string pem(std::initializer_list<const Party*> chain) {
  const std::unique_ptr<BIO, Free<BIO_free>> out(BIO_new(BIO_s_mem()));
  for (const Party* each : chain) PEM_write_bio_X509(out.get(), each->certificate.get());
  char* text = nullptr;
  const auto size = BIO_get_mem_data(out.get(), &text);
  return {text, static_cast<std::size_t>(size)};
}

std::string objections(const std::string& pem, const std::string& host = "a.test") {
  const auto report = judge_chain(pem, host, kNow);
  if (!report) return report.error().text();
  std::string text;
  for (const std::string& each : report->objections) text += each + "\n";
  return text;
}

}  // namespace

TEST_CASE("chain: what clients have nothing against") {
  const Party root = make({"Root"});
  const Party middle = make({"Middle"}, &root);
  const Party leaf = make({"a.test", "DNS:a.test,DNS:*.b.test"}, &middle);
  const Party alone = make({"alone", "DNS:a.test"});
  CHECK(objections(pem({&leaf, &middle, &root})) == "");
  CHECK(objections(pem({&leaf, &middle})) == "");  // the root is the clients' affair
  CHECK(objections(pem({&leaf, &middle}), "x.b.test") == "");
  CHECK(objections(pem({&alone})) == "");
  CHECK(objections("text\n" + pem({&leaf, &middle}) + "-----BEGIN PRIVATE KEY-----\n") == "");
  CHECK(judge_chain(pem({&leaf, &middle}), "a.test", kNow)->expires == kNow + 90 * kDay);
}

TEST_CASE("chain: out of its time") {
  const Party root = make({"Root"});
  const Party old_middle = make({.name = "Middle", .from = kNow - 9 * kDay, .to = kNow - kDay}, &root);
  const Party leaf = make({"a.test", "DNS:a.test"}, &old_middle);
  CHECK(objections(pem({&leaf, &old_middle})) == "certificate 2 of the chain has expired on 2027-01-14 08:00:00 UTC\n");
  CHECK(judge_chain(pem({&leaf, &old_middle}), "a.test", kNow)->expires == kNow - kDay);
  const auto alone = [](std::int64_t from, std::int64_t to) {
    const Party party = make({"a", "DNS:a.test", from, to});
    return objections(pem({&party}));
  };
  CHECK(alone(kNow - 2 * kDay, kNow - kDay) == "the certificate has expired on 2027-01-14 08:00:00 UTC\n");
  CHECK(alone(kNow + kDay, kNow + 90 * kDay) == "the certificate is not valid before 2027-01-16 08:00:00 UTC\n");
  CHECK(alone(kNow, kNow) == "the certificate expires soon, on 2027-01-15 08:00:00 UTC\n");
  CHECK(alone(kNow, kNow + 7 * kDay - 1).starts_with("the certificate expires soon, on 2027-01-22"));
  CHECK(alone(kNow, kNow + 7 * kDay) == "");
  CHECK(alone(kNow - 1, kNow - 1).starts_with("the certificate has expired"));
}

TEST_CASE("chain: for another name, not complete, in disorder") {
  const Party root = make({"Root"});
  const Party middle = make({"Middle"}, &root);
  const Party leaf = make({"a.test", "DNS:a.test,DNS:*.b.test"}, &middle);
  for (const char* const other : {"b.test", "x.a.test", "x.y.b.test", "a.test.c"}) {
    CHECK(objections(pem({&leaf, &middle}), other) ==
          fmt::format("the certificate is not for {}, but for a.test, *.b.test\n", other));
  }
  const Party many = make({"m", "DNS:1.test,DNS:2.test,DNS:3.test,DNS:4.test,DNS:5.test,DNS:6.test"});
  CHECK(objections(pem({&many})) ==
        "the certificate is not for a.test, but for 1.test, 2.test, 3.test, 4.test, 5.test, …\n");
  CHECK(objections(pem({&leaf})) ==
        "the chain is not complete, it seems: the issuer of its last certificate, CN = Middle, is not in the file, and "
        "not known to this machine\n");
  CHECK(objections(pem({&leaf, &root})) ==
        "certificate 2 of the chain, CN = Root, did not issue the one before it, whose issuer is CN = Middle\n");
  CHECK(objections(pem({&leaf, &middle, &middle})).starts_with("certificate 3 of the chain, CN = Middle, did not"));
  CHECK(objections("no certificate") == "no certificate in PEM");
  CHECK(objections("") == "no certificate in PEM");
}

}  // namespace swage::crypto
