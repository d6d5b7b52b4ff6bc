#include "core/crypto/certificate_request.h"

#include <openssl/bio.h>
#include <openssl/pem.h>
#include <openssl/x509.h>
#include <openssl/x509v3.h>

#include <ctime>
#include <limits>
#include <memory>

#include "core/bytes.h"
#include "core/crypto/base64.h"
#include "core/crypto/openssl.h"
#include "core/crypto/secret.h"

namespace swage::crypto {
namespace {

std::int64_t issued_seconds(const ASN1_TIME* time) {
  std::tm utc{};
  return ASN1_TIME_to_tm(time, &utc) == 1 ? static_cast<std::int64_t>(timegm(&utc)) : 0;
}

std::string without_padding(std::string base64) {
  while (base64.ends_with('=')) base64.pop_back();
  return base64;
}

// The DER of the serial number is one byte longer where its first bit is set, and that byte belongs to the identifier.
std::string serial_bytes(const X509* certificate) {
  const ASN1_INTEGER* const serial = X509_get0_serialNumber(certificate);
  std::string bytes(reinterpret_cast<const char*>(ASN1_STRING_get0_data(serial)),
                    static_cast<std::size_t>(ASN1_STRING_length(serial)));
  if (!bytes.empty() && (static_cast<std::uint8_t>(bytes[0]) & 0x80) != 0) bytes.insert(0, 1, '\0');
  return bytes;
}

std::string renewal_id_of(const X509* certificate) {
  const std::unique_ptr<AUTHORITY_KEYID, Free<AUTHORITY_KEYID_free>> authority(
      static_cast<AUTHORITY_KEYID*>(X509_get_ext_d2i(certificate, NID_authority_key_identifier, nullptr, nullptr)));
  if (!authority || authority->keyid == nullptr) return {};
  const Bytes key(ASN1_STRING_get0_data(authority->keyid),
                  static_cast<std::size_t>(ASN1_STRING_length(authority->keyid)));
  return without_padding(to_base64url(key)) + "." + without_padding(to_base64url(as_bytes(serial_bytes(certificate))));
}

std::vector<std::uint8_t> encoded_key(const X509* certificate) {
  std::uint8_t* der = nullptr;
  const int size = i2d_X509_PUBKEY(X509_get_X509_PUBKEY(certificate), &der);
  if (size <= 0) return {};
  std::vector<std::uint8_t> key(der, der + size);
  OPENSSL_free(der);
  return key;
}

// A wildcard has to be in the certificate as it is: as a host it would be matched by nothing.
bool is_for(X509* certificate, const std::string& name) {
  const std::string host = name.starts_with("*.") ? "any" + name.substr(1) : name;
  return X509_check_host(certificate, host.data(), host.size(), 0, nullptr) == 1;
}

}  // namespace

std::vector<std::uint8_t> certificate_request(const EvpPrivateKey& key, const std::vector<std::string>& names) {
  const Secret der = key.to_der();
  const std::uint8_t* at = der.bytes().data();
  const std::unique_ptr<EVP_PKEY, Free<EVP_PKEY_free>> pair(
      d2i_AutoPrivateKey(nullptr, &at, static_cast<long>(der.bytes().size())));
  const std::unique_ptr<X509_REQ, Free<X509_REQ_free>> request(X509_REQ_new());
  CHECK(pair && request && !names.empty());
  std::string text;
  for (const std::string& name : names) text += (text.empty() ? "DNS:" : ",DNS:") + name;
  STACK_OF(X509_EXTENSION)* extensions = sk_X509_EXTENSION_new_null();
  X509_EXTENSION* const alternatives = X509V3_EXT_conf_nid(nullptr, nullptr, NID_subject_alt_name, text.c_str());
  CHECK(extensions != nullptr && alternatives != nullptr && sk_X509_EXTENSION_push(extensions, alternatives) == 1);
  CHECK(X509_REQ_set_pubkey(request.get(), pair.get()) == 1 &&
        X509_REQ_add_extensions(request.get(), extensions) == 1 &&
        X509_REQ_sign(request.get(), pair.get(), EVP_sha256()) > 0);
  sk_X509_EXTENSION_pop_free(extensions, X509_EXTENSION_free);
  std::uint8_t* encoded = nullptr;
  const int size = i2d_X509_REQ(request.get(), &encoded);
  CHECK(size > 0);
  std::vector<std::uint8_t> bytes(encoded, encoded + size);
  OPENSSL_free(encoded);
  return bytes;
}

Result<Issued> read_issued(std::string_view pem, const std::vector<std::string>& names) {
  const ErrorMark mark;
  if (pem.size() > std::numeric_limits<int>::max()) return fail("a chain of {} bytes is too long", pem.size());
  const std::unique_ptr<BIO, Free<BIO_free>> reader(BIO_new_mem_buf(pem.data(), static_cast<int>(pem.size())));
  const std::unique_ptr<X509, Free<X509_free>> leaf(PEM_read_bio_X509(reader.get(), nullptr, nullptr, nullptr));
  if (!leaf) return fail("no certificate in PEM");
  for (const std::string& name : names) {
    if (!is_for(leaf.get(), name)) return fail("the certificate is not for {}", name);
  }
  return Issued{.not_before = issued_seconds(X509_get0_notBefore(leaf.get())),
                .not_after = issued_seconds(X509_get0_notAfter(leaf.get())),
                .renewal_id = renewal_id_of(leaf.get()),
                .public_key = encoded_key(leaf.get())};
}

}  // namespace swage::crypto
