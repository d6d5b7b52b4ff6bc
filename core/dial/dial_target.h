// One dial: TCP, then WebSocket and its TLS where the address says so, then the security handshake.
#pragma once

#include <chrono>
#include <optional>
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

// What all dials share.
struct Means {
  async::Loop& loop;
  Upgrader& upgrader;
  // The certificate of wss:// is not verified: it would say that a name leads here, and we did not come for a name. Who
  // is at the other end is proven by the handshake inside, with which nobody in between can interfere; and a peer that
  // has no certificate yet, or an expired one, needs this registration to get one.
  async::TlsContext wss;
  std::chrono::milliseconds connect_timeout;
  std::chrono::milliseconds handshake_timeout;
};

enum class Pace {
  hasty,    // as Upgrader::prove()
  patient,  // as Upgrader::secure()
};

// One connection. nullopt: it was hasty, and the target did not take Noise; on another connection, patience may find
// what it takes. `stage` says how far it came: "connect", "TLS", "websocket", and as Upgrader has it. Destroying the
// task closes the connection. It reads at most 1 MiB, what comes behind the proof included. REQUIRES: `means`, `target`
// and `stage` outlive the task.
[[nodiscard]] async::Task<Result<std::optional<Secured>>> dial_target(const Means& means, const Target& target,
                                                                      libp2p::PeerId peer, Pace pace, Stage& stage);

}  // namespace swage::dial
