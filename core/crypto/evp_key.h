// RSA, ECDSA and secp256k1 keys by OpenSSL, as libp2p uses them: always over SHA-256. What each form of key must be is
// in the parse functions; what is not exactly so is an Error, so equal keys have equal bytes. Any process.
#pragma once

#include <cstdint>
#include <vector>

#include "core/bytes.h"
#include "core/crypto/secret.h"
#include "core/result.h"

struct evp_pkey_st;  // OpenSSL's EVP_PKEY

namespace swage::crypto {

inline constexpr std::size_t kSecp256k1Size = 33;  // bytes of a public key, compressed

// A public key. Copies share OpenSSL's object, which never changes.
class EvpPublicKey {
 public:
  // PKIX (SubjectPublicKeyInfo) in DER: 2048 to 8192 bits, an odd exponent of at most 65537, which is what
  // libp2p's libraries make: each further bit costs the verifier.
  [[nodiscard]] static Result<EvpPublicKey> rsa(Bytes pkix);
  // PKIX in DER: on P-224, P-256, P-384 or P-521, the curve by its name, the point uncompressed.
  [[nodiscard]] static Result<EvpPublicKey> ecdsa(Bytes pkix);
  // A compressed point.
  [[nodiscard]] static Result<EvpPublicKey> secp256k1(Bytes point);

  EvpPublicKey(const EvpPublicKey& other);
  EvpPublicKey& operator=(EvpPublicKey other) noexcept;
  ~EvpPublicKey();

  // The signature is PKCS#1 v1.5 for RSA; a DER sequence of r and s otherwise, where a high s is as good as a low one.
  [[nodiscard]] bool verify(Bytes message, Bytes signature) const;

 private:
  explicit EvpPublicKey(evp_pkey_st* owned) : key_(owned) {}
  static Result<EvpPublicKey> from_pkix(Bytes pkix);

  evp_pkey_st* key_;
};

// A private key. OpenSSL wipes it at the end.
class EvpPrivateKey {
 public:
  // From OpenSSL's randomness, which is the system's. An RSA key takes long: two primes must be found.
  [[nodiscard]] static EvpPrivateKey generate_rsa();    // of 2048 bits
  [[nodiscard]] static EvpPrivateKey generate_ecdsa();  // on P-256
  [[nodiscard]] static EvpPrivateKey generate_secp256k1();

  // DER: PKCS#1, or PKCS#8. Whether the primes are prime is not looked at.
  [[nodiscard]] static Result<EvpPrivateKey> rsa(Bytes der);
  // DER: SEC 1 (RFC 5915), or PKCS#8.
  [[nodiscard]] static Result<EvpPrivateKey> ecdsa(Bytes der);
  // The 32 bytes of the scalar, big-endian.
  [[nodiscard]] static Result<EvpPrivateKey> secp256k1(Bytes scalar);

  EvpPrivateKey(EvpPrivateKey&& other) noexcept;
  EvpPrivateKey& operator=(EvpPrivateKey&& other) noexcept;
  ~EvpPrivateKey();

  [[nodiscard]] Secret to_der() const;                           // PKCS#1 or SEC 1
  [[nodiscard]] Secret scalar() const;                           // REQUIRES: a key on secp256k1
  [[nodiscard]] std::vector<std::uint8_t> public_pkix() const;   // what EvpPublicKey::rsa() and ecdsa() read
  [[nodiscard]] std::vector<std::uint8_t> public_point() const;  // REQUIRES: a key on secp256k1; compressed

  // As EvpPublicKey::verify() wants it; on secp256k1 with a low s, as libraries made for that curve take no other
  // (js-libp2p's noble-curves). Fails where the numbers of the key do not fit each other.
  [[nodiscard]] Result<std::vector<std::uint8_t>> sign(Bytes message) const;

 private:
  explicit EvpPrivateKey(evp_pkey_st* owned) : key_(owned) {}

  evp_pkey_st* key_;
};

}  // namespace swage::crypto
