// The certificates of libp2p's TLS handshake (https://github.com/libp2p/specs/blob/master/tls/tls.md, "Peer
// Authentication"): a self-signed certificate says in an extension which peer it belongs to. TLS itself is
// core/async/tls.h's. No I/O, no clock; any process.
//
//     SignedKey ::= SEQUENCE {          the value of extension 1.3.6.1.4.1.53594.1.1
//       publicKey OCTET STRING,         the identity key, as the PublicKey message
//       signature OCTET STRING }        its signature over "libp2p-tls-handshake:" | SubjectPublicKeyInfo
#pragma once

#include <chrono>
#include <cstdint>
#include <expected>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "core/bytes.h"
#include "core/crypto/random.h"
#include "core/crypto/secret.h"
#include "core/libp2p/key.h"
#include "core/result.h"

namespace swage::libp2p::tls {

inline constexpr std::string_view kProtocol = "/tls/1.0.0";  // for multistream-select

class CertificateError : public Error {
 public:
  enum class Kind {
    malformed,           // not one X.509 certificate of version 3 in DER
    not_yet_valid,       // its validity has not begun
    expired,             // its validity is over
    bad_self_signature,  // its own key did not sign it, or in a way that is not supported
    unknown_critical,    // it has a critical extension that is not understood
    no_identity,         // it has not exactly one libp2p extension
    bad_identity,        // the extension is not a SignedKey, or its key cannot be used
    bad_signature,       // the identity key did not sign the certificate's key
  };

  CertificateError(Kind kind, std::string text) : Error(std::move(text)), kind_(kind) {}
  [[nodiscard]] Kind kind() const { return kind_; }

 private:
  Kind kind_;
};

template <typename T = void>
using CertificateResult = std::expected<T, CertificateError>;

// What core/async/tls.h's TlsContext::mutual() takes. The key signs handshakes, it is not the identity key.
struct Credentials {
  std::vector<std::uint8_t> certificate;  // DER
  crypto::Secret key;                     // PKCS#8 in DER
};

// A new P-256 key and a certificate for it, valid from an hour before `now` for 100 years. May serve any number of
// connections. Fails where `identity` cannot sign.
[[nodiscard]] Result<Credentials> make_credentials(const PrivateKey& identity,
                                                   std::chrono::system_clock::time_point now, crypto::Random& random);

// The peer's key, proven, given that the certificate's key signed the handshake. `der` is the only one that the peer
// sent: more of them are the caller's to refuse.
[[nodiscard]] CertificateResult<PublicKey> verify_certificate(Bytes der, std::chrono::system_clock::time_point now);

// What to offer by ALPN: the muxers in order of preference, then "libp2p", which leaves the muxer open
// (https://github.com/libp2p/specs/blob/master/connections/inlined-muxer-negotiation.md).
[[nodiscard]] std::vector<std::string> alpn(const std::vector<std::string_view>& muxers);

}  // namespace swage::libp2p::tls
