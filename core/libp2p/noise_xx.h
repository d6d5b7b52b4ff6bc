// Noise_XX_25519_ChaChaPoly_SHA256 (https://noiseprotocol.org/noise.html, sections 5.3 and 7.5), the messages of its
// handshake with any payloads: bytes ↔ keys. It knows nothing of libp2p, nor of how messages are told apart. Without
// I/O. Owned by noise.h's Handshake.
//
//     initiator → responder   e                    payload, for all to read
//     responder → initiator   e, ee, s, es         payload
//     initiator → responder   s, se                payload
//
// e and s are the sender's public keys, ephemeral and static, 32 bytes each; two letters mix in a secret that the
// initiator's key of the first letter and the responder's of the second agree on. What follows the first such is
// encrypted, which adds 16 bytes to s and to the payload.
#pragma once

#include <cstdint>
#include <memory>
#include <span>
#include <vector>

#include "core/bytes.h"
#include "core/crypto/x25519.h"
#include "core/libp2p/noise_symmetric.h"

namespace swage::libp2p::noise {

inline constexpr std::size_t kMaxMessage = 65535;  // bytes, of the handshake and later (section 3)

enum class Role { initiator, responder };

// The keys of one side. An ephemeral key is for one handshake, a static one may be for many.
struct KeyPairs {
  std::shared_ptr<const crypto::X25519Key> fixed;  // the static one
  crypto::X25519Key ephemeral;
};

class XxHandshake {
 public:
  // Both sides must have the same prologue (section 6).
  XxHandshake(Role role, Bytes prologue, KeyPairs keys);

  [[nodiscard]] bool done() const { return message_ == 3; }
  [[nodiscard]] bool writes_next() const;
  // Whether the next message, if there is one, brings a static key; its payload is then for the other side alone.
  [[nodiscard]] bool next_has_static() const { return message_ >= 1; }

  // The next message. REQUIRES: writes_next(), and a payload that leaves it at most kMaxMessage bytes. After an error,
  // of this and of read(), nothing may be called any more.
  [[nodiscard]] NoiseResult<std::vector<std::uint8_t>> write(Bytes payload);
  // The payload of the other side's next message. REQUIRES: !done() && !writes_next().
  [[nodiscard]] NoiseResult<std::vector<std::uint8_t>> read(Bytes message);

  [[nodiscard]] const crypto::X25519Public& our_static() const { return keys_.fixed->public_key(); }
  // REQUIRES: the message that holds it was read: the initiator's first, the responder's second.
  [[nodiscard]] const crypto::X25519Public& their_static() const { return their_static_; }

  [[nodiscard]] const crypto::Digest& hash() const { return symmetric_.hash(); }
  // REQUIRES: done().
  [[nodiscard]] SymmetricState::Ciphers split() const;

 private:
  enum class Token { e, s, ee, es, se };
  [[nodiscard]] NoiseResult<> write_token(Token token, std::vector<std::uint8_t>& out);
  [[nodiscard]] NoiseResult<> read_token(Token token, Bytes& message);
  [[nodiscard]] NoiseResult<> mix_secret(Token token);
  [[nodiscard]] static std::span<const Token> tokens_of(int message);

  Role role_;
  KeyPairs keys_;
  SymmetricState symmetric_;
  crypto::X25519Public their_ephemeral_{};
  crypto::X25519Public their_static_{};
  int message_ = 0;  // the next one
};

}  // namespace swage::libp2p::noise
