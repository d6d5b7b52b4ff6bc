// Race: the dials of one registration, of which the first that proves the peer wins. It bounds what it does to
// others: connections in all, to one IP address, and to one network.
#pragma once

#include <chrono>
#include <cstdint>
#include <deque>
#include <expected>
#include <map>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "core/async/event.h"
#include "core/async/resolver.h"
#include "core/async/semaphore.h"
#include "core/async/shares.h"
#include "core/async/task.h"
#include "core/async/tasks.h"
#include "core/dial/dialer.h"
#include "core/dial/plan.h"
#include "core/dial/report.h"
#include "core/dial/target_dialer.h"
#include "core/dial/target_limits.h"
#include "core/libp2p/peer_id.h"

namespace swage::dial {

// What the races of a Dialer share.
struct RaceResources {
  async::Loop& loop;
  const Settings& settings;
  const TargetDialer& target_dialer;
  async::Resolver& resolver;
  async::Shares& dials;
  async::Shares& lookups;
  TargetLimits& limits;
  async::Event& ending;  // set: all races are over
};

class Race {
 public:
  struct Won {
    Target target;
    Dialled dialled;
  };
  using Outcome = std::expected<Won, DialError>;

  // REQUIRES: what `resources` names outlives it.
  Race(const RaceResources& resources, libp2p::PeerId peer, const IpAddress& client);

  // `wanted`: set when others have a better right to this race's place. REQUIRES: called once; the events and the Race
  // outlive the task.
  [[nodiscard]] async::Task<Outcome> run(const std::vector<std::string>& submitted, async::Event& cancel,
                                         async::Event& wanted);

  // How long after its beginning a failure may be reported: independent of what was found (see Dialer::reach).
  [[nodiscard]] std::chrono::nanoseconds answer_time() const;

 private:
  using Kind = DialError::Kind;

  // A target, and how far it came.
  struct Attempt {
    Attempt(async::Loop& loop, Target to, std::string text, std::size_t place)
        : target(std::move(to)), host(target.endpoint.address), name(std::move(text)), index(place), over(loop) {}
    Target target;
    IpAddress host;    // as destination_of() says
    std::string name;  // for the log
    std::size_t index;
    std::int64_t known = 0;
    bool connected = false;  // or tried to
    Stage stage{};
    std::string why;  // it ended
    async::Event over;
  };

  void line_up(const Plan& plan, const std::vector<std::string>& submitted);
  void add_target(const Candidate& candidate, const IpAddress& address);
  [[nodiscard]] std::string objection(const Target& target) const;
  [[nodiscard]] async::Task<> resolve(HostName name, std::vector<Candidate> candidates);
  [[nodiscard]] async::Task<std::optional<Result<std::vector<IpAddress>>>> look_up(HostName name);
  [[nodiscard]] async::Task<> try_target(Attempt& attempt);
  [[nodiscard]] async::Task<bool> take_turn(Attempt& attempt);
  [[nodiscard]] async::Task<bool> await_turn(Attempt& attempt);
  [[nodiscard]] async::Task<bool> dial(Attempt& attempt);
  [[nodiscard]] bool may_connect(Attempt& attempt);
  [[nodiscard]] std::size_t round_of(std::size_t index) const;
  [[nodiscard]] async::Task<> watch(async::Event& event, Kind kind);
  void end(Kind kind);
  void one_less();
  [[nodiscard]] std::chrono::nanoseconds elapsed() const;
  [[nodiscard]] Outcome outcome();
  [[nodiscard]] Kind kind_of_failure() const;

  RaceResources resources_;
  libp2p::PeerId peer_;
  IpAddress client_;
  Prefix network_;  // the client's
  std::int64_t began_;
  async::Semaphore at_once_;
  std::deque<Attempt> attempts_;
  std::size_t under_way_ = 1;                // attempts and look-ups, and run() as long as it adds some
  std::chrono::nanoseconds last_known_{-1};  // after the beginning; negative: nothing was tried
  bool other_transports_only_ = false;
  std::size_t lookups_waiting_ = 0;       // for a place
  bool busy_ = false;                     // places were missing, or taken
  std::chrono::microseconds limited_{0};  // a network's limit was reached: for so long
  Report report_;                         // without the attempts
  std::optional<Won> won_;
  std::optional<Kind> ended_;  // from outside
  async::Event over_;
  async::Tasks tasks_;  // last: they use what is above
};

}  // namespace swage::dial
