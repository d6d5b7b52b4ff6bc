#include "core/async/tasks.h"

#include <chrono>
#include <memory>
#include <string>
#include <vector>

#include "core/async/semaphore.h"

#include "core/async/testing.h"  // last, with Catch: its CHECK is the one that counts here

namespace swage::async::testing {
namespace {

using namespace std::chrono_literals;

struct Note {  // says when it goes
  ~Note() { log->push_back(text); }
  std::vector<std::string>* log;
  std::string text;
};

Task<> hold(Loop& loop, std::vector<std::string>& log, std::string name, std::chrono::milliseconds time) {
  const Note note(&log, std::move(name));
  co_await sleep(loop, time);
  log.push_back("woke");
}

Task<> owner(Loop& loop, std::vector<std::string>& log) {
  Tasks tasks;
  tasks.start(hold(loop, log, "a", 1h));
  tasks.start(hold(loop, log, "b", 1ms));
  tasks.start(hold(loop, log, "c", 1h));
  CHECK(tasks.size() == 3);
  co_await sleep(loop, 20ms);
  CHECK(tasks.size() == 2);
  log.push_back("end");
}

Task<int> after(Loop& loop, std::chrono::milliseconds time) {
  co_await sleep(loop, time);
  co_return 7;
}

Task<> within_all(Loop& loop, std::vector<std::string>& log) {
  for (const std::chrono::milliseconds time : std::vector<std::chrono::milliseconds>{0ms, 5ms, 1h}) {
    auto task = after(loop, time);
    const auto got = co_await within(loop, 50ms, std::move(task));
    log.push_back(got ? std::to_string(*got) : "none");
  }
}

Task<> take_turn(Semaphore& semaphore, Loop& loop, std::vector<std::string>& log, std::string name) {
  const auto permit = co_await semaphore.acquire();
  log.push_back(name);
  co_await sleep(loop, 1ms);
}

}  // namespace

TEST_CASE("tasks: end with their owner, the newest first") {
  Loop loop;
  std::vector<std::string> log;
  loop.spawn(owner(loop, log));
  loop.run();
  CHECK(log == std::vector<std::string>{"woke", "b", "end", "c", "a"});
}

TEST_CASE("tasks: within a time") {
  Loop loop;
  std::vector<std::string> log;
  loop.spawn(within_all(loop, log));
  loop.run();
  CHECK(log == std::vector<std::string>{"7", "7", "none"});
}

TEST_CASE("semaphore: in order of arrival; who goes away loses nothing") {
  Loop loop;
  Semaphore semaphore(loop, 1);
  std::vector<std::string> log;
  auto gone = std::make_unique<Tasks>();
  loop.spawn(take_turn(semaphore, loop, log, "a"));
  gone->start(take_turn(semaphore, loop, log, "never"));
  loop.spawn(take_turn(semaphore, loop, log, "b"));
  loop.spawn(take_turn(semaphore, loop, log, "c"));
  CHECK(semaphore.taken() == 1);
  CHECK_FALSE(semaphore.try_acquire());
  gone.reset();
  loop.run();
  CHECK(log == std::vector<std::string>{"a", "b", "c"});
  CHECK(semaphore.taken() == 0);
  CHECK(semaphore.try_acquire());
}

TEST_CASE("semaphore: a permit that was given to one who goes away before its turn") {
  Loop loop;
  Semaphore semaphore(loop, 1);
  std::vector<std::string> log;
  {
    Tasks tasks;
    {
      auto permit = semaphore.try_acquire();
      tasks.start(take_turn(semaphore, loop, log, "never"));
      tasks.start(take_turn(semaphore, loop, log, "nor this"));
      loop.spawn(take_turn(semaphore, loop, log, "a"));
    }
    CHECK(semaphore.taken() == 1);
  }
  loop.run();
  CHECK(log == std::vector<std::string>{"a"});
  CHECK(semaphore.taken() == 0);
}

}  // namespace swage::async::testing
