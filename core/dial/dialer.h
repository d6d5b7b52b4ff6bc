// Dialer: finds out whether a libp2p peer can be reached at one of the addresses that somebody submitted for it, by
// dialling them and having it prove its key. Runs in the service process; owned by the broker.
//
// The addresses are a stranger's: an AddressPolicy decides which are connected to, for names after they were resolved
// and for exactly the addresses that were judged; nothing is sent to them but the fixed bytes of the protocols, and
// valid host names.
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
#include "core/dial/rate_limit.h"
#include "core/libp2p/key.h"
#include "core/libp2p/multiaddr.h"
#include "core/libp2p/peer_id.h"
#include "core/result.h"

namespace swage::dial {

struct Settings {
  std::chrono::milliseconds timeout{15'000};           // of reach()
  std::chrono::milliseconds target_timeout{7'500};     // of each target, waiting for its turn included
  std::chrono::milliseconds connect_timeout{5'000};    // of each connection: TCP; so that what is silent makes room
  std::chrono::milliseconds handshake_timeout{5'000};  // of each connection: what follows, up to the proof
  std::chrono::milliseconds lookup_step{2'500};  // the time of a look-up is rounded up to a multiple of it, see reach()
  std::chrono::milliseconds stagger{1'000};      // between two targets of one IP address, if the first is silent

  // Bounds of one reach(), so that it cannot be used as a weapon:
  std::size_t concurrency = 8;             // dials at once
  std::size_t addresses = 32;              // considered, of those that can be dialled
  std::size_t names = 4;                   // that are resolved, to 8 addresses each
  std::size_t connections = 8;             // in all
  std::size_t connections_of_address = 2;  // to one IP address, and so to two ports of it at most
  // Bounds of all together: connections to one network (network.h), and those of them asked for from outside of it.
  Rate network_limit{240, std::chrono::minutes(1)};
  Rate foreign_limit{30, std::chrono::minutes(1)};

  // At once, of all together. The clients' networks share them (core/async/shares.h), as they do
  // Resolver::Settings::lookups.
  std::size_t races = 512;   // reach()
  std::size_t total = 1024;  // dials; fewer where the process may open few files
  AddressPolicy policy{};
  async::Resolver::Settings resolver{};

  // Identify goes on after a success: at most so many at once and in a second, each for so long. Other peers
  // are not asked: they are proven, and their agent's name matters less than the next registration.
  std::size_t identifications = 256;
  std::size_t identifications_a_second = 50;
  std::chrono::milliseconds identify_timeout{5'000};
  std::string agent = "swage";  // our agent's name, for identify
  // Called once where the peer told its agent's name ("kubo/0.33.0"): 1 to 64 printable ASCII characters, chosen by the
  // peer. Must not destroy the Dialer.
  std::function<void(const libp2p::PeerId& peer, const std::string& agent)> on_identified{};
};

struct Reached {
  libp2p::Multiaddr address;  // as submitted
  std::string transport;      // "tcp", "ws", "wss"
  std::string security;       // "noise", "tls"
};

// The text is for logs: the outcome of each address, and its stage. It tells what somebody's network looks like
// from here, so no client may see it.
class DialError : public Error {
 public:
  enum class Kind {
    other_transports,  // all addresses are of transports that are not dialled: QUIC, WebTransport, WebRTC, relays
    nothing_dialable,  // no address of a kind that is dialled, or none that is allowed
    unreachable,       // none answered and proved to be the peer
    timed_out,         // Settings::timeout passed
    cancelled,         // the caller's event was set
    busy,              // others have, or took, the places that it needs
    limited,           // the limit of a target network is reached
  };

  DialError(Kind kind, std::string text, std::chrono::seconds retry_after = {})
      : Error(std::move(text)), kind_(kind), retry_after_(retry_after) {}
  [[nodiscard]] Kind kind() const { return kind_; }
  [[nodiscard]] std::chrono::seconds retry_after() const { return retry_after_; }  // if limited

 private:
  Kind kind_;
  std::chrono::seconds retry_after_;
};

class Dialer {
 public:
  // REQUIRES: the loop outlives it.
  Dialer(async::Loop& loop, libp2p::PrivateKey identity, Settings settings);
  ~Dialer();
  Dialer(const Dialer&) = delete;
  Dialer& operator=(const Dialer&) = delete;

  // Dials several of `addresses` (texts of multiaddrs; see plan.h for those that count) at once, because `client` asks
  // for it. The first that proves to be `peer` wins; the others are closed. It ends at once when `cancel` is set, or
  // when the task is destroyed.
  //
  // The time that a failure takes does not tell whether a port is closed, silent, or speaks something else: it is
  // reported Settings::target_timeout after the last address was known, when all dials have ended. No places are held
  // meanwhile.
  // REQUIRES: the Dialer and `cancel` outlive the task.
  [[nodiscard]] async::Task<std::expected<Reached, DialError>> reach(libp2p::PeerId peer,
                                                                     std::vector<std::string> addresses,
                                                                     IpAddress client, async::Event& cancel);

  // False: reach() would say busy at once to a client of this network.
  [[nodiscard]] bool has_room(const IpAddress& client);

  // Calls of reach() that are under way.
  [[nodiscard]] std::size_t racing() const;
  // Dials that are under way, of all; and identifications.
  [[nodiscard]] std::size_t dialling() const;
  [[nodiscard]] std::size_t identifying() const;

 private:
  struct State;
  std::shared_ptr<State> state_;
};

}  // namespace swage::dial
