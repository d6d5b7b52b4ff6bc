#include "core/dial/upgrade.h"

#include <chrono>

#include "core/crypto/random.h"
#include "core/dial/noise_stream.h"
#include "core/dial/select.h"
#include "core/libp2p/noise.h"
#include "core/libp2p/tls.h"

namespace swage::dial {
namespace {

namespace noise = libp2p::noise;
namespace yamux = libp2p::yamux;
using async::Task;

constexpr Stage kSelecting = "multistream", kNoise = "noise", kTls = "tls";

Result<async::TlsContext> make_context(const libp2p::PrivateKey& identity, bool inlined_muxer) {
  crypto::SystemRandom random;
  TRY(const auto credentials, libp2p::tls::make_credentials(identity, std::chrono::system_clock::now(), random));
  std::vector<std::string_view> muxers;
  if (inlined_muxer) muxers.push_back(kMuxer);
  return async::TlsContext::mutual(credentials.certificate, credentials.key.bytes(), libp2p::tls::alpn(muxers));
}

noise::NoiseResult<noise::StaticKey> make_static_key(const libp2p::PrivateKey& identity) {
  crypto::SystemRandom random;
  return noise::StaticKey::make(identity, random);
}

// A handshake of Noise up to the proof of the other side's identity, for converse().
class Proof {
 public:
  explicit Proof(noise::Handshake& handshake) : handshake_(handshake) {}

  [[nodiscard]] bool done() const { return handshake_.proven(); }
  [[nodiscard]] std::vector<std::uint8_t> take_output() { return handshake_.take_output(); }
  [[nodiscard]] noise::NoiseResult<> receive(Bytes& in) { return handshake_.receive(in); }

 private:
  noise::Handshake& handshake_;
};

}  // namespace

Upgrader::Upgrader(async::Loop& loop, libp2p::PrivateKey identity) : Upgrader(loop, std::move(identity), Offer{}) {}

Upgrader::Upgrader(async::Loop& loop, libp2p::PrivateKey identity, Offer offer)
    : loop_(loop),
      identity_(std::move(identity)),
      offer_(std::move(offer)),
      noise_(make_static_key(identity_)),
      tls_(make_context(identity_, offer_.inlined_muxer)) {}

Task<Result<Secured>> Upgrader::secure(std::unique_ptr<async::Stream> raw, Side side,
                                       std::optional<libp2p::PeerId> expected) {
  auto stream = std::make_unique<PushbackStream>(std::move(raw));
  CO_TRY(const std::string protocol, co_await select(*stream, side, offer_.securities));
  if (protocol == noise::kProtocol) co_return co_await secure_by_noise(std::move(stream), side, expected);
  co_return co_await secure_by_tls(std::move(stream), side, expected);
}

Task<Result<Secured>> Upgrader::prove(std::unique_ptr<async::Stream> raw, libp2p::PeerId expected, Stage& stage) {
  stage = kSelecting;
  auto stream = std::make_unique<PushbackStream>(std::move(raw));
  CO_TRY(const std::string protocol, co_await select(*stream, Side::dialler, offer_.securities));
  stage = protocol == noise::kProtocol ? kNoise : kTls;
  if (protocol == noise::kProtocol) co_return co_await prove_by_noise(std::move(stream), expected);
  co_return co_await secure_by_tls(std::move(stream), Side::dialler, expected);
}

Task<Result<Secured>> Upgrader::prove_by_noise(std::unique_ptr<PushbackStream> stream, libp2p::PeerId expected) {
  if (!noise_) co_return fail("{}", noise_.error().text());
  crypto::SystemRandom random;
  auto handshake = noise::Handshake::start({noise::Role::initiator, expected, true}, *noise_, random);
  if (!handshake) co_return fail("{}", handshake.error().text());
  Proof proof(*handshake);
  CO_TRY(co_await converse(proof, *stream));
  const libp2p::PublicKey key = handshake->remote_key();
  auto sealed = std::make_unique<NoiseStream>(std::move(stream), *std::move(handshake));
  co_return Secured(std::move(sealed), key, expected, "noise", "");
}

Task<Result<Secured>> Upgrader::secure_by_noise(std::unique_ptr<PushbackStream> stream, Side side,
                                                std::optional<libp2p::PeerId> expected) {
  if (!noise_) co_return fail("{}", noise_.error().text());
  crypto::SystemRandom random;
  const noise::Role role = side == Side::dialler ? noise::Role::initiator : noise::Role::responder;
  auto handshake = noise::Handshake::start({role, expected}, *noise_, random);
  if (!handshake) co_return fail("{}", handshake.error().text());
  CO_TRY(co_await converse(*handshake, *stream));
  noise::Channel channel = std::move(*handshake).finish();
  const libp2p::PublicKey key = channel.remote_key;
  auto sealed = std::make_unique<NoiseStream>(std::move(stream), std::move(channel));
  co_return Secured(std::move(sealed), key, key.peer_id(), "noise", "");
}

Task<Result<Secured>> Upgrader::secure_by_tls(std::unique_ptr<PushbackStream> stream, Side side,
                                              std::optional<libp2p::PeerId> expected) {
  if (!tls_) co_return fail("{}", tls_.error().text());
  const async::TlsSide tls_side = side == Side::dialler ? async::TlsSide::client : async::TlsSide::server;
  auto tls = std::make_unique<async::TlsStream>(loop_, std::move(stream), *tls_, tls_side);
  CO_TRY(co_await tls->handshake());
  const auto key = libp2p::tls::verify_certificate(tls->peer_certificate(), std::chrono::system_clock::now());
  if (!key) co_return fail("tls: {}", key.error().text());
  const libp2p::PeerId peer = key->peer_id();
  if (expected && peer != *expected) co_return fail("tls: the peer is {}", peer.to_base58());
  std::string muxer = tls->alpn();
  if (muxer != kMuxer) muxer.clear();  // "libp2p" says no more than that
  co_return Secured(std::move(tls), *key, peer, "tls", std::move(muxer));
}

Task<Result<std::unique_ptr<Connection>>> Upgrader::multiplex(Secured secured, Side side, yamux::Limits limits) {
  auto stream = std::make_unique<PushbackStream>(std::move(secured.stream));
  if (secured.muxer.empty()) {
    std::vector<std::string> muxers;
    muxers.emplace_back(kMuxer);
    CO_TRY(co_await select(*stream, side, std::move(muxers)));
  }
  const yamux::Role role = side == Side::dialler ? yamux::Role::initiator : yamux::Role::listener;
  co_return std::make_unique<Connection>(loop_, std::move(stream), role, limits);
}

}  // namespace swage::dial
