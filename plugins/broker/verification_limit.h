// VerificationLimit: how much processor time strangers can cause by signatures that prove nothing yet. Budgets in
// microseconds (libp2p::verification_cost), one for each client's network and one for all of them; no I/O, no clock. In
// the service process.
//
// What is granted when there is not enough for all, first to last:
//
//     a cheap key (Ed25519, RSA to 4096 bits, P-256) from a network that has all of its budget   always
//     any other cheap key; the first dear key of a network in a minute                           while a third is left
//     any other dear key                                                                          while two thirds are
//
// Of a network's budget dear keys get half, so that a neighbour's do not lock out cheap ones. A challenge may be
// answered wrong once.
#pragma once

#include <chrono>
#include <cstdint>
#include <string_view>

#include "core/bytes.h"
#include "core/crypto/hash.h"
#include "core/dial/rate_limit.h"
#include "core/libp2p/peer_id_auth.h"

namespace swage::plugins::broker {

class VerificationLimit {
 public:
  using Time = dial::RateLimit::Time;
  using Micros = std::chrono::microseconds;

  // What is exhausted: the budget of this client's network, or that of all.
  enum class Short : std::uint8_t { nobody, network, all };
  struct Answer {
    Short what = Short::nobody;
    Micros wait{0};  // until it makes sense to ask again
  };

  // `clients`: how often a network may register; without a limit networks are not told apart. A network can always log
  // in twice as often. `seed` is unpredictable.
  VerificationLimit(dial::Rate clients, const crypto::Digest& seed);

  // Whether a verification that takes `cost` may begin; then it counts.
  [[nodiscard]] Answer ask(Bytes network, Micros cost, Time now);

  // Whether an answer to this challenge was wrong before.
  [[nodiscard]] bool spent(std::string_view token, Time now) const {
    return tokens_.wait(as_bytes(token), now) > Micros(0);
  }
  void spend(std::string_view token, Time now) { tokens_.count(as_bytes(token), now); }

 private:
  dial::Rate network_rate_;
  dial::RateLimit networks_, firsts_, all_, tokens_;
};

// One request's gate.
class VerificationGate final : public libp2p::PeerIdAuth::Gate {
 public:
  // REQUIRES: both outlive it.
  VerificationGate(VerificationLimit& limit, Bytes network, VerificationLimit::Time now)
      : limit_(limit), network_(network), now_(now) {}

  Leave ask(std::string_view token, std::chrono::microseconds cost) override;
  void failed(std::string_view token) override { limit_.spend(token, now_); }

  // Why it was postponed.
  [[nodiscard]] const VerificationLimit::Answer& answer() const { return answer_; }

 private:
  VerificationLimit& limit_;
  Bytes network_;
  VerificationLimit::Time now_;
  VerificationLimit::Answer answer_;
};

}  // namespace swage::plugins::broker
