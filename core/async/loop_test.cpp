#include "core/async/loop.h"

#include <fcntl.h>
#include <netinet/in.h>

#include <array>
#include <csignal>

#include "core/async/event.h"
#include "core/async/testing.h"

namespace swage::async {

using namespace std::chrono_literals;
using testing::run;

namespace {

Task<> sleeps(Loop& loop, std::chrono::milliseconds time, int& done) {
  co_await sleep(loop, time);
  ++done;
}

struct Pipe {
  Pipe() { REQUIRE(pipe2(ends.data(), O_CLOEXEC) == 0); }
  ~Pipe() {
    for (const int end : ends) ::close(end);
  }
  void write() const { REQUIRE(::write(ends[1], "x", 1) == 1); }
  void read() const {
    char byte;
    REQUIRE(::read(ends[0], &byte, 1) == 1);
  }
  std::array<int, 2> ends;
};

}  // namespace

TEST_CASE("loop: 10,000 spawned tasks") {
  Loop loop;
  int done = 0;
  for (int i = 0; i < 10'000; ++i) loop.spawn(sleeps(loop, std::chrono::milliseconds(i % 7), done));
  CHECK(loop.alive() == 10'000);
  loop.run();
  CHECK(done == 10'000);
  CHECK(loop.alive() == 0);
}

TEST_CASE("loop: spawned tasks begin at once; those that end at once are gone") {
  Loop loop;
  int begun = 0;
  const auto counts = [](int& count) -> Task<Result<>> {
    ++count;
    co_return {};
  };
  for (int i = 0; i < 10'000; ++i) loop.spawn(counts(begun));
  CHECK(begun == 10'000);
  CHECK(loop.alive() == 0);
}

TEST_CASE("loop: an error of a spawned task ends that task only") {
  Loop loop;
  int done = 0;
  const auto fails = []() -> Task<Result<>> { co_return fail("this line of a test is meant"); };
  loop.spawn(fails());
  loop.spawn(sleeps(loop, 1ms, done));
  loop.run();
  CHECK(done == 1);
}

TEST_CASE("loop: a task may spawn tasks") {
  Loop loop;
  int done = 0;
  const auto spawns = [](Loop& on, int& count) -> Task<> {
    for (int i = 0; i < 3; ++i) on.spawn(sleeps(on, 1ms, count));
    co_await sleep(on, 2ms);
    on.spawn(sleeps(on, 1ms, count));
  };
  run(loop, spawns(loop, done));
  CHECK(done == 4);
}

TEST_CASE("loop: stop() ends run(), which can go on") {
  Loop loop;
  int done = 0;
  loop.spawn(sleeps(loop, 20ms, done));
  Timer timer(loop, [&loop] { loop.stop(); });
  timer.start(1ms);
  loop.run();
  CHECK(done == 0);
  loop.run();
  CHECK(done == 1);
}

TEST_CASE("loop: destroyed with tasks that sleep, after stop() and without run()") {
  int done = 0;
  {
    Loop loop;
    for (int i = 0; i < 100; ++i) loop.spawn(sleeps(loop, 1h, done));
    loop.stop();
  }
  CHECK(done == 0);
}

TEST_CASE("loop: now() is steady and counts nanoseconds") {
  Loop loop;
  const std::int64_t before = loop.now();
  run(loop, sleep(loop, 20ms));
  const std::int64_t passed = loop.now() - before;
  CHECK(passed >= 19'000'000);
  CHECK(passed < 5'000'000'000);
}

TEST_CASE("timer: calls once; start() again starts over; stop() forgets") {
  Loop loop;
  int once = 0;
  int never = 0;
  Timer first(loop, [&once] { ++once; });
  Timer second(loop, [&never] { ++never; });
  first.start(1h);
  first.start(1ms);
  second.start(1ms);
  second.stop();
  loop.run();
  CHECK(once == 1);
  CHECK(never == 0);
  first.start(-5ms);
  loop.run();
  CHECK(once == 2);
}

TEST_CASE("timer: may be destroyed and replaced by its own call") {
  Loop loop;
  int calls = 0;
  std::optional<Timer> timer;
  const std::string text = "still here after the timer is gone";
  timer.emplace(loop, [&calls, &timer, text] {
    timer.reset();
    if (text.ends_with("gone")) ++calls;
  });
  timer->start(1ms);
  loop.run();
  CHECK(calls == 1);
}

TEST_CASE("timer: counts from now, not from the beginning of the turn") {
  Loop loop;
  std::int64_t started = 0;
  std::int64_t passed = 0;
  Timer second(loop, [&] { passed = loop.now() - started; });
  Timer first(loop, [&] {
    usleep(30'000);
    started = loop.now();
    second.start(20ms);
  });
  first.start(0ms);
  loop.run();
  CHECK(passed >= 19'000'000);
}

TEST_CASE("poll: calls while there is something to read; stop() and start()") {
  Loop loop;
  const Pipe pipe;
  int calls = 0;
  Poll poll(loop, pipe.ends[0], [&] {
    pipe.read();
    if (++calls == 2) poll.stop();
  });
  for (int i = 0; i < 3; ++i) pipe.write();
  loop.run();
  CHECK(calls == 2);
  poll.start();
  Timer timer(loop, [&poll] { poll.stop(); });
  timer.start(10ms);
  loop.run();
  CHECK(calls == 3);
}

TEST_CASE("poll: may be destroyed by its own call; the descriptor's number can be watched again") {
  Loop loop;
  const Pipe pipe;
  pipe.write();
  int calls = 0;
  std::optional<Poll> poll;
  const auto once = [&] {
    ++calls;
    poll.reset();
  };
  poll.emplace(loop, pipe.ends[0], once);
  loop.run();
  CHECK(calls == 1);
  poll.emplace(loop, pipe.ends[0], once);
  loop.run();
  CHECK(calls == 2);
}

TEST_CASE("poll: goes on after an error of the descriptor") {
  Loop loop;
  // A UDP socket connected to a port that nobody has gets an ICMP message for each datagram.
  sockaddr_storage address;
  socklen_t size = testing::loopback().to_sockaddr(address);
  auto* name = reinterpret_cast<sockaddr*>(&address);
  const int nobody = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
  REQUIRE(bind(nobody, name, size) == 0);
  REQUIRE(getsockname(nobody, name, &size) == 0);
  const int fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
  REQUIRE(connect(fd, name, size) == 0);
  ::close(nobody);
  int errors = 0;
  {
    Poll poll(loop, fd, [&] {
      char byte;
      if (recv(fd, &byte, 1, 0) < 0 && errno == ECONNREFUSED) ++errors;
      if (errors == 3) return poll.stop();
      REQUIRE(send(fd, "x", 1, 0) == 1);
    });
    REQUIRE(send(fd, "x", 1, 0) == 1);
    loop.run();
  }
  CHECK(errors == 3);
  ::close(fd);
}

TEST_CASE("signal: calls for each signal") {
  Loop loop;
  int calls = 0;
  std::optional<Signal> signal;
  signal.emplace(loop, SIGUSR2, [&] {
    if (++calls == 2) return signal.reset();
    raise(SIGUSR2);
  });
  raise(SIGUSR2);
  loop.run();
  CHECK(calls == 2);
}

}  // namespace swage::async
