// Processes that hang: a child is noticed by the supervisor and replaced, the supervisor by the service manager.
#include <signal.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <sys/un.h>

#include <thread>

#include "core/descriptor.h"
#include "tests/support/server.h"

#include <catch2/catch.hpp>  // last: its CHECK is the one that counts here

namespace {

using namespace swage::tests;
using namespace std::chrono_literals;

constexpr const char* kCorefile = "example.org {\n    bind 127.0.0.1\n    file zones/example.org\n}\n";
constexpr auto kNoticed = 5s;  // how long a process that hangs may go unnoticed
constexpr auto kSlack = 1s;    // for a busy machine

bool answers(const Server& server) {
  return server.ask({.name = "example.org.", .type = "SOA"}).rcode_text() == "NOERROR";
}

}  // namespace

TEST_CASE("hang: a process that is stopped is noticed within 5 s, and replaced") {
  Server server(kCorefile, {.workers = 2});
  const pid_t supervisor = server.process().pid();
  for (const char* const kind : {"@dns", "@service"}) {
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
  REQUIRE(all.size() == 3);
  const std::vector<pid_t> before = all;
  all.push_back(supervisor);
  for (const pid_t pid : all) REQUIRE(kill(pid, SIGSTOP) == 0);
  std::this_thread::sleep_for(6s);
  for (const pid_t pid : {all[3], all[0], all[1], all[2]}) REQUIRE(kill(pid, SIGCONT) == 0);
  std::this_thread::sleep_for(1s);
  CHECK(children(supervisor, "@") == before);
  CHECK(answers(server));
}

TEST_CASE("hang: a service manager that waits for WATCHDOG=1 gets it, from the supervisor alone") {
  const Folder folder;
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  const std::string path = folder.file("notify");
  path.copy(address.sun_path, sizeof address.sun_path - 1);
  const swage::Descriptor socket(::socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0));
  REQUIRE(bind(socket.get(), reinterpret_cast<const sockaddr*>(&address), sizeof address) == 0);
  const timeval patience{4, 0};
  REQUIRE(setsockopt(socket.get(), SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof patience) == 0);
  const auto told = [&] {
    std::string text(1000, '\0');
    const ssize_t size = recv(socket.get(), text.data(), text.size(), 0);
    text.resize(size < 0 ? 0 : static_cast<std::size_t>(size));
    return text;
  };
  Server server(kCorefile, {.environment = {{"NOTIFY_SOCKET", path}, {"WATCHDOG_USEC", "4000000"}}});
  CHECK(told().starts_with("READY=1\n"));
  for (int i = 0; i < 4; ++i) CHECK(told() == "WATCHDOG=1");
  REQUIRE(kill(server.process().pid(), SIGSTOP) == 0);
  while (!told().empty()) {
  }
  REQUIRE(kill(server.process().pid(), SIGCONT) == 0);
  CHECK(told() == "WATCHDOG=1");
}
