// Somebody who watches an engine, acknowledges there what he has seen, and is a member as long as he renews a lease: a
// nameserver, or the relay of a group, which speaks for all nameservers in it. What is done when, fleet::Member
// decides, as in the server; here are the network and the clock around it.
#pragma once

#include <functional>
#include <optional>

#include "core/fleet/member.h"
#include "tests/fleet/simulation/agenda.h"
#include "tests/fleet/simulation/engine.h"

namespace swage::simulation {

class Member {
 public:
  // `delay`: of the network between him and the engine, one way. `seen`: the watch has brought all up to there.
  Member(Agenda& agenda, fleet::MemberTimes times, Engine& engine, std::size_t number, Time delay,
         std::function<void(Revision)> seen);

  // Reads what is there, which takes so long, watches, and is a member from the first acknowledge() on.
  void join(Time reading);
  // Nothing gets through from now on; nobody is told.
  void cut();
  // All values up to there are where queries are answered from.
  void acknowledge(Revision upto);

  // An acknowledge() of what it has read is still to come.
  [[nodiscard]] bool entering() const { return connected_ && !member_; }
  [[nodiscard]] bool connected() const { return connected_; }
  // Answers challenges.
  [[nodiscard]] bool open() const { return now() < valid_until_; }
  [[nodiscard]] Time delay() const { return delay_; }

 private:
  [[nodiscard]] fleet::Time now() const { return fleet::Time(agenda_.now() / kMillisecond); }
  void step();
  void wait(fleet::Time until);
  void write();
  void renew();
  void prolong_lease();
  void done();
  // What happens after a while, unless it is cut off before.
  void later(Time delay, std::function<void()> what);

  Agenda& agenda_;
  fleet::MemberTimes times_;
  Engine& engine_;
  std::size_t number_;
  Time delay_;
  std::function<void(Revision)> seen_;
  std::size_t watch_ = 0;
  std::uint64_t life_ = 0, plan_ = 0;
  bool connected_ = false, asking_ = false;
  std::optional<fleet::Member> member_;
  Revision read_ = 0, written_ = 0;
  Time lease_end_ = 0;
  fleet::Time valid_until_{0};
};

}  // namespace swage::simulation
