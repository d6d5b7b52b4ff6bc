// The cryptography of a registration that no broker can do without, by the steps at which it is due: of an Ed25519 peer
// over Noise, up to the proof of who is there. Hashes are left out.
#pragma once

#include <array>
#include <cstdint>
#include <vector>

#include "core/crypto/chacha20_poly1305.h"
#include "core/crypto/ed25519.h"
#include "core/crypto/random.h"
#include "core/crypto/x25519.h"

namespace swage::bench {

class Cryptography {
 public:
  Cryptography();

  // peer-id-auth, begun by the client (libp2p/specs http/peer-id-auth.md): the server signs what the client asks it.
  void answer_challenge();
  // The signature of what it was asked in return.
  void check_answer();
  // Noise XX: an initiator makes an ephemeral key. Its static one was made and signed when the process began.
  void begin_handshake();
  // The second message: agreements (ee, es), the responder's static key and its payload to open, the signature in
  // there.
  void check_proof();

  void all();

 private:
  void verify();
  void agree_and_open();

  crypto::SystemRandom random_;
  crypto::Ed25519Key identity_;
  crypto::Ed25519Public public_;
  crypto::X25519Key ours_, theirs_;
  std::array<std::uint8_t, 150> message_{};  // about as long as what is signed and sealed in a registration
  std::vector<std::uint8_t> sealed_;
  crypto::Ed25519Signature signature_;
};

// Seconds of this thread's CPU time for all() of it.
[[nodiscard]] double measure(Cryptography& cryptography);

}  // namespace swage::bench
