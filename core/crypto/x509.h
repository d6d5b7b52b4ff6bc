// X.509 certificates (RFC 5280) that stand for themselves: reads one that somebody made and signed with its own key,
// and makes such ones. No chains, no names, no authorities: those are TLS's (core/async/tls.h). Owner of OpenSSL's
// object; pure functions otherwise, any process.
#pragma once

#include <chrono>
#include <cstdint>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "core/bytes.h"
#include "core/crypto/evp_key.h"
#include "core/crypto/secret.h"
#include "core/result.h"

struct x509_st;  // OpenSSL's X509

namespace swage::crypto {

// Section 4.2.
struct Extension {
  std::string oid;  // "2.5.29.15"
  bool critical = false;
  std::vector<std::uint8_t> value;  // what the OCTET STRING holds
};

// In whole seconds, both ends included. Nanoseconds would not reach the year 9999.
struct Validity {
  std::chrono::sys_seconds not_before;
  std::chrono::sys_seconds not_after;
};

// A certificate of version 3, parsed: nothing of it is proven, not even its own signature.
class Certificate {
 public:
  // One certificate in DER, all of `der`, of at most 16 KiB.
  [[nodiscard]] static Result<Certificate> parse(Bytes der);

  [[nodiscard]] const Validity& validity() const { return validity_; }
  [[nodiscard]] const std::vector<Extension>& extensions() const { return extensions_; }  // as they come, even twice
  [[nodiscard]] Bytes public_key() const { return public_key_; }  // its SubjectPublicKeyInfo in DER, as it came

  // Whether its own key signed it: by RSA (PKCS#1 v1.5) or ECDSA, with keys as EvpPublicKey has them, over SHA-256,
  // -384 or -512; or by Ed25519. Nothing else is a signature.
  [[nodiscard]] bool signed_by_itself() const;

 private:
  struct Free {
    void operator()(x509_st* owned) const;
  };
  explicit Certificate(std::unique_ptr<x509_st, Free> owned) : x509_(std::move(owned)) {}

  std::unique_ptr<x509_st, Free> x509_;
  Validity validity_{};
  std::vector<Extension> extensions_;
  std::vector<std::uint8_t> public_key_;
};

// What a new certificate shall say.
struct CertificatePlan {
  std::uint64_t serial = 1;  // also its subject's serialNumber: RFC 5280 wants an issuer with a name
  Validity validity{};
  Extension extension;
};

struct OwnCertificate {
  std::vector<std::uint8_t> der;
  Secret key;  // PKCS#8 in DER
};

// Signed by `key`, which it is for: ECDSA over SHA-256. REQUIRES: a key of EvpPrivateKey::generate_ecdsa() or ecdsa();
// a serial above 0; years from 1950 to 9999.
[[nodiscard]] OwnCertificate make_certificate(const EvpPrivateKey& key, const CertificatePlan& plan);

}  // namespace swage::crypto
