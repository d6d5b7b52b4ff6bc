#include "core/crypto/signing_key.h"

#include <openssl/bn.h>
#include <openssl/core_names.h>
#include <openssl/ec.h>
#include <openssl/evp.h>
#include <openssl/param_build.h>
#include <openssl/rsa.h>

#include <algorithm>
#include <array>
#include <memory>
#include <utility>

#include "core/crypto/openssl.h"

namespace swage::crypto {
namespace {

using Pkey = std::unique_ptr<EVP_PKEY, Free<EVP_PKEY_free>>;
using PkeyContext = std::unique_ptr<EVP_PKEY_CTX, Free<EVP_PKEY_CTX_free>>;
using MessageContext = std::unique_ptr<EVP_MD_CTX, Free<EVP_MD_CTX_free>>;
using BigNumber = std::unique_ptr<BIGNUM, Free<BN_clear_free>>;
using Signature = std::unique_ptr<ECDSA_SIG, Free<ECDSA_SIG_free>>;
using ParamBuilder = std::unique_ptr<OSSL_PARAM_BLD, Free<OSSL_PARAM_BLD_free>>;
using Params = std::unique_ptr<OSSL_PARAM, Free<OSSL_PARAM_free>>;

constexpr int kNewRsaBits = 2048, kFewestRsaBits = 1024, kMostRsaBits = 4096;
constexpr int kMostExponentBits = 64;  // each one costs the verifier; 17 are usual
constexpr std::size_t kEd25519Key = 32, kEd25519Signature = 64;
constexpr std::size_t kLargestDer = 2 * 48 + 16;  // bytes of an ECDSA signature of OpenSSL's

// The names of an RSA key's numbers, in the order of from_private().
constexpr std::array<const char*, 8> kRsaNumbers = {OSSL_PKEY_PARAM_RSA_N,         OSSL_PKEY_PARAM_RSA_E,
                                                    OSSL_PKEY_PARAM_RSA_D,         OSSL_PKEY_PARAM_RSA_FACTOR1,
                                                    OSSL_PKEY_PARAM_RSA_FACTOR2,   OSSL_PKEY_PARAM_RSA_EXPONENT1,
                                                    OSSL_PKEY_PARAM_RSA_EXPONENT2, OSSL_PKEY_PARAM_RSA_COEFFICIENT1};

bool is_rsa(SignatureScheme scheme) {
  return scheme == SignatureScheme::rsa_sha256 || scheme == SignatureScheme::rsa_sha512;
}

// What a curve's numbers are: the scalar, and each coordinate of a point. Bytes.
std::size_t number_size(SignatureScheme scheme) { return scheme == SignatureScheme::ecdsa_p384_sha384 ? 48 : 32; }
const char* curve_of(SignatureScheme scheme) {
  return scheme == SignatureScheme::ecdsa_p384_sha384 ? "P-384" : "P-256";
}

const EVP_MD* digest_of(SignatureScheme scheme) {
  switch (scheme) {
    case SignatureScheme::rsa_sha256:
    case SignatureScheme::ecdsa_p256_sha256:
      return EVP_sha256();
    case SignatureScheme::rsa_sha512:
      return EVP_sha512();
    case SignatureScheme::ecdsa_p384_sha384:
      return EVP_sha384();
    case SignatureScheme::ed25519:
      return nullptr;  // it has its own
  }
  return nullptr;
}

BigNumber big_number_of(Bytes bytes) {
  BigNumber number(BN_bin2bn(bytes.data(), static_cast<int>(bytes.size()), nullptr));
  CHECK(number != nullptr);
  return number;
}

// REQUIRES: a key that has this number.
BigNumber big_number_of(const EVP_PKEY* key, const char* name) {
  BIGNUM* number = nullptr;
  CHECK(EVP_PKEY_get_bn_param(key, name, &number) == 1);
  return BigNumber(number);
}

Result<Pkey> build(const char* type, OSSL_PARAM_BLD* builder, bool is_private, const char* what) {
  const Params params(OSSL_PARAM_BLD_to_param(builder));
  const PkeyContext context(EVP_PKEY_CTX_new_from_name(nullptr, type, nullptr));
  CHECK(params && context);
  EVP_PKEY* key = nullptr;
  if (EVP_PKEY_fromdata_init(context.get()) != 1 ||
      EVP_PKEY_fromdata(context.get(), &key, is_private ? EVP_PKEY_KEYPAIR : EVP_PKEY_PUBLIC_KEY, params.get()) != 1) {
    return fail("the key is not one of {}", what);
  }
  return Pkey(key);
}

// An RSA key's field (RFC 3110 section 2): length of the exponent (1 byte, or 0 and 2 bytes), exponent, modulus.
struct RsaPublic {
  Bytes exponent, modulus;
};

Result<RsaPublic> split_rsa(Bytes field) {
  std::size_t head = 1, size = field.empty() ? 0 : field[0];
  if (!field.empty() && size == 0 && field.size() >= 3) {
    head = 3;
    size = load_u16(&field[1]);
  }
  if (size == 0 || field.size() <= head + size) return fail("the RSA key is cut short");
  const RsaPublic key{field.subspan(head, size), field.subspan(head + size)};
  if (key.exponent[0] == 0 || key.modulus[0] == 0) return fail("a number of the RSA key begins with a zero");
  return key;
}

Result<> check_rsa(const BIGNUM* modulus, const BIGNUM* exponent) {
  const int bits = BN_num_bits(modulus);
  if (bits < kFewestRsaBits || bits > kMostRsaBits) {
    return fail("an RSA key of {} bits: between {} and {} are allowed", bits, kFewestRsaBits, kMostRsaBits);
  }
  if (!BN_is_odd(modulus) || !BN_is_odd(exponent) || BN_is_one(exponent) || BN_num_bits(exponent) > kMostExponentBits) {
    return fail("the numbers of the RSA key are out of range");
  }
  return {};
}

Result<Pkey> rsa_from_public(Bytes field) {
  TRY(const RsaPublic split, split_rsa(field));
  const BigNumber modulus = big_number_of(split.modulus), exponent = big_number_of(split.exponent);
  TRY(check_rsa(modulus.get(), exponent.get()));
  const ParamBuilder builder(OSSL_PARAM_BLD_new());
  CHECK(builder && OSSL_PARAM_BLD_push_BN(builder.get(), OSSL_PKEY_PARAM_RSA_N, modulus.get()) == 1 &&
        OSSL_PARAM_BLD_push_BN(builder.get(), OSSL_PKEY_PARAM_RSA_E, exponent.get()) == 1);
  return build("RSA", builder.get(), false, "RSA");
}

// Whether a * b is 1 modulo `prime`; with `from` 1, modulo prime - 1.
bool is_inverse(const BigNumber& a, const BigNumber& b, const BigNumber& prime, BN_ULONG from, BN_CTX* context) {
  const BigNumber modulus(BN_dup(prime.get())), product(BN_new());
  CHECK(modulus && product && BN_sub_word(modulus.get(), from) == 1 &&
        BN_mod_mul(product.get(), a.get(), b.get(), modulus.get(), context) == 1);
  return BN_is_one(product.get());
}

// All of RFC 8017 section 3.2, but that the primes are prime, which is seen when the key signs.
bool fits(const std::array<BigNumber, kRsaNumbers.size()>& numbers) {
  const auto& [n, e, d, p, q, dp, dq, coefficient] = numbers;
  const BigNumber product(BN_new());
  const std::unique_ptr<BN_CTX, Free<BN_CTX_free>> context(BN_CTX_secure_new());
  CHECK(product && context && BN_mul(product.get(), p.get(), q.get(), context.get()) == 1);
  const auto is_proper = [](const BigNumber& prime, const BigNumber& exponent) {
    return BN_is_odd(prime.get()) && !BN_is_one(prime.get()) && BN_cmp(exponent.get(), prime.get()) < 0;
  };
  return BN_cmp(product.get(), n.get()) == 0 && is_proper(p, dp) && is_proper(q, dq) && BN_cmp(d.get(), n.get()) < 0 &&
         BN_cmp(coefficient.get(), p.get()) < 0 && is_inverse(e, d, p, 1, context.get()) &&
         is_inverse(e, d, q, 1, context.get()) && is_inverse(e, dp, p, 1, context.get()) &&
         is_inverse(e, dq, q, 1, context.get()) && is_inverse(q, coefficient, p, 0, context.get());
}

Result<Pkey> rsa_from_private(std::span<const Secret> secrets) {
  if (secrets.size() != kRsaNumbers.size())
    return fail("the RSA key does not have all of its {} numbers", kRsaNumbers.size());
  std::array<BigNumber, kRsaNumbers.size()> numbers;
  for (std::size_t i = 0; i < numbers.size(); ++i) {
    numbers[i] = big_number_of(
        secrets[i].bytes().first(std::min<std::size_t>(secrets[i].bytes().size(), kLargestSignature + 1)));
  }
  TRY(check_rsa(numbers[0].get(), numbers[1].get()));
  if (!fits(numbers)) return fail("the numbers of the RSA key do not fit each other");
  const ParamBuilder builder(OSSL_PARAM_BLD_new());
  CHECK(builder != nullptr);
  for (std::size_t i = 0; i < numbers.size(); ++i) {
    BN_set_flags(numbers[i].get(), BN_FLG_CONSTTIME);
    CHECK(OSSL_PARAM_BLD_push_BN(builder.get(), kRsaNumbers[i], numbers[i].get()) == 1);
  }
  return build("RSA", builder.get(), true, "RSA");
}

// The field has both coordinates of the point (RFC 6605 section 4); `scalar`, where there is one, is the private half.
Result<Pkey> ecdsa(SignatureScheme scheme, Bytes field, const Secret* scalar) {
  const std::size_t size = number_size(scheme);
  if (field.size() != 2 * size)
    return fail("a key of {} has {} bytes, not {}", curve_of(scheme), 2 * size, field.size());
  std::array<std::uint8_t, 1 + 2 * 48> point;
  point[0] = POINT_CONVERSION_UNCOMPRESSED;
  std::ranges::copy(field, &point[1]);
  const ParamBuilder builder(OSSL_PARAM_BLD_new());
  CHECK(builder &&
        OSSL_PARAM_BLD_push_utf8_string(builder.get(), OSSL_PKEY_PARAM_GROUP_NAME, curve_of(scheme), 0) == 1 &&
        OSSL_PARAM_BLD_push_octet_string(builder.get(), OSSL_PKEY_PARAM_PUB_KEY, point.data(), 1 + field.size()) == 1);
  BigNumber secret;
  if (scalar != nullptr) {
    if (scalar->bytes().size() > size)
      return fail("the private key has {} bytes, not {}", scalar->bytes().size(), size);
    secret.reset(BN_secure_new());
    CHECK(secret &&
          BN_bin2bn(scalar->bytes().data(), static_cast<int>(scalar->bytes().size()), secret.get()) != nullptr);
    BN_set_flags(secret.get(), BN_FLG_CONSTTIME);
    CHECK(OSSL_PARAM_BLD_push_BN_pad(builder.get(), OSSL_PKEY_PARAM_PRIV_KEY, secret.get(), size) == 1);
  }
  TRY(Pkey key, build("EC", builder.get(), scalar != nullptr, curve_of(scheme)));
  const PkeyContext context(EVP_PKEY_CTX_new(key.get(), nullptr));
  CHECK(context != nullptr);
  if (EVP_PKEY_public_check(context.get()) != 1 || (scalar != nullptr && EVP_PKEY_private_check(context.get()) != 1)) {
    return fail("the key is not one of {}", curve_of(scheme));
  }
  return key;
}

Result<Pkey> ed25519(Bytes bytes, bool is_private) {
  if (bytes.size() != kEd25519Key) return fail("an Ed25519 key has {} bytes, not {}", kEd25519Key, bytes.size());
  const auto make = is_private ? EVP_PKEY_new_raw_private_key : EVP_PKEY_new_raw_public_key;
  Pkey key(make(EVP_PKEY_ED25519, nullptr, bytes.data(), bytes.size()));
  if (!key) return fail("the Ed25519 key is not valid");
  return key;
}

// A DER signature as its two numbers, each of `size` bytes.
void split_signature(Bytes der, std::size_t size, std::uint8_t* out) {
  const std::uint8_t* at = der.data();
  const Signature numbers(d2i_ECDSA_SIG(nullptr, &at, static_cast<long>(der.size())));
  const int width = static_cast<int>(size);
  CHECK(numbers && BN_bn2binpad(ECDSA_SIG_get0_r(numbers.get()), out, width) == width &&
        BN_bn2binpad(ECDSA_SIG_get0_s(numbers.get()), out + size, width) == width);
}

// The reverse: gives the size in `der`.
std::size_t join_signature(Bytes signature, std::array<std::uint8_t, kLargestDer>& der) {
  const std::size_t size = signature.size() / 2;
  const Signature numbers(ECDSA_SIG_new());
  CHECK(numbers && ECDSA_SIG_set0(numbers.get(), big_number_of(signature.first(size)).release(),
                                  big_number_of(signature.subspan(size)).release()) == 1);
  std::uint8_t* at = der.data();
  const int written = i2d_ECDSA_SIG(numbers.get(), &at);
  CHECK(written > 0);
  return static_cast<std::size_t>(written);
}

}  // namespace

Result<SigningKey> SigningKey::generate(SignatureScheme scheme) {
  const ErrorMark mark;
  Pkey key(is_rsa(scheme)                       ? EVP_RSA_gen(kNewRsaBits)
           : scheme == SignatureScheme::ed25519 ? EVP_PKEY_Q_keygen(nullptr, nullptr, "ED25519")
                                                : EVP_EC_gen(curve_of(scheme)));
  if (!key) return fail("OpenSSL cannot make a key of this algorithm");
  return SigningKey(key.release(), scheme, true);
}

Result<SigningKey> SigningKey::from_public(SignatureScheme scheme, Bytes public_key) {
  const ErrorMark mark;
  TRY(Pkey key, is_rsa(scheme)                       ? rsa_from_public(public_key)
                : scheme == SignatureScheme::ed25519 ? ed25519(public_key, false)
                                                     : ecdsa(scheme, public_key, nullptr));
  return SigningKey(key.release(), scheme, false);
}

Result<SigningKey> SigningKey::from_private(SignatureScheme scheme, Bytes public_key, std::span<const Secret> numbers) {
  const ErrorMark mark;
  if (numbers.empty()) return fail("the private key is missing");
  TRY(const SigningKey other_half, from_public(scheme, public_key));
  TRY(Pkey key, is_rsa(scheme)                       ? rsa_from_private(numbers)
                : scheme == SignatureScheme::ed25519 ? ed25519(numbers[0].bytes(), true)
                                                     : ecdsa(scheme, public_key, numbers.data()));
  SigningKey whole(key.release(), scheme, true);
  std::array<std::uint8_t, kLargestSignature> signature;
  constexpr std::string_view kMessage = "swage";
  const Result<std::size_t> size = whole.sign(as_bytes(kMessage), signature);
  if (!size || !other_half.verify(as_bytes(kMessage), Bytes(signature).first(*size))) {
    return fail("the private key is not that of the public key");
  }
  return whole;
}

SigningKey::SigningKey(const SigningKey& other) : key_(other.key_), scheme_(other.scheme_), can_sign_(other.can_sign_) {
  CHECK(EVP_PKEY_up_ref(key_) == 1);
}

SigningKey& SigningKey::operator=(SigningKey other) noexcept {
  std::swap(key_, other.key_);
  scheme_ = other.scheme_;
  can_sign_ = other.can_sign_;
  return *this;
}

SigningKey::~SigningKey() { EVP_PKEY_free(key_); }

std::vector<std::uint8_t> SigningKey::public_key() const {
  std::vector<std::uint8_t> field;
  if (is_rsa(scheme_)) {
    const BigNumber n = big_number_of(key_, OSSL_PKEY_PARAM_RSA_N), e = big_number_of(key_, OSSL_PKEY_PARAM_RSA_E);
    const auto exponent = static_cast<std::size_t>(BN_num_bytes(e.get()));  // at most 8: its length is one byte
    field.resize(1 + exponent + static_cast<std::size_t>(BN_num_bytes(n.get())));
    field[0] = static_cast<std::uint8_t>(exponent);
    BN_bn2bin(e.get(), &field[1]);
    BN_bn2bin(n.get(), &field[1 + exponent]);
    return field;
  }
  std::array<std::uint8_t, 1 + 2 * 48> point;
  std::size_t size = 0;
  CHECK(EVP_PKEY_get_octet_string_param(key_, OSSL_PKEY_PARAM_PUB_KEY, point.data(), point.size(), &size) == 1);
  const std::size_t form = scheme_ == SignatureScheme::ed25519 ? 0 : 1;  // the byte before a point
  field.assign(&point[form], &point[0] + size);
  return field;
}

std::vector<Secret> SigningKey::private_numbers() const {
  CHECK(can_sign_);
  std::vector<Secret> numbers;
  if (is_rsa(scheme_)) {
    for (const char* const name : kRsaNumbers) {
      const BigNumber number = big_number_of(key_, name);
      Secret& secret = numbers.emplace_back(static_cast<std::size_t>(BN_num_bytes(number.get())));
      BN_bn2bin(number.get(), secret.bytes().data());
    }
  } else if (scheme_ == SignatureScheme::ed25519) {
    std::size_t size = kEd25519Key;
    Secret& seed = numbers.emplace_back(size);
    CHECK(EVP_PKEY_get_raw_private_key(key_, seed.bytes().data(), &size) == 1 && size == kEd25519Key);
  } else {
    const BigNumber scalar = big_number_of(key_, OSSL_PKEY_PARAM_PRIV_KEY);
    Secret& secret = numbers.emplace_back(number_size(scheme_));
    const int size = static_cast<int>(number_size(scheme_));
    CHECK(BN_bn2binpad(scalar.get(), secret.bytes().data(), size) == size);
  }
  return numbers;
}

std::size_t SigningKey::signature_size() const {
  if (is_rsa(scheme_)) return static_cast<std::size_t>(EVP_PKEY_get_size(key_));
  return scheme_ == SignatureScheme::ed25519 ? kEd25519Signature : 2 * number_size(scheme_);
}

Result<std::size_t> SigningKey::sign(Bytes message, MutableBytes out) const {
  const ErrorMark mark;
  CHECK(can_sign_ && out.size() >= signature_size());
  const bool is_ecdsa = !is_rsa(scheme_) && scheme_ != SignatureScheme::ed25519;
  std::array<std::uint8_t, kLargestDer> der;
  const MutableBytes to = is_ecdsa ? MutableBytes(der) : out;
  std::size_t size = to.size();
  const MessageContext context(EVP_MD_CTX_new());
  CHECK(context != nullptr);
  if (EVP_DigestSignInit(context.get(), nullptr, digest_of(scheme_), nullptr, key_) != 1 ||
      EVP_DigestSign(context.get(), to.data(), &size, message.data(), message.size()) != 1) {
    return fail("the private key cannot sign");
  }
  if (is_ecdsa) split_signature(Bytes(der).first(size), number_size(scheme_), out.data());
  return signature_size();
}

bool SigningKey::verify(Bytes message, Bytes signature) const {
  const ErrorMark mark;
  if (signature.size() != signature_size()) return false;
  const bool is_ecdsa = !is_rsa(scheme_) && scheme_ != SignatureScheme::ed25519;
  std::array<std::uint8_t, kLargestDer> der;
  if (is_ecdsa) signature = Bytes(der).first(join_signature(signature, der));
  const MessageContext context(EVP_MD_CTX_new());
  CHECK(context != nullptr);
  return EVP_DigestVerifyInit(context.get(), nullptr, digest_of(scheme_), nullptr, key_) == 1 &&
         EVP_DigestVerify(context.get(), signature.data(), signature.size(), message.data(), message.size()) == 1;
}

}  // namespace swage::crypto
