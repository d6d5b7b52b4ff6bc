// Keys of libp2p nodes (https://github.com/libp2p/specs/blob/master/peer-ids/peer-ids.md, "Keys"): the four types
// behind one interface. Signatures are over the message: Ed25519 as it is, the others over its SHA-256. No I/O, any
// process.
#pragma once

#include <chrono>
#include <cstdint>
#include <utility>
#include <variant>
#include <vector>

#include "core/bytes.h"
#include "core/crypto/ed25519.h"
#include "core/crypto/evp_key.h"
#include "core/libp2p/key_protobuf.h"
#include "core/libp2p/peer_id.h"
#include "core/result.h"

namespace swage::libp2p {

// A public key that can be used, a value. Equal keys have equal bytes, so a key has one peer ID.
class PublicKey {
 public:
  // Lenient about the protobuf, strict about the key in it.
  [[nodiscard]] static Result<PublicKey> from_protobuf(Bytes message);
  // The Data of the protobuf: Ed25519 32 bytes; secp256k1 33 bytes, compressed; RSA and ECDSA PKIX in DER.
  [[nodiscard]] static Result<PublicKey> from_data(KeyType type, Bytes data);

  [[nodiscard]] KeyType type() const { return type_; }
  [[nodiscard]] Bytes data() const { return data_; }
  [[nodiscard]] std::vector<std::uint8_t> to_protobuf() const;  // the canonical form
  [[nodiscard]] PeerId peer_id() const;
  [[nodiscard]] bool verify(Bytes message, Bytes signature) const;

  bool operator==(const PublicKey& other) const { return type_ == other.type_ && data_ == other.data_; }

 private:
  using Key = std::variant<crypto::Ed25519Public, crypto::EvpPublicKey>;
  PublicKey(KeyType type, Bytes data, Key key) : type_(type), data_(data.begin(), data.end()), key_(std::move(key)) {}

  KeyType type_;
  std::vector<std::uint8_t> data_;
  Key key_;  // what `data_` means
};

// The one form of a public key's protobuf. Of the key only its type and its size are looked at; it may still be
// invalid.
[[nodiscard]] Result<std::vector<std::uint8_t>> canonical_public_key(Bytes message);

// About how long it takes to read a key and to verify one signature by it: 75 µs for Ed25519, 300 µs for RSA up to 4096
// bits, most of which OpenSSL takes to read the key, 900 µs for P-384 and P-521. For budgets; core_libp2p_test
// "[bench]" measures. REQUIRES: of canonical_public_key().
[[nodiscard]] std::chrono::microseconds verification_cost(Bytes canonical);

// A private key and its public one. Moves, is wiped when it goes.
class PrivateKey {
 public:
  // From the system's randomness: RSA of 2048 bits (which takes long), ECDSA on P-256.
  [[nodiscard]] static PrivateKey generate(KeyType type);
  // An Ed25519 key. REQUIRES: 32 bytes, secret.
  [[nodiscard]] static PrivateKey from_seed(Bytes seed);
  // The Data: Ed25519 the seed and then the public key once or twice, or not at all (py-libp2p); secp256k1 32 bytes;
  // RSA PKCS#1, ECDSA SEC 1.
  [[nodiscard]] static Result<PrivateKey> from_protobuf(Bytes message);

  [[nodiscard]] const PublicKey& public_key() const { return public_; }
  [[nodiscard]] crypto::Secret to_protobuf() const;  // for a file of the owner's
  // What public_key().verify() wants. Fails only for an RSA key that came from elsewhere and is not valid.
  [[nodiscard]] Result<std::vector<std::uint8_t>> sign(Bytes message) const;

 private:
  using Key = std::variant<crypto::Ed25519Key, crypto::EvpPrivateKey>;
  explicit PrivateKey(crypto::Ed25519Key key);
  PrivateKey(KeyType type, crypto::EvpPrivateKey key);
  static Result<PrivateKey> from_ed25519(Bytes data);

  Key key_;
  PublicKey public_;
};

}  // namespace swage::libp2p
