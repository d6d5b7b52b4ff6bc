#include "core/libp2p/noise.h"

#include "core/libp2p/noise_payload.h"

namespace swage::libp2p::noise {

using ByteVector = std::vector<std::uint8_t>;
using Kind = NoiseError::Kind;

NoiseResult<Handshake> Handshake::start(Options options, const PrivateKey& identity, crypto::Random& random) {
  KeyPairs keys{crypto::X25519Key::generate(random), crypto::X25519Key::generate(random)};
  TRY(ByteVector payload, make_payload(identity, keys.fixed.public_key()));
  Handshake handshake(options, XxHandshake(options.role, {}, std::move(keys)), std::move(payload));
  if (options.role == Role::initiator) TRY(handshake.write());
  return handshake;
}

Handshake::Handshake(Options options, XxHandshake xx, ByteVector payload)
    : options_(options), xx_(std::move(xx)), payload_(std::move(payload)) {}

NoiseResult<> Handshake::receive(Bytes& in) {
  while (!failed_ && !done()) {
    const std::optional<ByteVector> message = reader_.read(in);
    if (!message) break;
    if (auto handled = handle(*message); !handled) failed_ = std::move(handled).error();
  }
  if (failed_) return std::unexpected(*failed_);
  return {};
}

NoiseResult<> Handshake::handle(Bytes message) {
  TRY(read(message));
  if (xx_.writes_next()) TRY(write());
  return {};
}

NoiseResult<> Handshake::write() {
  TRY(const ByteVector message, xx_.write(xx_.next_has_static() ? Bytes(payload_) : Bytes()));
  append_frame(output_, message);
  return {};
}

NoiseResult<> Handshake::read(Bytes message) {
  const bool proves = xx_.next_has_static();
  TRY(const ByteVector payload, xx_.read(message));
  if (!proves) return {};
  TRY(PublicKey key, check_payload(payload, xx_.their_static()));
  if (options_.expected && key.peer_id() != *options_.expected) {
    return std::unexpected(NoiseError(Kind::wrong_peer, "noise: the peer is " + key.peer_id().to_base58()));
  }
  remote_ = std::move(key);
  return {};
}

Channel Handshake::finish() && {
  CHECK(done() && output_.empty());
  SymmetricState::Ciphers ciphers = xx_.split();
  const bool initiator = options_.role == Role::initiator;
  return {*remote_, remote_->peer_id(), xx_.hash(),
          Encryptor(std::move(initiator ? ciphers.from_initiator : ciphers.from_responder)),
          Decryptor(std::move(initiator ? ciphers.from_responder : ciphers.from_initiator))};
}

}  // namespace swage::libp2p::noise
