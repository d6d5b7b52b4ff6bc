// Upgrader: a raw stream (TCP, WebSocket) becomes a secured one whose other end is proven, and that a Connection of
// many streams (https://github.com/libp2p/specs/blob/master/connections/README.md, "Upgrading connections"). Both sides
// of it: the dialler in the service process, and the program swage-peer.
//
//     multistream-select  /noise, /tls/1.0.0     Noise first: every implementation has it
//     handshake           proves the other side's key
//     multistream-select  /yamux/1.0.0           unless TLS has agreed on it by ALPN ("Inlined muxer negotiation")
//
// Nothing here knows the time: for a deadline use async::within().
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "core/async/loop.h"
#include "core/async/stream.h"
#include "core/async/task.h"
#include "core/async/tls.h"
#include "core/dial/connection.h"
#include "core/dial/select.h"
#include "core/libp2p/key.h"
#include "core/libp2p/noise.h"
#include "core/libp2p/peer_id.h"
#include "core/libp2p/yamux.h"
#include "core/result.h"

namespace swage::dial {

// How far an upgrade has come, in a word for the log: "multistream", "noise", "tls".
using Stage = std::string_view;

// A stream that nobody else can read or change, and the proven identity of its other end.
struct Secured {
  std::unique_ptr<async::Stream> stream;
  libp2p::PublicKey key;
  libp2p::PeerId peer;
  std::string security;  // "noise" or "tls"
  std::string muxer;     // that both have agreed on already; empty: none yet
};

class Upgrader {
 public:
  struct Offer {
    std::vector<std::string> securities{"/noise", "/tls/1.0.0"};  // in order of preference; at least one
    bool inlined_muxer = true;                                    // in TLS
  };

  // Makes a static key for Noise and a certificate for TLS, which serve all connections. REQUIRES: the loop outlives
  // it.
  Upgrader(async::Loop& loop, libp2p::PrivateKey identity);
  Upgrader(async::Loop& loop, libp2p::PrivateKey identity, Offer offer);
  Upgrader(const Upgrader&) = delete;
  Upgrader& operator=(const Upgrader&) = delete;

  [[nodiscard]] const libp2p::PublicKey& identity() const { return identity_.public_key(); }

  // Fails where the other side is not `expected` (nullopt: anybody), before anything is said to it inside.
  // REQUIRES: the Upgrader outlives the task.
  [[nodiscard]] async::Task<Result<Secured>> secure(std::unique_ptr<async::Stream> raw, Side side,
                                                    std::optional<libp2p::PeerId> expected);
  // As secure(), for a dialler that wants to know whether `expected` is there and perhaps no more: the last message of
  // Noise waits until something is written to the stream, which must be before it is read. The proof does not
  // need it. REQUIRES: the Upgrader and `stage` outlive the task.
  [[nodiscard]] async::Task<Result<Secured>> prove(std::unique_ptr<async::Stream> raw, libp2p::PeerId expected,
                                                   Stage& stage);
  [[nodiscard]] async::Task<Result<std::unique_ptr<Connection>>> multiplex(Secured secured, Side side,
                                                                           libp2p::yamux::Limits limits);

 private:
  [[nodiscard]] async::Task<Result<Secured>> secure_by_noise(std::unique_ptr<PushbackStream> stream, Side side,
                                                             std::optional<libp2p::PeerId> expected);
  [[nodiscard]] async::Task<Result<Secured>> prove_by_noise(std::unique_ptr<PushbackStream> stream,
                                                            libp2p::PeerId expected);
  [[nodiscard]] async::Task<Result<Secured>> secure_by_tls(std::unique_ptr<PushbackStream> stream, Side side,
                                                           std::optional<libp2p::PeerId> expected);

  async::Loop& loop_;
  libp2p::PrivateKey identity_;
  Offer offer_;
  libp2p::noise::NoiseResult<libp2p::noise::StaticKey> noise_;  // for all connections
  Result<async::TlsContext> tls_;
};

}  // namespace swage::dial
