#include "core/libp2p/noise.h"

#include "core/libp2p/noise_payload.h"

namespace swage::libp2p::noise {

using ByteVector = std::vector<std::uint8_t>;
using Kind = NoiseError::Kind;

NoiseResult<StaticKey> StaticKey::make(const PrivateKey& identity, crypto::Random& random) {
  StaticKey made;
  made.key_ = std::make_shared<const crypto::X25519Key>(crypto::X25519Key::generate(random));
  TRY(ByteVector payload, make_payload(identity, made.key_->public_key()));
  made.payload_ = std::make_shared<const ByteVector>(std::move(payload));
  return made;
}

NoiseResult<Handshake> Handshake::start(Options options, const StaticKey& fixed, crypto::Random& random) {
  Handshake handshake(options, fixed, random);
  if (options.role == Role::initiator) TRY(handshake.write());
  return handshake;
}

NoiseResult<Handshake> Handshake::start(Options options, const PrivateKey& identity, crypto::Random& random) {
  TRY(const StaticKey fixed, StaticKey::make(identity, random));
  return start(options, fixed, random);
}

Handshake::Handshake(Options options, const StaticKey& fixed, crypto::Random& random)
    : options_(options),
      xx_(options.role, {}, {fixed.key_, crypto::X25519Key::generate(random)}),
      payload_(fixed.payload_) {}

NoiseResult<> Handshake::receive(Bytes& in) {
  while (!failed_ && !proven()) {
    const std::optional<ByteVector> message = reader_.read(in);
    if (!message) break;
    if (auto handled = handle(*message); !handled) failed_ = std::move(handled).error();
  }
  if (failed_) return std::unexpected(*failed_);
  return {};
}

NoiseResult<> Handshake::handle(Bytes message) {
  TRY(read(message));
  if (xx_.writes_next() && !(options_.defers && proven())) TRY(write());
  return {};
}

// What could fail has failed before: the responder's ephemeral key was good for a first secret.
void Handshake::conclude() {
  CHECK(proven() && !done());
  CHECK(write());
}

NoiseResult<> Handshake::write() {
  TRY(const ByteVector message, xx_.write(xx_.next_has_static() ? Bytes(*payload_) : Bytes()));
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
