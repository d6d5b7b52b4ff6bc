// For tests of what uses TLS: keys and certificates, made as they are needed.
#pragma once

#include <openssl/bio.h>
#include <openssl/ec.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/x509.h>
#include <openssl/x509v3.h>

#include <cstdint>
#include <cstdlib>
#include <memory>
#include <string>
#include <vector>

namespace swage::async::testing {

// A certificate and its key, on P-256.
struct TlsIdentity {
  std::string certificate_pem;
  std::string key_pem;
  std::vector<std::uint8_t> certificate_der;
  std::vector<std::uint8_t> key_der;  // PKCS#8
};

namespace detail {

using CertificateOwner = std::unique_ptr<X509, decltype(&X509_free)>;
using KeyOwner = std::unique_ptr<EVP_PKEY, decltype(&EVP_PKEY_free)>;

inline void expect(bool holds) {
  if (!holds) std::abort();
}

template <typename Write>
std::string written(Write write) {
  const std::unique_ptr<BIO, decltype(&BIO_free)> bio(BIO_new(BIO_s_mem()), BIO_free);
  expect(write(bio.get()) == 1);
  char* data = nullptr;
  const long size = BIO_get_mem_data(bio.get(), &data);
  return std::string(data, static_cast<std::size_t>(size));
}

inline std::vector<std::uint8_t> bytes_of(const std::string& text) { return {text.begin(), text.end()}; }

inline void add_extension(X509* certificate, int kind, const std::string& value) {
  const std::unique_ptr<X509_EXTENSION, decltype(&X509_EXTENSION_free)> extension(
      X509V3_EXT_conf_nid(nullptr, nullptr, kind, value.c_str()), X509_EXTENSION_free);
  expect(extension != nullptr && X509_add_ext(certificate, extension.get(), -1) == 1);
}

inline CertificateOwner parse(const std::string& pem) {
  const std::unique_ptr<BIO, decltype(&BIO_free)> bio(BIO_new_mem_buf(pem.data(), static_cast<int>(pem.size())),
                                                      BIO_free);
  return {PEM_read_bio_X509(bio.get(), nullptr, nullptr, nullptr), X509_free};
}

inline KeyOwner parse_key(const std::string& pem) {
  const std::unique_ptr<BIO, decltype(&BIO_free)> bio(BIO_new_mem_buf(pem.data(), static_cast<int>(pem.size())),
                                                      BIO_free);
  return {PEM_read_bio_PrivateKey(bio.get(), nullptr, nullptr, nullptr), EVP_PKEY_free};
}

}  // namespace detail

// For `names` as OpenSSL writes them ("DNS:example.com,IP:127.0.0.1"); none: of an authority. Issued by `issuer`, or by
// itself. Valid since an hour ago, for `lasts` seconds from now: none where it is less than 0.
inline TlsIdentity make_tls_identity(const std::string& names, const TlsIdentity* issuer = nullptr,
                                     long lasts = 86'400) {
  static long serial = 0;
  const detail::KeyOwner key(EVP_EC_gen("P-256"), EVP_PKEY_free);
  const detail::CertificateOwner certificate(X509_new(), X509_free);
  X509* made = certificate.get();
  detail::expect(key != nullptr && X509_set_version(made, X509_VERSION_3) == 1 &&
                 X509_set_pubkey(made, key.get()) == 1);
  ASN1_INTEGER_set(X509_get_serialNumber(made), ++serial);
  X509_gmtime_adj(X509_getm_notBefore(made), -3600);
  X509_gmtime_adj(X509_getm_notAfter(made), lasts);
  const std::string common_name = "test " + std::to_string(serial);
  X509_NAME_add_entry_by_txt(X509_get_subject_name(made), "CN", MBSTRING_UTF8,
                             reinterpret_cast<const unsigned char*>(common_name.c_str()), -1, -1, 0);
  if (names.empty()) {
    detail::add_extension(made, NID_basic_constraints, "critical,CA:TRUE");
  } else {
    detail::add_extension(made, NID_subject_alt_name, names);
  }
  if (issuer != nullptr) {
    X509_set_issuer_name(made, X509_get_subject_name(detail::parse(issuer->certificate_pem).get()));
    detail::expect(X509_sign(made, detail::parse_key(issuer->key_pem).get(), EVP_sha256()) > 0);
  } else {
    X509_set_issuer_name(made, X509_get_subject_name(made));
    detail::expect(X509_sign(made, key.get(), EVP_sha256()) > 0);
  }
  const auto pem = [&](BIO* bio) { return PEM_write_bio_X509(bio, made); };
  const auto key_pem = [&](BIO* bio) {
    return PEM_write_bio_PKCS8PrivateKey(bio, key.get(), nullptr, nullptr, 0, nullptr, nullptr);
  };
  const auto der = [&](BIO* bio) { return i2d_X509_bio(bio, made); };
  const auto key_der = [&](BIO* bio) {
    return i2d_PKCS8PrivateKey_bio(bio, key.get(), nullptr, nullptr, 0, nullptr, nullptr);
  };
  return {detail::written(pem), detail::written(key_pem), detail::bytes_of(detail::written(der)),
          detail::bytes_of(detail::written(key_der))};
}

}  // namespace swage::async::testing
