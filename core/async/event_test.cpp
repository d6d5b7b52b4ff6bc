#include "core/async/event.h"

#include <optional>

#include "core/async/testing.h"

namespace swage::async {

using namespace std::chrono_literals;
using testing::run;

namespace {

Task<> waits(Event& event, int& woken) {
  co_await event.wait();
  ++woken;
}

Task<> waits_for(Event& event, std::chrono::milliseconds time, std::optional<bool>& result) {
  result = co_await wait_for(event, time);
}

}  // namespace

TEST_CASE("event: wakes all who wait, from the loop") {
  Loop loop;
  Event event(loop);
  int woken = 0;
  for (int i = 0; i < 3; ++i) loop.spawn(waits(event, woken));
  loop.run();
  CHECK(loop.alive() == 3);
  event.set();
  CHECK(woken == 0);
  loop.run();
  CHECK(woken == 3);
}

TEST_CASE("event: stays set until reset") {
  Loop loop;
  Event event(loop);
  int woken = 0;
  event.set();
  loop.spawn(waits(event, woken));
  CHECK(woken == 1);
  event.reset();
  loop.spawn(waits(event, woken));
  loop.run();
  CHECK(woken == 1);
}

TEST_CASE("event: who was woken goes on, though it was reset or destroyed meanwhile") {
  Loop loop;
  int woken = 0;
  {
    Event event(loop);
    loop.spawn(waits(event, woken));
    event.set();
    event.reset();
  }
  loop.run();
  CHECK(woken == 1);
}

TEST_CASE("event: may be destroyed while coroutines wait; they end with the loop") {
  int woken = 0;
  {
    Loop loop;
    {
      Event event(loop);
      loop.spawn(waits(event, woken));
    }
    loop.run();
    CHECK(loop.alive() == 1);
  }
  CHECK(woken == 0);
}

TEST_CASE("event: 100,000 waits for one that is set") {
  Loop loop;
  Event event(loop);
  event.set();
  const auto many = [](Event& is_set) -> Task<int> {
    int count = 0;
    for (; count < 100'000; ++count) co_await is_set.wait();
    co_return count;
  };
  CHECK(run(loop, many(event)) == 100'000);
}

TEST_CASE("wait_for: set before, set in time, set too late") {
  Loop loop;
  Event event(loop);
  std::optional<bool> late, in_time, at_once;
  loop.spawn(waits_for(event, 1ms, late));
  loop.spawn(waits_for(event, 1h, in_time));
  Timer timer(loop, [&event] { event.set(); });
  timer.start(20ms);
  loop.run();
  CHECK(late == false);
  CHECK(in_time == true);
  loop.spawn(waits_for(event, 1h, at_once));
  CHECK(at_once == true);
}

TEST_CASE("wait_for: the time passes in the turn in which the event is set") {
  Loop loop;
  Event event(loop);
  std::optional<bool> result;
  loop.spawn(waits_for(event, 1ms, result));
  Timer timer(loop, [&event] { event.set(); });
  timer.start(1ms);
  loop.run();
  CHECK(result.has_value());
  CHECK(loop.alive() == 0);
}

namespace {

Task<> waits_for_any(Event& one, Event& other, int& woken) {
  co_await any_of(one, other);
  ++woken;
  co_await other.wait();  // what is left of the first wait must not be taken for this one's end
  ++woken;
}

}  // namespace

TEST_CASE("any_of: the first of several events, one that is set already, all of them in the same turn") {
  Loop loop;
  Event one(loop), other(loop);
  int woken = 0;
  loop.spawn(waits_for_any(one, other, woken));
  one.set();
  CHECK(woken == 0);
  loop.run();
  CHECK(woken == 1);
  other.set();
  loop.run();
  CHECK(woken == 2);
  loop.spawn(waits_for_any(one, other, woken));
  CHECK(woken == 4);
  one.reset();
  other.reset();
  loop.spawn(waits_for_any(one, other, woken));
  one.set();
  other.set();
  loop.run();
  CHECK(woken == 6);
  CHECK(loop.alive() == 0);
}

TEST_CASE("any_of: one event is destroyed meanwhile, then the other is set; both are destroyed before the loop") {
  int woken = 0;
  {
    Loop loop;
    Event other(loop);
    {
      Event one(loop);
      loop.spawn(waits_for_any(one, other, woken));
    }
    other.set();
    loop.run();
    CHECK(woken == 2);
    other.reset();
    Event third(loop);
    loop.spawn(waits_for_any(third, other, woken));
  }
  CHECK(woken == 2);
}

TEST_CASE("sleep: an event ends it at once") {
  Loop loop;
  Event stopping(loop);
  const auto serve = [](Event& stop) -> Task<int> {
    int rounds = 0;
    while (!co_await wait_for(stop, 5ms)) ++rounds;
    co_return rounds;
  };
  Timer timer(loop, [&stopping] { stopping.set(); });
  timer.start(30ms);
  const int rounds = run(loop, serve(stopping));
  CHECK(rounds >= 1);
  CHECK(rounds <= 7);
}

}  // namespace swage::async
