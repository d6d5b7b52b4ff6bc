// The objects of the Noise Protocol Framework that hold keys (https://noiseprotocol.org/noise.html, section 5), for
// 25519_ChaChaPoly_SHA256. Without I/O. Owned by a handshake, later by the two directions of a connection.
#pragma once

#include <cstdint>
#include <expected>
#include <optional>
#include <string_view>
#include <utility>
#include <vector>

#include "core/bytes.h"
#include "core/crypto/chacha20_poly1305.h"
#include "core/crypto/hash.h"
#include "core/crypto/secret.h"
#include "core/result.h"

namespace swage::libp2p::noise {

class NoiseError : public Error {
 public:
  enum class Kind {
    too_short,      // a message that ends before what it must hold
    not_authentic,  // a ciphertext that its key, its place or its handshake does not fit: damaged, repeated, forged
    bad_key,        // a public key with which everybody would know the secret
    bad_payload,    // no protobuf, or without an identity key that can be used, or without a signature
    bad_signature,  // the identity key did not sign the static key
    wrong_peer,     // it proved to be another peer than the expected one
    cannot_sign,    // our own identity key is not valid
    exhausted,      // 2^64 - 1 messages were sent or received
  };

  NoiseError(Kind kind, std::string text) : Error(std::move(text)), kind_(kind) {}
  [[nodiscard]] Kind kind() const { return kind_; }

 private:
  Kind kind_;
};

template <typename T = void>
using NoiseResult = std::expected<T, NoiseError>;

inline constexpr std::size_t kTagSize = crypto::kChaChaTagSize;

// Section 5.1, with a key: messages are numbered, each number is used once.
class CipherState {
 public:
  // REQUIRES: 32 bytes, secret.
  explicit CipherState(Bytes key, std::uint64_t next = 0) : key_(crypto::Secret::copy_of(key)), next_(next) {}

  // As chacha20_poly1305_seal(), and with its requirements.
  [[nodiscard]] NoiseResult<> encrypt(Bytes additional, Bytes plaintext, MutableBytes out);
  // As chacha20_poly1305_open(), but for any size of `sealed`. Where it fails, the next one has the same number.
  // REQUIRES: out.size() + kTagSize == sealed.size(), if `sealed` is as long as a tag.
  [[nodiscard]] NoiseResult<> decrypt(Bytes additional, Bytes sealed, MutableBytes out);

 private:
  [[nodiscard]] NoiseResult<crypto::ChaChaNonce> nonce() const;

  crypto::Secret key_;
  std::uint64_t next_;
};

// Section 5.2: what both sides have seen and agreed on so far.
class SymmetricState {
 public:
  // REQUIRES: protocol_name.size() <= 32.
  explicit SymmetricState(std::string_view protocol_name);

  void mix_hash(Bytes data);
  void mix_key(Bytes key_material);

  // Appends. Before the first mix_key() nothing is encrypted.
  [[nodiscard]] NoiseResult<> encrypt_and_hash(Bytes plaintext, std::vector<std::uint8_t>& out);
  [[nodiscard]] NoiseResult<std::vector<std::uint8_t>> decrypt_and_hash(Bytes sealed);

  // Bytes that encrypt_and_hash() adds to a plaintext.
  [[nodiscard]] std::size_t overhead() const { return cipher_ ? kTagSize : 0; }
  // Of everything that was said: the same on both sides, unique for the session (section 11.2).
  [[nodiscard]] const crypto::Digest& hash() const { return hash_; }

  struct Ciphers {
    CipherState from_initiator;
    CipherState from_responder;
  };
  [[nodiscard]] Ciphers split() const;

 private:
  crypto::Digest hash_{};
  crypto::Secret chaining_key_;
  std::optional<CipherState> cipher_;
};

}  // namespace swage::libp2p::noise
