// Processes that hang: a child is noticed by the supervisor and replaced, the supervisor by the service manager.
#include <signal.h>

#include <thread>

#include "tests/support/notify_socket.h"
#include "tests/support/server.h"

#include <catch2/catch.hpp>  // last: its CHECK is the one that counts here

namespace {

using namespace swage::tests;
using namespace std::chrono_literals;

constexpr const char* kCorefile = "example.org {\n    bind 127.0.0.1\n    file zones/example.org\n}\n";
constexpr const char* kForwards = "example.net {\n    bind 127.0.0.1\n    forward . 127.0.0.1:1\n}\n";
constexpr auto kNoticed = 5s;  // how long a process that hangs may go unnoticed
constexpr auto kSlack = 1s;    // for a busy machine

bool answers(const Server& server) {
  return server.ask({.name = "example.org.", .type = "SOA"}).rcode_text() == "NOERROR";
}

}  // namespace

TEST_CASE("hang: a process that is stopped is noticed within 5 s, and replaced") {
  Server server(std::string(kCorefile) + kForwards, {.workers = 2});
  const pid_t supervisor = server.process().pid();
  for (const char* const kind : {"@dns", "@stream", "@fetch", "@service"}) {
    INFO(kind);
    const pid_t victim = children(supervisor, kind).front();
    const std::size_t count = children(supervisor, kind).size();
    const auto begun = std::chrono::steady_clock::now();
    REQUIRE(kill(victim, SIGSTOP) == 0);
    REQUIRE(wait_until([&] { return kill(victim, 0) != 0; }, 20s));
    CHECK(std::chrono::steady_clock::now() - begun < kNoticed + kSlack);
    CHECK(wait_until([&] { return children(supervisor, kind).size() == count; }, 10s));
    CHECK(server.process().wait_for("is killed: it has made no progress for ", kPatience));
  }
  for (int i = 0; i < 16; ++i) CHECK(answers(server));
}

TEST_CASE("hang: nobody is killed because the supervisor, or the machine, was asleep") {
  Server server(kCorefile, {.workers = 2});
  const pid_t supervisor = server.process().pid();
  std::vector<pid_t> all = children(supervisor, "@");
  REQUIRE(all.size() == 5);
  const std::vector<pid_t> before = all;
  all.insert(all.begin(), supervisor);
  for (const pid_t pid : all) REQUIRE(kill(pid, SIGSTOP) == 0);
  std::this_thread::sleep_for(6s);
  for (const pid_t pid : all) REQUIRE(kill(pid, SIGCONT) == 0);
  std::this_thread::sleep_for(1s);
  CHECK(children(supervisor, "@") == before);
  CHECK(answers(server));
}

TEST_CASE("hang: a service manager that waits for WATCHDOG=1 gets it, from the supervisor alone") {
  const NotifySocket manager(4s);
  Server server(kCorefile, {.environment = {{"NOTIFY_SOCKET", manager.path()}, {"WATCHDOG_USEC", "4000000"}}});
  CHECK(manager.told().starts_with("READY=1\n"));
  for (int i = 0; i < 4; ++i) CHECK(manager.told() == "WATCHDOG=1");
  REQUIRE(kill(server.process().pid(), SIGSTOP) == 0);
  while (!manager.told().empty()) {
  }
  REQUIRE(kill(server.process().pid(), SIGCONT) == 0);
  CHECK(manager.told() == "WATCHDOG=1");
}
