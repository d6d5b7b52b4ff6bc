// Race: the dials of one registration, of which the first that proves the peer wins.
#pragma once

#include <deque>
#include <expected>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "core/async/event.h"
#include "core/async/resolver.h"
#include "core/async/semaphore.h"
#include "core/async/task.h"
#include "core/async/tasks.h"
#include "core/dial/dial_target.h"
#include "core/dial/dialer.h"
#include "core/dial/plan.h"
#include "core/libp2p/peer_id.h"

namespace swage::dial {

// What the races of a Dialer share.
struct Track {
  const Settings& settings;
  const Means& means;
  async::Resolver& resolver;
  async::Semaphore& dials;
  async::Event& ending;  // set: all races are over
};

class Race {
 public:
  struct Won {
    Target target;
    Secured secured;
  };
  using Outcome = std::expected<Won, DialError>;

  // REQUIRES: what `track` names outlives it.
  Race(const Track& track, libp2p::PeerId peer);

  // REQUIRES: called once; `cancel` and the Race outlive the task.
  [[nodiscard]] async::Task<Outcome> run(const std::vector<std::string>& submitted, async::Event& cancel);

 private:
  void line_up(std::vector<Candidate> candidates);
  void add_target(const Candidate& candidate, const IpAddress& address);
  [[nodiscard]] async::Task<> resolve(HostName name, std::vector<Candidate> candidates);
  [[nodiscard]] async::Task<> work();
  [[nodiscard]] async::Task<> watch(async::Event& cancel);
  void end(DialError::Kind kind);
  [[nodiscard]] Outcome outcome();

  Track track_;
  libp2p::PeerId peer_;
  std::deque<Target> targets_;
  std::size_t next_ = 0;       // of targets_: those before it are dialled, or were
  std::size_t resolving_ = 0;  // names
  std::size_t working_ = 0;    // tasks of work()
  std::size_t dialled_ = 0;    // targets
  std::string last_error_;
  std::optional<Won> won_;
  std::optional<DialError::Kind> ended_;  // from outside
  async::Event changed_;                  // targets_ or resolving_
  async::Event over_;
  async::Tasks tasks_;  // last: they use what is above
};

}  // namespace swage::dial
