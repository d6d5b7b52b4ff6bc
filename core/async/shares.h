// Shares: a number of places for which groups of strangers compete, so that none of them keeps the others out. One
// that comes while all are taken gets a place from the group that has most: it is told to give one back, the one that
// it has had for longest. In the service process.
//
//     Event wanted(loop);
//     const Shares::Place place = co_await shares.acquire(network, wanted);
//     co_await until(wanted, dial(…));                         // and gives the place back when it is destroyed
//
// A group alone may have all places. As soon as others come, it keeps no more than they have: with G groups that want
// as many as they can get, each has a G-th. Those of a group that has its share wait, first come, first served.
#pragma once

#include <coroutine>
#include <cstddef>
#include <cstdint>
#include <map>
#include <memory>

#include "core/async/event.h"
#include "core/async/loop.h"
#include "core/async/waiter.h"
#include "core/net.h"

namespace swage::async {

// REQUIRES: outlives its places. Coroutines that wait when it is destroyed are never resumed.
class Shares {
 public:
  Shares(Loop& loop, std::size_t places) : loop_(loop), places_(places) {}
  ~Shares();
  Shares(const Shares&) = delete;
  Shares& operator=(const Shares&) = delete;

 private:
  struct Group;
  struct Held;

 public:
  // Gives its place back when it is destroyed.
  class Place {
   public:
    Place();
    Place(Place&& other) noexcept;
    Place& operator=(Place&& other) noexcept;
    ~Place();

   private:
    friend Shares;
    explicit Place(std::unique_ptr<Held> held);
    std::unique_ptr<Held> held_;
  };

  // Awaiter of a Place.
  class Wait : private Waiter {
   public:
    Wait(Shares& shares, const Prefix& group, Event& wanted) : shares_(shares), name_(group), wanted_(wanted) {}
    ~Wait();
    Wait(const Wait&) = delete;
    Wait& operator=(const Wait&) = delete;
    [[nodiscard]] bool await_ready();
    void await_suspend(std::coroutine_handle<> awaiting);
    [[nodiscard]] Place await_resume() { return std::move(place_); }

   private:
    friend Shares;
    Shares& shares_;
    const Prefix name_;
    Event& wanted_;
    Group* group_ = nullptr;  // while it waits
    bool promised_ = false;   // another group was told to give a place back for it
    Place place_;
  };

  // co_await shares.acquire(group, wanted): Place. `wanted` is set, once, when somebody else should have it: then it is
  // to be given back soon. REQUIRES: `wanted` outlives the place.
  [[nodiscard]] Wait acquire(const Prefix& group, Event& wanted) { return Wait(*this, group, wanted); }

  // True if a member of the group need not wait: a place is free, or another group has more places.
  [[nodiscard]] bool has_room(const Prefix& group);

  [[nodiscard]] std::size_t taken() const { return taken_; }
  // That have places, or wait for one.
  [[nodiscard]] std::size_t groups() const { return groups_.size(); }

 private:
  struct Held : Link {
    Held(Shares& of_shares, Group& of, Event& by);
    ~Held();
    Shares& shares;
    Group& group;
    Event& wanted;
    bool called_back = false;
  };
  struct Group {
    Prefix name;
    Link held;                    // places that were not called back, the oldest first
    std::size_t having = 0;       // of them
    std::size_t called_back = 0;  // places that it still has
    Link waiting;
    std::size_t promised = 0;  // waiting ones for which another group gives a place back
    std::uint64_t served = 0;  // when it last got a place; in places given

    // What it has, or is sure to get.
    [[nodiscard]] std::size_t share() const { return having + promised; }
    [[nodiscard]] bool idle() const { return having + called_back == 0 && waiting.alone(); }
  };

  [[nodiscard]] Group& group_of(const Prefix& name);
  [[nodiscard]] Group* largest();
  void forget_if_idle(Group& group);
  [[nodiscard]] Place give(Group& group, Event& wanted);
  void call_back_for(Wait& wait);
  void given_back();

  Loop& loop_;
  std::size_t places_;
  std::size_t taken_ = 0;
  std::uint64_t given_ = 0;
  std::map<Prefix, Group> groups_;
};

}  // namespace swage::async
