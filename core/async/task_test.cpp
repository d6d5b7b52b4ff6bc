#include "core/async/task.h"

#include <memory>
#include <string>
#include <vector>

#include "core/async/event.h"
#include "core/async/testing.h"

namespace swage::async {

using namespace std::chrono_literals;
using testing::run;

namespace {

Task<Result<int>> immediate(int value) { co_return value; }

Task<Result<int>> failing(std::string why) { co_return fail("{}", why); }

Task<Result<long>> add_up(int count) {
  long sum = 0;
  for (int i = 0; i < count; ++i) {
    CO_TRY(const int value, co_await immediate(i));
    sum += value;
  }
  co_return sum;
}

// Notes in `log` when it is destroyed.
struct Witness {
  std::vector<std::string>& log;
  std::string name;
  ~Witness() { log.push_back(name); }
};

Task<> waits(Event& event, std::vector<std::string>& log, std::string name) {
  const Witness outer{log, name + " outer"};
  const Witness inner{log, name + " inner"};
  co_await event.wait();
  log.push_back(name + " woken");
}

Task<> waits_below(Event& event, std::vector<std::string>& log) {
  const Witness witness{log, "top"};
  co_await waits(event, log, "below");
}

}  // namespace

TEST_CASE("task: a value, a move-only value, nothing") {
  Loop loop;
  const auto move_only = []() -> Task<std::unique_ptr<std::string>> { co_return std::make_unique<std::string>("x"); };
  const auto nothing = []() -> Task<Result<>> { co_return {}; };
  CHECK(run(loop, immediate(7)).value() == 7);
  CHECK(*run(loop, move_only()) == "x");
  CHECK(run(loop, nothing()).has_value());
}

TEST_CASE("task: 100,000 that finish at once do not use up the stack") {
  Loop loop;
  CHECK(run(loop, add_up(100'000)) == 4'999'950'000);
}

TEST_CASE("task: 100,000 that finish at once, after a wait, between waits") {
  Loop loop;
  const auto between = [](Loop& on) -> Task<Result<long>> {
    co_await sleep(on, 1ms);
    CO_TRY(const long sum, co_await add_up(100'000));
    co_await sleep(on, 1ms);
    co_return sum;
  };
  CHECK(run(loop, between(loop)) == 4'999'950'000);
}

TEST_CASE("task: 100,000 that wait, each for an event that another coroutine sets") {
  Loop loop;
  Event ping(loop);
  Event pong(loop);
  const auto play = [](Event& mine, Event& theirs, int& played) -> Task<> {
    for (int i = 0; i < 100'000; ++i) {
      co_await mine.wait();
      mine.reset();
      ++played;
      theirs.set();
    }
  };
  int played = 0;
  loop.spawn(play(ping, pong, played));
  loop.spawn(play(pong, ping, played));
  ping.set();
  loop.run();
  CHECK(played == 200'000);
  CHECK(loop.alive() == 0);
}

TEST_CASE("task: CO_TRY hands on the error, or the value") {
  Loop loop;
  std::vector<int> reached;
  const auto tries = [](std::vector<int>& steps) -> Task<Result<std::string>> {
    CO_TRY(co_await immediate(1));
    CO_TRY(const int two, co_await immediate(2));
    steps.push_back(two);
    if (steps.size() == 1) CO_TRY(co_await immediate(3));
    CO_TRY(steps.emplace_back(), co_await immediate(4));
    CO_TRY(const int never, co_await failing("a text that is longer than a small string is"));
    steps.push_back(never);
    co_return "never";
  };
  const auto result = run(loop, tries(reached));
  REQUIRE_FALSE(result);
  CHECK(result.error().text() == "a text that is longer than a small string is");
  CHECK(reached == std::vector<int>{2, 4});
}

TEST_CASE("task: one that is never awaited never begins") {
  bool begun = false;
  const auto begin = [](bool& flag) -> Task<> {
    flag = true;
    co_return;
  };
  {
    const Task<> task = begin(begun);
  }
  CHECK_FALSE(begun);
}

TEST_CASE("task: destroyed with the loop, what it holds goes in order, inside first") {
  std::vector<std::string> log;
  {
    Loop loop;
    Event never(loop);
    loop.spawn(waits_below(never, log));
    CHECK(loop.alive() == 1);
    loop.run();
    CHECK(log.empty());
  }
  CHECK(log == std::vector<std::string>{"below inner", "below outer", "top"});
}

TEST_CASE("task: destroyed after it was woken and before its turn, it never goes on") {
  std::vector<std::string> log;
  {
    Loop loop;
    Event event(loop);
    loop.spawn(waits(event, log, "it"));
    event.set();
  }
  CHECK(log == std::vector<std::string>{"it inner", "it outer"});
}

}  // namespace swage::async
