// The frames of libp2p's Noise (https://github.com/libp2p/specs/blob/master/noise/README.md, "Wire Format"), and what
// they carry when the handshake is done. Without I/O. Owned by the owner of the connection.
//
//     frame     length of the message, 16 bits, big-endian | message
//     message   in the handshake: as in noise_xx.h; later: ciphertext | tag, 16 bytes
#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <utility>
#include <vector>

#include "core/bytes.h"
#include "core/libp2p/noise_symmetric.h"
#include "core/libp2p/noise_xx.h"

namespace swage::libp2p::noise {

inline constexpr std::size_t kLengthSize = 2;                         // bytes
inline constexpr std::size_t kMaxPlaintext = kMaxMessage - kTagSize;  // bytes of one message

// REQUIRES: message.size() <= kMaxMessage.
void append_frame(std::vector<std::uint8_t>& out, Bytes message);

// Cuts bytes into messages, however they arrive. Holds at most one message that is not whole.
class FrameReader {
 public:
  // The next message; nullopt when `in` is used up before it is whole. Takes what it used from the front of `in`, and
  // nothing after the message.
  [[nodiscard]] std::optional<std::vector<std::uint8_t>> read(Bytes& in);

  // Whether all that came in were whole messages: if not, an end of the stream here has cut one off.
  [[nodiscard]] bool between_messages() const { return length_size_ == 0; }

 private:
  std::array<std::uint8_t, kLengthSize> length_{};
  std::size_t length_size_ = 0;        // how many of its bytes are there
  std::vector<std::uint8_t> message_;  // what is there of it
};

// One direction: what we send.
class Encryptor {
 public:
  explicit Encryptor(CipherState cipher) : cipher_(std::move(cipher)) {}

  // Appends the frames of `plaintext`: as many as it takes, one if it is empty. After an error, `out` ends with a
  // whole frame, and nothing can be sent any more.
  [[nodiscard]] NoiseResult<> encrypt(Bytes plaintext, std::vector<std::uint8_t>& out);

 private:
  CipherState cipher_;
};

// The other direction: what we receive. Holds at most one message that is not whole, of 65535 bytes.
class Decryptor {
 public:
  explicit Decryptor(CipherState cipher) : cipher_(std::move(cipher)) {}

  // The plaintext of the next message, which may be empty; nullopt when `in` is used up before it is whole. Takes what
  // it used from the front of `in`. An error is for ever: every further call fails in the same way.
  [[nodiscard]] NoiseResult<std::optional<std::vector<std::uint8_t>>> receive(Bytes& in);

  // As of FrameReader. Noise has no end of its own: what follows the last message may have been withheld.
  [[nodiscard]] bool between_messages() const { return reader_.between_messages(); }

 private:
  CipherState cipher_;
  FrameReader reader_;
  std::optional<NoiseError> failed_;
};

}  // namespace swage::libp2p::noise
