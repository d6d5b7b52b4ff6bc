#include "core/async/work.h"

#include <atomic>
#include <string>
#include <thread>

#include "core/async/event.h"
#include "core/async/testing.h"

namespace swage::async {

using namespace std::chrono_literals;
using testing::run;

namespace {

Task<Result<std::string>> reads(Loop& loop, std::string name) {
  const auto read = [&name]() -> Result<std::string> {
    if (name.empty()) return fail("no name");
    return "contents of " + name;
  };
  CO_TRY(std::string text, co_await work(loop, read));
  co_return text + "!";
}

Task<> works(Loop& loop, std::atomic<int>& begun, std::atomic<int>& ended) {
  const auto block = [&] {
    ++begun;
    std::this_thread::sleep_for(50ms);
    return ++ended;
  };
  co_await work(loop, block);
}

}  // namespace

TEST_CASE("work: gives the function's value or error") {
  Loop loop;
  CHECK(run(loop, reads(loop, "a file with a name of some length")).value() ==
        "contents of a file with a name of some length!");
  const auto failed = run(loop, reads(loop, ""));
  REQUIRE_FALSE(failed);
  CHECK(failed.error().text() == "no name");
}

TEST_CASE("work: is on another thread; the loop goes on") {
  Loop loop;
  int ticks = 0;
  Timer timer(loop, [&] {
    ++ticks;
    if (ticks < 5) timer.start(1ms);
  });
  timer.start(1ms);
  const auto where = [](Loop& on, int& count) -> Task<std::pair<std::thread::id, int>> {
    const auto block = [] {
      std::this_thread::sleep_for(200ms);
      return std::this_thread::get_id();
    };
    const std::thread::id id = co_await work(on, block);
    co_return std::pair(id, count);
  };
  const auto [id, ticks_meanwhile] = run(loop, where(loop, ticks));
  CHECK(id != std::this_thread::get_id());
  CHECK(ticks_meanwhile == 5);
}

TEST_CASE("work: a loop that is destroyed waits for what runs, and takes the rest off the queue") {
  std::atomic<int> begun = 0;
  std::atomic<int> ended = 0;
  {
    Loop loop;
    for (int i = 0; i < 100; ++i) loop.spawn(works(loop, begun, ended));
    while (begun == 0) std::this_thread::yield();
  }
  CHECK(begun == ended);
  CHECK(begun < 100);
}

}  // namespace swage::async
