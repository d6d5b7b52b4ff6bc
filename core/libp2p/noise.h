// libp2p's secure channel over Noise (https://github.com/libp2p/specs/blob/master/noise/README.md): two sides agree on
// keys and prove their identities. Without I/O and without a clock: bytes go in, bytes come out. Owned by the owner of
// the connection. Extensions (early data) are neither sent nor looked at.
//
//     TRY(auto handshake, Handshake::start({Role::initiator, peer}, identity, random));
//     while (!handshake.done()) { send(handshake.take_output()); …; TRY(handshake.receive(in)); }
//     send(handshake.take_output());
//     Channel channel = std::move(handshake).finish();       // what is left in `in` belongs to channel.decryptor
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string_view>
#include <utility>
#include <vector>

#include "core/bytes.h"
#include "core/crypto/random.h"
#include "core/libp2p/key.h"
#include "core/libp2p/noise_symmetric.h"
#include "core/libp2p/noise_transport.h"
#include "core/libp2p/noise_xx.h"
#include "core/libp2p/peer_id.h"

namespace swage::libp2p::noise {

inline constexpr std::string_view kProtocol = "/noise";

// A connection whose other end is known, and that nobody else can read or change.
struct Channel {
  PublicKey remote_key;  // proven
  PeerId remote;         // its peer ID
  crypto::Digest hash;   // of the handshake: the same on both sides, unique for the connection
  Encryptor encryptor;
  Decryptor decryptor;
};

// A static key, and the signature with which an identity vouches for it. A peer has "one or more" of them in its
// lifetime ("Static Key Authentication"): one serves any number of handshakes. What was sent is protected by the
// ephemeral keys too, also from anybody who gets hold of the static one later. Copies share the key.
class StaticKey {
 public:
  // Fails where `identity` cannot sign. Neither is needed later.
  [[nodiscard]] static NoiseResult<StaticKey> make(const PrivateKey& identity, crypto::Random& random);

 private:
  friend class Handshake;
  StaticKey() = default;

  std::shared_ptr<const crypto::X25519Key> key_;
  std::shared_ptr<const std::vector<std::uint8_t>> payload_;
};

class Handshake {
 public:
  struct Options {
    Role role = Role::initiator;
    std::optional<PeerId> expected{};  // the other side's peer ID; nullopt: any that is proven
    bool defers = false;               // of an initiator: its last message waits for conclude()
  };

  // Makes an ephemeral key: `random` is not needed later. The other one makes a static key, too.
  [[nodiscard]] static NoiseResult<Handshake> start(Options options, const StaticKey& fixed, crypto::Random& random);
  [[nodiscard]] static NoiseResult<Handshake> start(Options options, const PrivateKey& identity,
                                                    crypto::Random& random);

  // Takes what belongs to the handshake from the front of `in`: when done(), what is left belongs to the channel. An
  // error is for ever: every further call fails in the same way. An initiator that finds another peer than it
  // expected has not revealed its own. Holds at most one message that is not whole, of 65535 bytes.
  [[nodiscard]] NoiseResult<> receive(Bytes& in);

  [[nodiscard]] bool done() const { return xx_.done() && proven(); }

  // Whether the other side's identity is proven. For an initiator that is before its last message: what the responder's
  // second holds has the authentication that XX gives at most (https://noiseprotocol.org/noise.html, section 7.7).
  [[nodiscard]] bool proven() const { return remote_.has_value() && !failed_; }

  // REQUIRES: proven().
  [[nodiscard]] const PublicKey& remote_key() const { return *remote_; }

  // Adds the last message to the output, after which it is done(). REQUIRES: Options::defers; proven(); once.
  void conclude();

  // What is to be sent, since the last call; an initiator has some from the start.
  [[nodiscard]] std::vector<std::uint8_t> take_output() { return std::exchange(output_, {}); }

  // REQUIRES: done(), and that the output was taken.
  [[nodiscard]] Channel finish() &&;

 private:
  Handshake(Options options, const StaticKey& fixed, crypto::Random& random);
  [[nodiscard]] NoiseResult<> write();
  [[nodiscard]] NoiseResult<> read(Bytes message);
  [[nodiscard]] NoiseResult<> handle(Bytes message);

  Options options_;
  XxHandshake xx_;
  std::shared_ptr<const std::vector<std::uint8_t>> payload_;  // ours, in the message that holds our static key
  FrameReader reader_;
  std::optional<PublicKey> remote_;
  std::optional<NoiseError> failed_;
  std::vector<std::uint8_t> output_;
};

}  // namespace swage::libp2p::noise
