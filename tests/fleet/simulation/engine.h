// An engine with revisions and watches, as far as time is concerned: writes are committed in groups, each member sends
// what was committed to the watches it has, one after the other, all that is new for each. What is slow is told apart:
// committing (one leader) and sending (each member).
#pragma once

#include <cstdint>
#include <functional>
#include <limits>
#include <string>
#include <vector>

#include "core/fleet/acknowledgements.h"
#include "tests/fleet/simulation/agenda.h"

namespace swage::simulation {

using fleet::Revision;

// What work takes, of etcd 3.4 through its JSON gateway; README.md says how it was measured.
struct EngineCosts {
  unsigned members = 3;
  double cores = 4;             // of each member
  double write = 450;           // microseconds of the leader's CPU for each write
  double message = 25;          // of a member's, for each message to a watch
  double event = 17;            // and for each event in it
  double bytes_of_event = 335;  // on the wire
  Time commit = 2000;           // of a group of writes: to disk, and to a majority
};

class Engine {
 public:
  static constexpr Revision kNever = std::numeric_limits<Revision>::max();
  using Delivered = std::function<void(Revision)>;  // all events up to this one
  using Committed = std::function<void(Revision)>;

  Engine(Agenda& agenda, EngineCosts costs);

  // What reaches the leader now. Participants have numbers. `committed` is called there; the way back is the caller's.
  void put_value(Committed committed);
  void put_seen(std::size_t participant, Revision seen, Committed committed);
  // The lease of a participant has ended: from then on nobody waits for it.
  void put_left(std::size_t participant);

  // `values_only`: without other participants' acknowledgements. `delay`: of the network. Returns its number.
  std::size_t watch(Revision from, bool values_only, Time delay, Delivered delivered);
  void end_watch(std::size_t number);

  [[nodiscard]] Revision head() const { return static_cast<Revision>(values_.size() - 1); }
  [[nodiscard]] std::uint32_t values(Revision upto) const { return values_[index(upto)]; }
  // What every participant of that time has, as whoever has followed the log up to there knows: the same for all who
  // do.
  [[nodiscard]] Revision acknowledged(Revision upto) const { return acknowledged_[index(upto)]; }

  struct Counts {
    std::uint64_t values = 0, acknowledgements = 0;  // writes
    std::uint64_t messages = 0, events = 0;          // to watches
    double committing = 0, sending = 0;              // microseconds of CPU, of the leader and of all members
  };
  [[nodiscard]] const Counts& counts() const { return counts_; }
  [[nodiscard]] const EngineCosts& costs() const { return costs_; }

 private:
  [[nodiscard]] static std::size_t index(Revision revision) { return static_cast<std::size_t>(revision); }

  struct Write {
    bool value = false, left = false;
    std::size_t participant = 0;
    Revision seen = 0;
    Committed committed;
  };
  struct Watch {
    Revision position = 0;
    bool values_only = false, open = true;
    Time delay = 0;
    Delivered delivered;
  };
  struct Member {
    std::vector<std::size_t> watches;
    std::size_t next = 0;
    bool busy = false;
  };

  void submit(Write write);
  void commit_group();
  void append(const Write& write);
  void send(std::size_t member);
  [[nodiscard]] std::uint32_t events_for(const Watch& watch) const;

  Agenda& agenda_;
  EngineCosts costs_;
  fleet::Acknowledgements acknowledgements_;  // as of the head
  std::vector<std::uint32_t> values_{0};      // by revision: how many up to it
  std::vector<Revision> acknowledged_{0};     // by revision
  std::vector<Write> waiting_, committing_;
  std::vector<Watch> watches_;
  std::vector<Member> members_;
  Counts counts_;
};

}  // namespace swage::simulation
