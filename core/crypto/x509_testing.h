// Certificates of all kinds, wrong ones too, by OpenSSL alone: for tests of what reads them. Not for the server.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include <openssl/evp.h>
#include <openssl/rsa.h>
#include <openssl/x509.h>

#include "core/bytes.h"
#include "core/crypto/openssl.h"
#include "core/crypto/x509.h"
#include "core/result.h"

namespace swage::crypto::testing {

struct TestCertificate {
  std::string key = "P-256";  // a curve, "ED25519", "RSA" of `bits`, or "RSA-PSS": the same, but the padding
  std::size_t bits = 2048;
  const EVP_MD* digest = EVP_sha256();  // null for ED25519
  long version = X509_VERSION_3;
  bool explicit_curve = false;     // its parameters instead of its name
  bool another_signed_it = false;  // a key like the one in it
  std::string not_before = "750101000000Z", not_after = "40960101000000Z";
  int not_before_type = V_ASN1_UTCTIME, not_after_type = V_ASN1_GENERALIZEDTIME;
  // Given the certificate's SubjectPublicKeyInfo.
  std::function<std::vector<Extension>(Bytes)> extensions = [](Bytes) { return std::vector<Extension>(); };
};

using TestKey = std::unique_ptr<EVP_PKEY, Free<EVP_PKEY_free>>;

inline TestKey make_key(const TestCertificate& plan) {
  if (plan.key == "ED25519") return TestKey(EVP_PKEY_Q_keygen(nullptr, nullptr, "ED25519"));
  if (plan.key.starts_with("RSA")) return TestKey(EVP_RSA_gen(plan.bits));
  TestKey key(EVP_EC_gen(plan.key.c_str()));
  if (plan.explicit_curve) CHECK(EVP_PKEY_set_utf8_string_param(key.get(), "encoding", "explicit") == 1);
  return key;
}

inline void sign(X509* x509, EVP_PKEY* key, const TestCertificate& plan) {
  const std::unique_ptr<EVP_MD_CTX, Free<EVP_MD_CTX_free>> context(EVP_MD_CTX_new());
  EVP_PKEY_CTX* options = nullptr;
  CHECK(EVP_DigestSignInit(context.get(), &options, plan.digest, nullptr, key) == 1);
  if (plan.key == "RSA-PSS") CHECK(EVP_PKEY_CTX_set_rsa_padding(options, RSA_PKCS1_PSS_PADDING) == 1);
  CHECK(X509_sign_ctx(x509, context.get()) > 0);
}

inline std::vector<std::uint8_t> make(const TestCertificate& plan) {
  const TestKey key = make_key(plan), another = make_key(plan);
  const std::unique_ptr<X509, Free<X509_free>> x509(X509_new());
  CHECK(key && another && x509);
  X509_set_version(x509.get(), plan.version);
  ASN1_INTEGER_set(X509_get_serialNumber(x509.get()), 1);
  const auto set_time = [](ASN1_TIME* time, const std::string& text, int type) {
    time->type = type;
    ASN1_STRING_set(time, text.data(), static_cast<int>(text.size()));
  };
  set_time(X509_getm_notBefore(x509.get()), plan.not_before, plan.not_before_type);
  set_time(X509_getm_notAfter(x509.get()), plan.not_after, plan.not_after_type);
  CHECK(X509_set_pubkey(x509.get(), key.get()) == 1);
  std::uint8_t* public_key = nullptr;
  const int size = i2d_PUBKEY(key.get(), &public_key);
  CHECK(size > 0);
  for (const Extension& extension : plan.extensions(Bytes(public_key, static_cast<std::size_t>(size)))) {
    const std::unique_ptr<ASN1_OBJECT, Free<ASN1_OBJECT_free>> oid(OBJ_txt2obj(extension.oid.c_str(), 1));
    const std::unique_ptr<ASN1_OCTET_STRING, Free<ASN1_OCTET_STRING_free>> value(ASN1_OCTET_STRING_new());
    ASN1_OCTET_STRING_set(value.get(), extension.value.data(), static_cast<int>(extension.value.size()));
    const std::unique_ptr<X509_EXTENSION, Free<X509_EXTENSION_free>> added(
        X509_EXTENSION_create_by_OBJ(nullptr, oid.get(), extension.critical ? 1 : 0, value.get()));
    CHECK(X509_add_ext(x509.get(), added.get(), -1) == 1);
  }
  OPENSSL_free(public_key);
  sign(x509.get(), plan.another_signed_it ? another.get() : key.get(), plan);
  std::uint8_t* der = nullptr;
  const int der_size = i2d_X509(x509.get(), &der);
  CHECK(der_size > 0);
  std::vector<std::uint8_t> bytes(der, der + der_size);
  OPENSSL_free(der);
  return bytes;
}

}  // namespace swage::crypto::testing
