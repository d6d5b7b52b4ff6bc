// TargetDialer: one dial. TCP, then WebSocket and its TLS where the address says so, then the security handshake.
#pragma once

#include <chrono>
#include <string>

#include "core/async/loop.h"
#include "core/async/task.h"
#include "core/async/tls.h"
#include "core/dial/plan.h"
#include "core/dial/upgrade.h"
#include "core/libp2p/multiaddr.h"
#include "core/libp2p/peer_id.h"
#include "core/net.h"
#include "core/result.h"

namespace swage::dial {

// A candidate whose host is an address that may be dialled.
struct Target {
  libp2p::Multiaddr address;  // as submitted
  Transport transport{};
  Endpoint endpoint;
  std::string server_name;  // as of Candidate
};

class DialledStream;

struct Dialled {
  Secured secured;
  DialledStream& carrier;  // somewhere below its stream
};

class TargetDialer {
 public:
  // Of a connection: TCP; and what follows, up to the proof.
  struct Timeouts {
    std::chrono::milliseconds connect, handshake;
  };

  // REQUIRES: both outlive it.
  TargetDialer(async::Loop& loop, Upgrader& upgrader, Timeouts timeouts);

  // One connection, as Upgrader::prove(). `stage` says how far it came: "connect", "TLS", "websocket", and as Upgrader
  // has it. Destroying the task closes the connection. It reads at most 1 MiB, what comes after the proof included.
  // REQUIRES: this, `target` and `stage` outlive the task.
  [[nodiscard]] async::Task<Result<Dialled>> dial(const Target& target, libp2p::PeerId peer, Stage& stage) const;

 private:
  [[nodiscard]] async::Task<Result<Secured>> prove(const Target& target, std::unique_ptr<async::Stream> stream,
                                                   libp2p::PeerId peer, Stage& stage) const;

  async::Loop& loop_;
  Upgrader& upgrader_;
  // The certificate of wss:// is not verified: it would say that a name leads here, and we did not come for a name. Who
  // is at the other end is proven by the handshake inside, with which nobody in between can interfere; and a peer that
  // has no certificate yet, or an expired one, needs this registration to get one.
  async::TlsContext wss_;
  Timeouts timeouts_;
};

}  // namespace swage::dial
