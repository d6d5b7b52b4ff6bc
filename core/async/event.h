// Event: something that coroutines wait for and somebody sets; any_of(), for several events; wait_for() and sleep(),
// which end after a time.
#pragma once

#include <algorithm>
#include <array>
#include <chrono>
#include <concepts>
#include <coroutine>

#include "core/async/loop.h"
#include "core/async/task.h"
#include "core/async/waiter.h"

namespace swage::async {

// Not set at first; stays set until reset(). Coroutines that wait when it is destroyed are never resumed: they end with
// their owner.
class Event {
 public:
  explicit Event(Loop& loop) : loop_(loop) {}
  ~Event();
  Event(const Event&) = delete;
  Event& operator=(const Event&) = delete;

  // Wakes all that wait; they go on in the loop's next turn, not before set() returns. They may have their turn after
  // the Event is destroyed.
  void set();
  void reset() { set_ = false; }
  [[nodiscard]] bool is_set() const { return set_; }
  [[nodiscard]] Loop& loop() const { return loop_; }

  // An awaiter: true when the event was set, false when give_up() was called first.
  class Wait : private Waiter {
   public:
    explicit Wait(Event& event) : event_(event) {}
    [[nodiscard]] bool await_ready() { return woken_ = event_.set_; }
    void await_suspend(std::coroutine_handle<> awaiting);
    bool await_resume() const { return woken_; }
    void give_up();

   private:
    friend Event;
    Event& event_;
    bool woken_ = false;
  };

  // co_await event.wait(): until it is set; at once if it is.
  [[nodiscard]] Wait wait() { return Wait(*this); }

 private:
  Loop& loop_;
  Link waiting_;
  bool set_ = false;
};

// What any_of() gives.
template <std::size_t kCount>
class AnyOf {
 public:
  template <std::same_as<Event>... Events>
  explicit AnyOf(Events&... events) : waits_{Event::Wait(events)...} {}
  [[nodiscard]] bool await_ready() {
    return std::ranges::any_of(waits_, [](Event::Wait& each) { return each.await_ready(); });
  }
  // The first event that is set resumes `awaiting`; the other waits end with this object, before their turn.
  void await_suspend(std::coroutine_handle<> awaiting) {
    for (Event::Wait& each : waits_) each.await_suspend(awaiting);
  }
  void await_resume() const {}

 private:
  std::array<Event::Wait, kCount> waits_;
};

// co_await any_of(drained, timed_out): until one of them is set; at once if one is.
template <std::same_as<Event>... Events>
[[nodiscard]] AnyOf<sizeof...(Events)> any_of(Events&... events) {
  return AnyOf<sizeof...(Events)>(events...);
}

// True when `event` was set, false when `time` has passed before. REQUIRES: `event` outlives the task.
[[nodiscard]] Task<bool> wait_for(Event& event, std::chrono::milliseconds time);

// May end up to 1 ms early.
[[nodiscard]] Task<> sleep(Loop& loop, std::chrono::milliseconds time);

}  // namespace swage::async
