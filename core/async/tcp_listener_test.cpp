#include <fcntl.h>
#include <sys/resource.h>
#include <sys/wait.h>

#include <ctime>
#include <optional>
#include <string>
#include <vector>

#include "core/async/event.h"
#include "core/async/tcp.h"
#include "core/async/testing.h"
#include "core/log.h"

namespace swage::async {

using namespace std::chrono_literals;

namespace {

int descriptors_open() {
  int count = 0;
  for (int fd = 0; fd < 1024; ++fd) count += fcntl(fd, F_GETFD) != -1;
  return count;
}

// In a child with few descriptors: 0 when the listener waits without spinning while there are none, and goes on after.
int accept_without_descriptors() {
  Loop loop;
  std::vector<std::unique_ptr<TcpStream>> accepted;
  auto listener = TcpListener::listen(
      loop, testing::loopback(), [&](std::unique_ptr<TcpStream> stream) { accepted.push_back(std::move(stream)); });
  if (!listener) return 1;
  // libuv opens its own descriptors before there are none.
  std::vector<int> clients = {testing::client_socket((*listener)->local())};
  while (accepted.empty()) {
    Timer soon(loop, [&loop] { loop.stop(); });
    soon.start(10ms);
    loop.run();
  }
  for (int i = 0; i < 5; ++i) clients.push_back(testing::client_socket((*listener)->local()));
  log::info("a thread for the log is made here: the sanitizer needs descriptors to look at it");
  const rlimit limit{static_cast<rlim_t>(clients.back()) + 3, 1024};  // 2 more than there are
  if (setrlimit(RLIMIT_NOFILE, &limit) != 0) return 2;

  std::size_t at_first = 0;
  std::clock_t cpu = 0;
  Timer look(loop, [&] {
    if (accepted.size() == 3) return loop.stop();
    look.start(10ms);
  });
  Timer frees(loop, [&] {
    at_first = accepted.size();
    cpu = std::clock() - cpu;
    accepted.clear();
    look.start(10ms);
  });
  Timer stuck(loop, [&loop] { loop.stop(); });
  cpu = std::clock();
  frees.start(350ms);
  stuck.start(20s);
  loop.run();
  if (at_first != 3) return 3;
  if (cpu > CLOCKS_PER_SEC / 5) return 4;
  if (accepted.size() != 3) return 5;
  for (const int fd : clients) ::close(fd);
  return 0;
}

}  // namespace

TEST_CASE("listener: pause, resume, close") {
  Loop loop;
  int accepted = 0;
  const auto [fd, at] = testing::listening_socket();
  TcpListener listener(loop, fd, [&](auto) {
    ++accepted;
    listener.pause();
  });
  CHECK(listener.local() == at);
  const int first = testing::client_socket(at);
  const int second = testing::client_socket(at);
  loop.run();
  CHECK(accepted == 1);
  listener.resume();
  loop.run();
  CHECK(accepted == 2);
  listener.resume();
  listener.close();
  listener.close();
  loop.run();
  CHECK(fcntl(fd, F_GETFD) == -1);
  ::close(first);
  ::close(second);
}

TEST_CASE("listener: those who wait do not take a turn each") {
  Loop loop;
  std::vector<std::unique_ptr<TcpStream>> accepted;
  const auto [fd, at] = testing::listening_socket(64);
  TcpListener listener(loop, fd, [&](std::unique_ptr<TcpStream> stream) { accepted.push_back(std::move(stream)); });
  std::vector<int> clients;
  for (int i = 0; i < 48; ++i) clients.push_back(testing::client_socket(at));
  int turns = 0;
  const auto count = [](Loop& on, const auto& all, int& number) -> Task<> {
    for (; all.size() < 48 && number < 1000; ++number) co_await sleep(on, 0ms);
    on.stop();
  };
  loop.spawn(count(loop, accepted, turns));
  loop.run();
  CHECK(accepted.size() == 48);
  CHECK(turns < 10);
  for (const int client : clients) ::close(client);
}

TEST_CASE("listener: its function may destroy it; the connection stays") {
  Loop loop;
  std::unique_ptr<TcpListener> listener;
  std::unique_ptr<TcpStream> stream;
  const std::string text = "a text that is used after the listener is gone";
  std::string said;
  listener = *TcpListener::listen(loop, testing::loopback(), [&, text](std::unique_ptr<TcpStream> accepted) {
    listener.reset();
    stream = std::move(accepted);
    said = text;
  });
  const int client = testing::client_socket(listener->local());
  loop.run();
  CHECK(said == text);
  REQUIRE(stream);
  sockaddr_storage address;
  socklen_t size = sizeof address;
  REQUIRE(getsockname(client, reinterpret_cast<sockaddr*>(&address), &size) == 0);
  CHECK(stream->peer() == Endpoint::from_sockaddr(reinterpret_cast<sockaddr*>(&address)));
  ::close(client);
}

TEST_CASE("listener: a socket that others accept from too; a client that left") {
  Loop loop;
  int accepted = 0;
  const auto [fd, at] = testing::listening_socket();
  const auto count = [&accepted](auto) { ++accepted; };
  std::optional<TcpListener> one, two;
  one.emplace(loop, fd, count);
  two.emplace(loop, dup(fd), count);
  const int client = testing::client_socket(at);
  const int gone = testing::client_socket(at);
  const linger at_once{1, 0};
  REQUIRE(setsockopt(gone, SOL_SOCKET, SO_LINGER, &at_once, sizeof at_once) == 0);
  ::close(gone);
  Timer timer(loop, [&] {
    one.reset();
    two.reset();
  });
  timer.start(20ms);
  loop.run();
  CHECK(accepted >= 1);
  CHECK(accepted <= 2);
  ::close(client);
}

TEST_CASE("listener: an address that is in use is an error, and leaves nothing open") {
  Loop loop;
  const auto [fd, at] = testing::listening_socket();
  const int before = descriptors_open();
  const auto listener = TcpListener::listen(loop, at, [](auto) {});
  REQUIRE_FALSE(listener);
  CHECK(listener.error().text() == "listen on " + at.to_string() + ": Address already in use");
  CHECK(descriptors_open() == before);
  ::close(fd);
}

TEST_CASE("listener: goes on after there were no descriptors left, without spinning") {
  const pid_t child = fork();
  if (child == 0) _exit(accept_without_descriptors());
  int status = -1;
  REQUIRE(waitpid(child, &status, 0) == child);
  REQUIRE(WIFEXITED(status));
  CHECK(WEXITSTATUS(status) == 0);
}

}  // namespace swage::async
