// Dialer: finds out whether a libp2p peer can be reached at one of the addresses that somebody submitted for it, by
// dialling them and having it prove its key. Runs in the service process; whoever runs registrations owns one.
//
// The addresses are a stranger's: what is connected to is decided by an AddressPolicy, for names after they were
// resolved and for exactly the addresses that were judged; nothing is sent to them but the fixed bytes of the
// protocols, and host names that are host names.
#pragma once

#include <chrono>
#include <expected>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "core/async/event.h"
#include "core/async/loop.h"
#include "core/async/resolver.h"
#include "core/async/task.h"
#include "core/dial/address_policy.h"
#include "core/libp2p/key.h"
#include "core/libp2p/multiaddr.h"
#include "core/libp2p/peer_id.h"
#include "core/result.h"

namespace swage::dial {

struct Settings {
  std::chrono::milliseconds timeout{15'000};           // of reach()
  std::chrono::milliseconds connect_timeout{5'000};    // of each dial: TCP; so that what is silent makes room
  std::chrono::milliseconds handshake_timeout{5'000};  // of each dial: what follows, up to the proof
  std::size_t concurrency = 8;                         // dials at once of one reach()
  std::size_t addresses = 32;                          // that count, of those that can be dialled
  std::size_t names = 4;                               // that are resolved, to 8 addresses each
  std::size_t total = 1024;                            // dials at once of all; the first that wait come first.
                                                       // Fewer where the process may open few files
  AddressPolicy policy{};
  async::Resolver::Settings resolver{};

  // Identify goes on behind a success: at most so many at once and in a second (others have none: who is there is
  // proven, and what it is called matters less than the next registration), each for so long.
  std::size_t identifications = 256;
  std::size_t identifications_a_second = 50;
  std::chrono::milliseconds identify_timeout{5'000};
  // Called once where the peer told its agent's name ("kubo/0.33.0"): 1 to 64 printable ASCII characters, chosen by the
  // peer. Must not destroy the Dialer.
  std::function<void(const libp2p::PeerId& peer, const std::string& agent)> on_identified{};
};

struct Reached {
  libp2p::Multiaddr address;  // as submitted
  std::string transport;      // "tcp", "ws", "wss"
  std::string security;       // "noise", "tls"
};

// The text is for logs: it tells what somebody's network looks like from here, so no client may see it.
class DialError : public Error {
 public:
  enum class Kind {
    nothing_dialable,  // no address of a kind that is dialled, or none that may be
    unreachable,       // none answered and proved to be the peer
    timed_out,         // Settings::timeout passed
    cancelled,         // the caller's event was set
    busy,              // Settings::timeout passed while others kept all dials of Settings::total
  };

  DialError(Kind kind, std::string text) : Error(std::move(text)), kind_(kind) {}
  [[nodiscard]] Kind kind() const { return kind_; }

 private:
  Kind kind_;
};

class Dialer {
 public:
  // REQUIRES: the loop outlives it.
  Dialer(async::Loop& loop, libp2p::PrivateKey identity, Settings settings);
  ~Dialer();
  Dialer(const Dialer&) = delete;
  Dialer& operator=(const Dialer&) = delete;

  // Dials several of `addresses` (texts of multiaddrs; see plan.h for those that count) at once. The first that proves
  // to be `peer` wins; the others are closed. It ends at once when `cancel` is set, or when the task is destroyed.
  // REQUIRES: the Dialer and `cancel` outlive the task.
  [[nodiscard]] async::Task<std::expected<Reached, DialError>> reach(libp2p::PeerId peer,
                                                                     std::vector<std::string> addresses,
                                                                     async::Event& cancel);

  // Dials that are under way, of all; and identifications.
  [[nodiscard]] std::size_t dialling() const;
  [[nodiscard]] std::size_t identifying() const;

 private:
  struct State;
  std::shared_ptr<State> state_;
};

}  // namespace swage::dial
