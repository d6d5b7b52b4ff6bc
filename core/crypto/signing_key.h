// SigningKey: a key that signs DNS zones, with its private half or without, over OpenSSL. Keys and signatures are in
// DNSSEC's forms: RFC 3110 and 5702 (RSA), 6605 (ECDSA), 8080 (Ed25519). Not libp2p's keys (evp_key.h). Any process.
#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "core/bytes.h"
#include "core/crypto/secret.h"
#include "core/result.h"

struct evp_pkey_st;  // OpenSSL's EVP_PKEY

namespace swage::crypto {

enum class SignatureScheme : std::uint8_t { rsa_sha256, rsa_sha512, ecdsa_p256_sha256, ecdsa_p384_sha384, ed25519 };

inline constexpr std::size_t kLargestSignature = 512;  // bytes: of an RSA key of 4096 bits

// Copies share OpenSSL's object, which never changes, and is wiped when the last of them goes.
class SigningKey {
 public:
  // From OpenSSL's randomness, which is the system's. RSA keys have 2048 bits and take long to find.
  [[nodiscard]] static Result<SigningKey> generate(SignatureScheme scheme);
  // The public half alone, in the form of a DNSKEY record's key field. RSA keys have 1024 to 4096 bits.
  [[nodiscard]] static Result<SigningKey> from_public(SignatureScheme scheme, Bytes public_key);
  // `numbers` are the private half: for RSA modulus, public exponent, private exponent, both primes, both exponents and
  // the coefficient, big-endian, as BIND's files have them; one number for the others. An Error where they do not fit
  // each other or `public_key`.
  [[nodiscard]] static Result<SigningKey> from_private(SignatureScheme scheme, Bytes public_key,
                                                       std::span<const Secret> numbers);

  SigningKey(const SigningKey& other);
  SigningKey& operator=(SigningKey other) noexcept;
  ~SigningKey();

  [[nodiscard]] SignatureScheme scheme() const { return scheme_; }
  [[nodiscard]] bool can_sign() const { return can_sign_; }
  [[nodiscard]] std::vector<std::uint8_t> public_key() const;  // what from_public() takes
  [[nodiscard]] std::vector<Secret> private_numbers() const;   // what from_private() takes. REQUIRES: can_sign()
  [[nodiscard]] std::size_t signature_size() const;            // bytes
  // Gives the bytes written: signature_size(). REQUIRES: can_sign(), and room for them. Fails where OpenSSL does.
  [[nodiscard]] Result<std::size_t> sign(Bytes message, MutableBytes out) const;
  [[nodiscard]] bool verify(Bytes message, Bytes signature) const;

 private:
  SigningKey(evp_pkey_st* owned, SignatureScheme scheme, bool can_sign)
      : key_(owned), scheme_(scheme), can_sign_(can_sign) {}

  evp_pkey_st* key_;
  SignatureScheme scheme_;
  bool can_sign_;
};

}  // namespace swage::crypto
