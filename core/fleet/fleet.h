// Fleet: the challenge store of several servers, over an Engine (docs/decisions/fleet.md): a nameserver's part, which
// keeps the table and its fence (Session), and a broker's, which writes a value and waits until all have it. In the
// service process.
#pragma once

#include <chrono>
#include <cstdint>
#include <deque>
#include <functional>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "core/async/event.h"
#include "core/async/loop.h"
#include "core/async/semaphore.h"
#include "core/async/task.h"
#include "core/fleet/measures.h"
#include "core/fleet/session.h"
#include "core/forge/challenge_store.h"
#include "core/libp2p/peer_id.h"

namespace swage::fleet {

struct Settings {
  std::string zone{};  // for the log
  ServerName server{};
  std::uint64_t capacity = 100'000;   // of the table: peers
  std::int64_t lifetime = 3'600'000;  // of values, milliseconds
  Time patience{12'000};              // for all to have a value
};

class Fleet : public forge::ChallengeBackend {
 public:
  // `joined` is called when the table has become what dns processes should read, the first time; what it cannot do is
  // tried again. The table is fenced until then, and at the end.
  Fleet(Surroundings around, Settings settings, Measures measures, std::function<Result<>()> joined);
  // REQUIRES: finish() is done.
  ~Fleet() override = default;

  // Until `stop` is set; then it leaves the fleet, and nobody waits for it.
  [[nodiscard]] async::Task<> run(async::Event& stop);
  // Until no put() is left; those that are left fail.
  [[nodiscard]] async::Task<> finish();

  [[nodiscard]] bool accepts() const override;
  [[nodiscard]] async::Task<forge::OrChallengeError<>> put(forge::Challenge challenge, std::int64_t now) override;
  [[nodiscard]] async::Task<forge::OrChallengeError<std::chrono::microseconds>> admit(
      std::vector<forge::Allowance> allowances, std::int64_t now) override;

  // Dns processes answer challenges.
  [[nodiscard]] bool is_valid() const { return around_.clocks.boot() < valid_until_; }
  // Another process of this server has become a member: this one may go.
  [[nodiscard]] bool has_successor() const { return session_ && session_->has_successor(); }
  [[nodiscard]] bool is_idle() const { return under_way_ == 0; }
  void measure();

 private:
  struct Waiter;
  class UnderWay;

  [[nodiscard]] async::Task<forge::OrChallengeError<>> store(libp2p::PeerId peer, forge::Challenge challenge,
                                                             Waiter& waiter);
  [[nodiscard]] forge::OrChallengeError<Transaction> writing(const libp2p::PeerId& peer,
                                                             const forge::Challenge& challenge);
  [[nodiscard]] async::Task<OrEngineError<std::optional<Revision>>> write(Transaction transaction);
  [[nodiscard]] async::Task<OrEngineError<Lease>> value_lease();
  [[nodiscard]] async::Task<OrEngineError<std::chrono::microseconds>> admit_in_turn(
      std::vector<forge::Allowance> allowances, std::int64_t now);
  [[nodiscard]] async::Task<OrEngineError<std::optional<std::chrono::microseconds>>> try_admit(
      const std::vector<forge::Allowance>& allowances, std::int64_t now);
  void moved();
  void set_fence(std::int64_t valid_until);
  void say_state();
  void fail_waiters();
  [[nodiscard]] std::unexpected<forge::ChallengeError> failed(forge::ChallengeError error) const;

  Surroundings around_;
  Settings settings_;
  Measures measures_;
  std::function<Result<>()> joined_;
  bool provided_ = false;
  std::int64_t valid_until_ = 0;  // as the table has it
  bool said_valid_ = false, leaving_ = false, ending_ = false;
  std::optional<Session> session_;
  async::Timer fence_passed_;

  std::multimap<Revision, Waiter*> waiters_;
  std::size_t under_way_ = 0;
  async::Event idle_;

  static constexpr std::size_t kTurns = 64;
  std::deque<async::Semaphore> admissions_;  // by the last allowance, a client's
  async::Semaphore granting_;
  Lease value_lease_ = 0;
  std::int64_t value_lease_until_ = 0;             // for new values
  std::chrono::milliseconds longest_allowance_{};  // what it has to last for, beside values
  Engine::Counts counted_;
};

}  // namespace swage::fleet
