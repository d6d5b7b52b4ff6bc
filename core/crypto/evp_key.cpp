#include "core/crypto/evp_key.h"

#include <algorithm>
#include <array>
#include <memory>
#include <string_view>
#include <utility>

#include <openssl/bn.h>
#include <openssl/core_names.h>
#include <openssl/ec.h>
#include <openssl/evp.h>
#include <openssl/rsa.h>
#include <openssl/x509.h>

#include "core/crypto/openssl.h"

namespace swage::crypto {
namespace {

using Key = std::unique_ptr<EVP_PKEY, Free<EVP_PKEY_free>>;
using KeyContext = std::unique_ptr<EVP_PKEY_CTX, Free<EVP_PKEY_CTX_free>>;
using DigestContext = std::unique_ptr<EVP_MD_CTX, Free<EVP_MD_CTX_free>>;
using Number = std::unique_ptr<BIGNUM, Free<BN_clear_free>>;
using EcdsaSignature = std::unique_ptr<ECDSA_SIG, Free<ECDSA_SIG_free>>;

constexpr std::size_t kMaxDer = 8192;  // an RSA private key of 8192 bits takes 4.7 kB
constexpr int kMinRsaBits = 2048, kMaxRsaBits = 8192;
constexpr BN_ULONG kMaxRsaExponent = 65537;

// How PKIX begins for a named curve and a point in one form, and how long it is with the point.
struct PointForm {
  std::string_view head;
  std::size_t size;
};
using namespace std::string_view_literals;
constexpr PointForm kNistCurves[] = {
    {"\x30\x4e\x30\x10\x06\x07\x2a\x86\x48\xce\x3d\x02\x01\x06\x05\x2b\x81\x04\x00\x21\x03\x3a\x00\x04"sv, 80},
    {"\x30\x59\x30\x13\x06\x07\x2a\x86\x48\xce\x3d\x02\x01\x06\x08\x2a\x86\x48\xce\x3d\x03\x01\x07\x03\x42\x00\x04"sv,
     91},
    {"\x30\x76\x30\x10\x06\x07\x2a\x86\x48\xce\x3d\x02\x01\x06\x05\x2b\x81\x04\x00\x22\x03\x62\x00\x04"sv, 120},
    {"\x30\x81\x9b\x30\x10\x06\x07\x2a\x86\x48\xce\x3d\x02\x01\x06\x05\x2b\x81\x04\x00\x23\x03\x81\x86\x00\x04"sv, 158},
};
constexpr std::string_view kSecp256k1Pkix =
    "\x30\x36\x30\x10\x06\x07\x2a\x86\x48\xce\x3d\x02\x01\x06\x05\x2b\x81\x04\x00\x0a\x03\x22\x00"sv;
// SEC 1: version, the scalar, the curve's name.
constexpr std::string_view kScalarHead = "\x30\x2e\x02\x01\x01\x04\x20"sv;
constexpr std::string_view kScalarTail = "\xa0\x07\x06\x05\x2b\x81\x04\x00\x0a"sv;
constexpr std::size_t kScalarSize = 32;

bool is_nist_point(Bytes pkix) {
  return std::ranges::any_of(kNistCurves, [pkix](const PointForm& form) {
    return pkix.size() == form.size && as_text(pkix).starts_with(form.head);
  });
}

std::vector<std::uint8_t> encode_pkix(const EVP_PKEY* key) {
  std::uint8_t* der = nullptr;
  const int size = i2d_PUBKEY(key, &der);
  CHECK(size > 0);
  std::vector<std::uint8_t> bytes(der, der + size);
  OPENSSL_free(der);
  return bytes;
}

Number number_of(const EVP_PKEY* key, const char* name) {
  BIGNUM* number = nullptr;
  return Number(EVP_PKEY_get_bn_param(key, name, &number) == 1 ? number : nullptr);
}

// Bounds what an operation with the key costs, and excludes what OpenSSL's arithmetic is not made for.
Result<> check_rsa(const EVP_PKEY* key) {
  if (EVP_PKEY_get_base_id(key) != EVP_PKEY_RSA) return fail("the key is not an RSA key");
  const Number modulus = number_of(key, OSSL_PKEY_PARAM_RSA_N), exponent = number_of(key, OSSL_PKEY_PARAM_RSA_E);
  if (!modulus || !exponent) return fail("the RSA key is incomplete");
  const int bits = BN_num_bits(modulus.get());
  if (bits < kMinRsaBits || bits > kMaxRsaBits) {
    return fail("an RSA key of {} bits: between {} and {} are allowed", bits, kMinRsaBits, kMaxRsaBits);
  }
  if (!BN_is_odd(modulus.get()) || !BN_is_odd(exponent.get()) || BN_is_one(exponent.get()) ||
      BN_get_word(exponent.get()) > kMaxRsaExponent) {
    return fail("the RSA key's numbers are out of range");
  }
  return {};
}

Result<Key> parse_private(Bytes der) {
  if (der.size() > kMaxDer) return fail("a private key of {} bytes is too long", der.size());
  const ErrorMark mark;
  const std::uint8_t* at = der.data();
  Key key(d2i_AutoPrivateKey(nullptr, &at, static_cast<long>(der.size())));
  if (!key || at != der.data() + der.size()) return fail("the private key is not DER of a known form");
  return key;
}

// REQUIRES: a key on a curve. The scalar is in range, and the public key belongs to it.
Result<> check_pair(EVP_PKEY* key) {
  const ErrorMark mark;
  const KeyContext context(EVP_PKEY_CTX_new(key, nullptr));
  CHECK(context != nullptr);
  if (EVP_PKEY_check(context.get()) != 1) return fail("the private key is out of range, or not that of its public key");
  return {};
}

bool is_secp256k1(const EVP_PKEY* key) {
  std::array<char, 32> name{};
  return EVP_PKEY_get_group_name(key, name.data(), name.size(), nullptr) == 1 && name.data() == "secp256k1"sv;
}

// Of the two forms that a signature has, r with s and r with n - s, the one with the lower s.
// REQUIRES: a DER signature by the key, which is on a curve.
std::vector<std::uint8_t> with_low_s(const EVP_PKEY* key, Bytes signature) {
  const std::uint8_t* at = signature.data();
  const EcdsaSignature numbers(d2i_ECDSA_SIG(nullptr, &at, static_cast<long>(signature.size())));
  const Number order = number_of(key, OSSL_PKEY_PARAM_EC_ORDER), other(BN_new());
  CHECK(numbers && order && other);
  CHECK(BN_sub(other.get(), order.get(), ECDSA_SIG_get0_s(numbers.get())) == 1);
  if (BN_cmp(other.get(), ECDSA_SIG_get0_s(numbers.get())) > 0) return {signature.begin(), signature.end()};

  BIGNUM* const r = BN_dup(ECDSA_SIG_get0_r(numbers.get()));
  CHECK(r != nullptr && ECDSA_SIG_set0(numbers.get(), r, BN_dup(other.get())) == 1);
  std::uint8_t* der = nullptr;
  const int size = i2d_ECDSA_SIG(numbers.get(), &der);
  CHECK(size > 0);
  std::vector<std::uint8_t> bytes(der, der + size);
  OPENSSL_free(der);
  return bytes;
}

}  // namespace

Result<EvpPublicKey> EvpPublicKey::from_pkix(Bytes pkix) {
  const ErrorMark mark;
  const std::uint8_t* at = pkix.data();
  EVP_PKEY* const key = d2i_PUBKEY(nullptr, &at, static_cast<long>(pkix.size()));
  if (key == nullptr) return fail("the public key is not PKIX, or its point is not on the curve");
  return EvpPublicKey(key);
}

Result<EvpPublicKey> EvpPublicKey::rsa(Bytes pkix) {
  if (pkix.size() > kMaxDer) return fail("a public key of {} bytes is too long", pkix.size());
  TRY(auto key, from_pkix(pkix));
  TRY(check_rsa(key.key_));
  if (!std::ranges::equal(encode_pkix(key.key_), pkix)) return fail("the RSA key is not in DER");
  return key;
}

Result<EvpPublicKey> EvpPublicKey::ecdsa(Bytes pkix) {
  if (!is_nist_point(pkix)) return fail("the key is not an uncompressed point on a NIST curve");
  return from_pkix(pkix);
}

Result<EvpPublicKey> EvpPublicKey::secp256k1(Bytes point) {
  if (point.size() != kSecp256k1Size) return fail("a secp256k1 key has {} bytes, not {}", kSecp256k1Size, point.size());
  std::array<std::uint8_t, kSecp256k1Pkix.size() + kSecp256k1Size> pkix;
  std::ranges::copy(point, std::ranges::copy(as_bytes(kSecp256k1Pkix), pkix.begin()).out);
  return from_pkix(pkix);
}

EvpPublicKey::EvpPublicKey(const EvpPublicKey& other) : key_(other.key_) { CHECK(EVP_PKEY_up_ref(key_) == 1); }

EvpPublicKey& EvpPublicKey::operator=(EvpPublicKey other) noexcept {
  std::swap(key_, other.key_);
  return *this;
}

EvpPublicKey::~EvpPublicKey() { EVP_PKEY_free(key_); }

bool EvpPublicKey::verify(Bytes message, Bytes signature) const {
  const ErrorMark mark;
  const DigestContext context(EVP_MD_CTX_new());
  CHECK(context != nullptr);
  return EVP_DigestVerifyInit(context.get(), nullptr, EVP_sha256(), nullptr, key_) == 1 &&
         EVP_DigestVerify(context.get(), signature.data(), signature.size(), message.data(), message.size()) == 1;
}

EvpPrivateKey EvpPrivateKey::generate_rsa() {
  EvpPrivateKey key(EVP_RSA_gen(2048));
  CHECK(key.key_ != nullptr);
  return key;
}

EvpPrivateKey EvpPrivateKey::generate_ecdsa() {
  EvpPrivateKey key(EVP_EC_gen("P-256"));
  CHECK(key.key_ != nullptr);
  return key;
}

EvpPrivateKey EvpPrivateKey::generate_secp256k1() {
  EvpPrivateKey key(EVP_EC_gen("secp256k1"));
  CHECK(key.key_ != nullptr);
  return key;
}

Result<EvpPrivateKey> EvpPrivateKey::rsa(Bytes der) {
  TRY(Key key, parse_private(der));
  TRY(check_rsa(key.get()));
  return EvpPrivateKey(key.release());
}

Result<EvpPrivateKey> EvpPrivateKey::ecdsa(Bytes der) {
  TRY(Key key, parse_private(der));
  if (EVP_PKEY_get_base_id(key.get()) != EVP_PKEY_EC || !is_nist_point(encode_pkix(key.get()))) {
    return fail("the key is not one on a NIST curve");
  }
  TRY(check_pair(key.get()));
  return EvpPrivateKey(key.release());
}

Result<EvpPrivateKey> EvpPrivateKey::secp256k1(Bytes scalar) {
  if (scalar.size() != kScalarSize) return fail("a secp256k1 scalar has {} bytes, not {}", kScalarSize, scalar.size());
  std::array<std::uint8_t, kScalarHead.size() + kScalarSize + kScalarTail.size()> der;
  auto at = std::ranges::copy(as_bytes(kScalarHead), der.begin()).out;
  at = std::ranges::copy(scalar, at).out;
  std::ranges::copy(as_bytes(kScalarTail), at);
  auto key = parse_private(der);
  wipe(der);
  if (!key) return std::unexpected(std::move(key).error());
  TRY(check_pair(key->get()));
  return EvpPrivateKey(key->release());
}

EvpPrivateKey::EvpPrivateKey(EvpPrivateKey&& other) noexcept : key_(std::exchange(other.key_, nullptr)) {}

EvpPrivateKey& EvpPrivateKey::operator=(EvpPrivateKey&& other) noexcept {
  std::swap(key_, other.key_);
  return *this;
}

EvpPrivateKey::~EvpPrivateKey() { EVP_PKEY_free(key_); }

Secret EvpPrivateKey::to_der() const {
  std::uint8_t* der = nullptr;
  const int size = i2d_PrivateKey(key_, &der);
  CHECK(size > 0);
  Secret secret = Secret::copy_of({der, static_cast<std::size_t>(size)});
  OPENSSL_clear_free(der, static_cast<std::size_t>(size));
  return secret;
}

Secret EvpPrivateKey::scalar() const {
  const Number scalar = number_of(key_, OSSL_PKEY_PARAM_PRIV_KEY);
  Secret secret(kScalarSize);
  CHECK(scalar && BN_bn2binpad(scalar.get(), secret.bytes().data(), kScalarSize) == kScalarSize);
  return secret;
}

std::vector<std::uint8_t> EvpPrivateKey::public_pkix() const { return encode_pkix(key_); }

std::vector<std::uint8_t> EvpPrivateKey::public_point() const {
  std::array<std::uint8_t, 65> point;  // 04, x, y
  std::size_t size = 0;
  CHECK(EVP_PKEY_get_octet_string_param(key_, OSSL_PKEY_PARAM_PUB_KEY, point.data(), point.size(), &size) == 1);
  CHECK(size == point.size());
  std::vector<std::uint8_t> compressed(point.begin(), point.begin() + kSecp256k1Size);
  compressed[0] = static_cast<std::uint8_t>(2 + (point.back() & 1));
  return compressed;
}

Result<std::vector<std::uint8_t>> EvpPrivateKey::sign(Bytes message) const {
  const ErrorMark mark;
  const DigestContext context(EVP_MD_CTX_new());
  CHECK(context != nullptr);
  std::vector<std::uint8_t> signature(static_cast<std::size_t>(EVP_PKEY_get_size(key_)));
  std::size_t size = signature.size();
  if (EVP_DigestSignInit(context.get(), nullptr, EVP_sha256(), nullptr, key_) != 1 ||
      EVP_DigestSign(context.get(), signature.data(), &size, message.data(), message.size()) != 1) {
    return fail("the private key cannot sign");
  }
  signature.resize(size);
  return is_secp256k1(key_) ? with_low_s(key_, signature) : signature;
}

}  // namespace swage::crypto
