#include "core/crypto/x509.h"

#include <algorithm>
#include <array>
#include <ctime>
#include <optional>
#include <utility>

#include <openssl/evp.h>
#include <openssl/objects.h>
#include <openssl/x509.h>

#include "core/crypto/openssl.h"

namespace swage::crypto {
namespace {

using ByteVector = std::vector<std::uint8_t>;
using std::chrono::sys_seconds;

constexpr std::size_t kMaxCertificate = 16384;

// The DER of an object, by the i2d function of its type.
template <typename T>
ByteVector encode(int (*i2d)(T*, std::uint8_t**), std::remove_const_t<T>* object) {
  const int size = i2d(object, nullptr);
  CHECK(size > 0);
  ByteVector der(static_cast<std::size_t>(size));
  std::uint8_t* at = der.data();
  CHECK(i2d(object, &at) == size);
  return der;
}

// RFC 5280 section 4.1.2.5: UTCTime or GeneralizedTime, with seconds and in UTC.
std::optional<sys_seconds> to_seconds(const ASN1_TIME* time) {
  const std::string_view text(reinterpret_cast<const char*>(ASN1_STRING_get0_data(time)),
                              static_cast<std::size_t>(ASN1_STRING_length(time)));
  const std::size_t digits = ASN1_STRING_type(time) == V_ASN1_UTCTIME ? 12 : 14;
  std::tm parts{};
  if (text.size() != digits + 1 || text.back() != 'Z' || ASN1_TIME_to_tm(time, &parts) != 1) return std::nullopt;
  return sys_seconds(std::chrono::seconds(timegm(&parts)));
}

std::string oid_of(const ASN1_OBJECT* object) {
  const int size = OBJ_obj2txt(nullptr, 0, object, 1);
  if (size <= 0) return "?";
  std::string text(static_cast<std::size_t>(size) + 1, '\0');
  text.resize(static_cast<std::size_t>(std::max(0, OBJ_obj2txt(text.data(), size + 1, object, 1))));
  return text;
}

std::vector<Extension> extensions_of(const X509* x509) {
  std::vector<Extension> extensions;
  for (int i = 0; i < X509_get_ext_count(x509); ++i) {
    X509_EXTENSION* const extension = X509_get_ext(x509, i);
    const ASN1_OCTET_STRING* const value = X509_EXTENSION_get_data(extension);
    const std::uint8_t* const begin = ASN1_STRING_get0_data(value);
    extensions.push_back({oid_of(X509_EXTENSION_get_object(extension)), X509_EXTENSION_get_critical(extension) != 0,
                          ByteVector(begin, begin + ASN1_STRING_length(value))});
  }
  return extensions;
}

// REQUIRES: an ECDSA key.
Secret to_pkcs8(const EVP_PKEY* key) {
  const std::unique_ptr<PKCS8_PRIV_KEY_INFO, Free<PKCS8_PRIV_KEY_INFO_free>> info(EVP_PKEY2PKCS8(key));
  CHECK(info != nullptr);
  Secret secret(static_cast<std::size_t>(i2d_PKCS8_PRIV_KEY_INFO(info.get(), nullptr)));
  std::uint8_t* at = secret.bytes().data();
  CHECK(i2d_PKCS8_PRIV_KEY_INFO(info.get(), &at) > 0);
  return secret;
}

void add_extension(X509* x509, const Extension& extension) {
  const std::unique_ptr<ASN1_OBJECT, Free<ASN1_OBJECT_free>> oid(OBJ_txt2obj(extension.oid.c_str(), 1));
  const std::unique_ptr<ASN1_OCTET_STRING, Free<ASN1_OCTET_STRING_free>> value(ASN1_OCTET_STRING_new());
  CHECK(oid != nullptr && value != nullptr);
  CHECK(ASN1_OCTET_STRING_set(value.get(), extension.value.data(), static_cast<int>(extension.value.size())) == 1);
  const std::unique_ptr<X509_EXTENSION, Free<X509_EXTENSION_free>> added(
      X509_EXTENSION_create_by_OBJ(nullptr, oid.get(), extension.critical ? 1 : 0, value.get()));
  CHECK(added != nullptr && X509_add_ext(x509, added.get(), -1) == 1);
}

}  // namespace

void Certificate::Free::operator()(x509_st* owned) const { X509_free(owned); }

Result<Certificate> Certificate::parse(Bytes der) {
  if (der.size() > kMaxCertificate) return fail("a certificate of {} bytes is too long", der.size());
  const ErrorMark mark;
  const std::uint8_t* at = der.data();
  Certificate certificate(decltype(x509_)(d2i_X509(nullptr, &at, static_cast<long>(der.size()))));
  X509* const x509 = certificate.x509_.get();
  if (x509 == nullptr) return fail("not an X.509 certificate");
  // OpenSSL reads BER too, and keeps the bytes that it has read; asked to encode anew, it writes DER.
  (void)i2d_re_X509_tbs(x509, nullptr);
  if (!std::ranges::equal(encode(i2d_X509, x509), der)) return fail("not one X.509 certificate in DER");
  if (X509_get_version(x509) != X509_VERSION_3) return fail("not a certificate of version 3");
  const ASN1_BIT_STRING *issuer = nullptr, *subject = nullptr;
  X509_get0_uids(x509, &issuer, &subject);
  if (issuer != nullptr || subject != nullptr) return fail("a certificate with unique identifiers");
  const auto not_before = to_seconds(X509_get0_notBefore(x509)), not_after = to_seconds(X509_get0_notAfter(x509));
  if (!not_before || !not_after) return fail("a certificate whose validity is not a time");
  certificate.validity_ = {*not_before, *not_after};
  certificate.extensions_ = extensions_of(x509);
  certificate.public_key_ = encode(i2d_X509_PUBKEY, X509_get_X509_PUBKEY(x509));
  return certificate;
}

bool Certificate::signed_by_itself() const {
  constexpr std::array kDigests = {NID_sha256, NID_sha384, NID_sha512};
  const ErrorMark mark;
  EVP_PKEY* const key = X509_get0_pubkey(x509_.get());
  int digest = NID_undef, algorithm = NID_undef;
  if (key == nullptr || OBJ_find_sigid_algs(X509_get_signature_nid(x509_.get()), &digest, &algorithm) != 1) {
    return false;
  }
  const bool strong = std::ranges::find(kDigests, digest) != kDigests.end();
  const bool supported = algorithm == NID_rsaEncryption ? strong && EvpPublicKey::rsa(public_key_).has_value()
                         : algorithm == NID_X9_62_id_ecPublicKey
                             ? strong && EvpPublicKey::ecdsa(public_key_).has_value()
                             : algorithm == NID_ED25519;
  return supported && X509_verify(x509_.get(), key) == 1;
}

OwnCertificate make_certificate(const EvpPrivateKey& key, const CertificatePlan& plan) {
  const Secret der = key.to_der();
  const std::uint8_t* at = der.bytes().data();
  const std::unique_ptr<EVP_PKEY, Free<EVP_PKEY_free>> pair(
      d2i_AutoPrivateKey(nullptr, &at, static_cast<long>(der.bytes().size())));
  const std::unique_ptr<X509, Free<X509_free>> x509(X509_new());
  CHECK(pair != nullptr && x509 != nullptr && plan.serial > 0);

  X509_NAME* const name = X509_get_subject_name(x509.get());
  const std::string serial = std::to_string(plan.serial);
  CHECK(X509_set_version(x509.get(), X509_VERSION_3) == 1 &&
        ASN1_INTEGER_set_uint64(X509_get_serialNumber(x509.get()), plan.serial) == 1 &&
        X509_NAME_add_entry_by_NID(name, NID_serialNumber, MBSTRING_ASC, as_bytes(serial).data(),
                                   static_cast<int>(serial.size()), -1, 0) == 1 &&
        X509_set_issuer_name(x509.get(), name) == 1);
  CHECK(ASN1_TIME_set(X509_getm_notBefore(x509.get()), plan.validity.not_before.time_since_epoch().count()) &&
        ASN1_TIME_set(X509_getm_notAfter(x509.get()), plan.validity.not_after.time_since_epoch().count()));
  add_extension(x509.get(), plan.extension);
  CHECK(X509_set_pubkey(x509.get(), pair.get()) == 1 && X509_sign(x509.get(), pair.get(), EVP_sha256()) > 0);
  return {encode(i2d_X509, x509.get()), to_pkcs8(pair.get())};
}

}  // namespace swage::crypto
