// A fleet under load, simulated: brokers write values, nameservers see them and say so, a registration is answered when
// all members have. Flat: every nameserver is a member of one engine. In groups: each group of nameservers has an
// engine of its own beside it, and a relay, which copies values from the main engine into the group's, and is the
// member of the main engine for all in the group: it acknowledges what all of them have acknowledged.
#pragma once

#include <deque>
#include <memory>
#include <vector>

#include "tests/fleet/simulation/engine.h"
#include "tests/fleet/simulation/member.h"

namespace swage::simulation {

struct Shape {
  std::size_t nameservers = 5;
  std::size_t groups = 0;  // 0: flat
  std::size_t regions = 5;
  double rate = 100;  // registrations a second, at brokers of any region
  fleet::MemberTimes times;
  EngineCosts costs;
  Time patience = 12 * kSecond;  // of a broker
  // What whoever joins reads.
  double live = 0;              // values
  double bytes_of_value = 250;  // on the wire
  double reading = 100e6;       // bytes a second of each member of an engine
};

class Fleet {
 public:
  Fleet(Agenda& agenda, const Shape& shape);
  ~Fleet();

  // Registrations begin, or end.
  void load(bool on);
  // A region cannot reach the main engine, or can again. Region 0 has it.
  void cut(std::size_t region);
  void heal(std::size_t region);

  struct Registrations {
    std::vector<double> delays;    // milliseconds from the write to the 200, without the dial
    std::uint64_t refused = 0;     // 503
    std::size_t most_waiting = 0;  // at one time
    std::uint64_t wrong = 0;       // nameservers that answered without the value when a 200 was given
  };
  // What has happened since the last call.
  [[nodiscard]] Registrations take();
  [[nodiscard]] const Engine& engine() const { return main_; }
  [[nodiscard]] const Engine* group_engine() const;  // of the first group
  // Nameservers that answer challenges now.
  [[nodiscard]] std::size_t open() const;

 private:
  struct Group;
  struct Waiting {
    Revision revision = 0;  // 0: not written yet
    Time begun = 0;
    bool done = false;
  };
  // A member of the main engine, and the registrations of its brokers.
  struct Site {
    std::size_t region = 0;
    std::unique_ptr<Member> member;
    std::unique_ptr<Group> group;  // flat: none
    Revision applied = 0;
    std::deque<std::shared_ptr<Waiting>> waiting;  // by revision
  };

  void register_next();
  void register_at(Site& site);
  void answer(Site& site);
  void followed(Site& site, Revision upto);
  [[nodiscard]] std::size_t wrong(Revision revision) const;

  Agenda& agenda_;
  Shape shape_;
  Engine main_;
  std::vector<std::unique_ptr<Site>> sites_;
  Registrations seen_;
  std::size_t waiting_ = 0;
  bool loading_ = false;
};

}  // namespace swage::simulation
