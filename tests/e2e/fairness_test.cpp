// What bad TCP clients cannot do: delay queries over UDP, take memory, keep others out. Latencies are compared with
// those in the same minute when the same clients are at another server on this machine, so that only what a server
// shares is measured, not the processor.
//
// `SWAGE=build/release/swage build/release/tests/fairness_test "[full]"` measures with more clients, and prints a
// table.
#include <poll.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>

#include <algorithm>
#include <array>
#include <cstdio>
#include <cstdlib>
#include <fstream>
#include <thread>
#include <vector>

#include <fmt/format.h>

#include "core/descriptor.h"
#include "tests/support/server.h"
#include "tests/support/socket_memory.h"
#include "tests/support/tcp_flood.h"

#include <catch2/catch.hpp>  // last: its CHECK is the one that counts here

namespace {

using namespace swage;
using namespace swage::tests;
using namespace std::chrono_literals;
using Kind = FloodOptions::Kind;

constexpr const char* kCorefile = "example.org {\n bind 127.0.0.1\n file zones/example.org\n}\n";
constexpr double kMost = 2;  // times the latency when the clients are elsewhere

constexpr int kSmallBuffer = 4096;  // bytes: the least that the kernel takes

const Packet kQuery = encode({.name = "www.example.org.", .type = "A"});

struct Compared {
  Latency elsewhere, here;

  [[nodiscard]] double median() const { return here.median / elsewhere.median; }
  [[nodiscard]] double p99() const { return here.p99 / elsewhere.p99; }
  [[nodiscard]] double p99_running() const { return here.p99_running / elsewhere.p99_running; }
  [[nodiscard]] bool good() const { return here.lost == 0 && median() <= kMost && p99() <= kMost; }
};

Latency under(const FloodOptions& options, const Endpoint& flooded, Server& asked, Milliseconds time) {
  const pid_t process = children(asked.process().pid(), "@dns").at(0);
  const TcpFlood flood(flooded, options);
  REQUIRE(flood.wait_for_open(options.connections, 30s));
  static_cast<void>(measure_latency(asked.endpoint(), process, kQuery, time / 4));
  return measure_latency(asked.endpoint(), process, kQuery, time);
}

// One after the other, several times.
std::vector<Compared> compare(const FloodOptions& options, int rounds, Milliseconds time, bool until_good) {
  Server server(kCorefile);
  const Server other(kCorefile);
  std::vector<Compared> all;
  for (int i = 0; i < rounds; ++i) {
    const Latency elsewhere = under(options, other.endpoint(), server, time);
    all.push_back({elsewhere, under(options, server.endpoint(), server, time)});
    if (until_good && all.back().good()) break;
  }
  return all;
}

// Resident memory of all processes below `pid`, in kB.
std::uint64_t resident(pid_t pid) {
  std::uint64_t total = 0;
  std::ifstream children(fmt::format("/proc/{0}/task/{0}/children", pid));
  for (pid_t child = 0; children >> child;) total += resident(child);
  std::ifstream status(fmt::format("/proc/{}/status", pid));
  for (std::string line; std::getline(status, line);) {
    if (line.starts_with("VmRSS:")) total += std::stoull(line.substr(6));
  }
  return total;
}

// Servers that are started meanwhile may open so many. (They take what the machine allows; so it has to be less.)
class FewDescriptors {
 public:
  explicit FewDescriptors(unsigned most) {
    const std::string script =
        folder_.write("swage", fmt::format("#!/bin/sh\nulimit -n {}\nexec {} \"$@\"\n", most, before_));
    REQUIRE(chmod(script.c_str(), 0700) == 0);
    REQUIRE(setenv("SWAGE", script.c_str(), 1) == 0);
  }
  ~FewDescriptors() { setenv("SWAGE", before_.c_str(), 1); }
  FewDescriptors(const FewDescriptors&) = delete;
  FewDescriptors& operator=(const FewDescriptors&) = delete;

 private:
  Folder folder_;
  std::string before_ = std::getenv("SWAGE");
};

// Asks on a TCP connection.
bool answers(int socket) {
  const Packet query = framed(kQuery);
  if (::send(socket, query.data(), query.size(), MSG_NOSIGNAL) < 0) return false;
  pollfd ready{.fd = socket, .events = POLLIN, .revents = 0};
  std::array<std::uint8_t, 2048> answer;
  return poll(&ready, 1, 2000) == 1 && recv(socket, answer.data(), answer.size(), 0) > 12;
}

FloodOptions flood_of(Kind kind, unsigned connections) {
  return {.kind = kind, .connections = connections, .query = framed(kQuery)};
}

}  // namespace

// Other programs disturb a round now and then, never all of them: TCP that starves UDP makes each round a hundred times
// worse.
TEST_CASE("fairness: UDP does not wait for TCP connections that are busy") {
  for (const auto& [kind, name] : {std::pair{Kind::pipelining, "pipelining"}, {Kind::never_reads, "never reads"}}) {
    const std::vector<Compared> rounds = compare(flood_of(kind, 256), 8, 1s, true);
    const Compared& last = rounds.back();
    INFO(name << ": median " << last.elsewhere.median << " and " << last.here.median << " ms, p99 "
              << last.elsewhere.p99 << " and " << last.here.p99 << " ms, " << last.here.lost << " lost");
    CHECK(last.good());
  }
}

TEST_CASE("fairness: clients that do not read take 100 kB each, and nothing once they are cut off") {
  Server server("example.org {\n bind 127.0.0.1\n timeouts {\n idle 3s\n write 3s\n }\n file zones/example.org\n}\n",
                {.release = true});
  const std::uint64_t before = resident(server.process().pid());
  constexpr unsigned kClients = 200;
  std::vector<Descriptor> clients;
  Packet queries;
  while (queries.size() < 50'000) {
    const Packet query = framed(encode({.name = "example.org.", .type = "ANY"}));
    queries.insert(queries.end(), query.begin(), query.end());
  }
  for (unsigned i = 0; i < kClients; ++i) {
    clients.emplace_back(connect_from(i / 100, server.endpoint(), kSmallBuffer));
    REQUIRE(clients.back().exists());
    while (::send(clients.back().get(), queries.data(), queries.size(), MSG_DONTWAIT | MSG_NOSIGNAL) > 0) {
    }
    // Half of them say that they ask no more: then the server closes, with answers that nobody has read.
    if (i % 2 == 0) shutdown(clients.back().get(), SHUT_WR);
  }
  std::this_thread::sleep_for(500ms);
  const SocketMemory most = socket_memory(server.port());
  CHECK(most.sockets == kClients);
  CHECK(most.sending > kClients * 1000);  // else nothing is shown here
  CHECK(most.all() < kClients * 80'000);
  CHECK(resident(server.process().pid()) < before + kClients * 20);
  CHECK(wait_until([&] { return socket_memory(server.port()).all() == 0; }, 30s));
}

TEST_CASE("fairness: one answer that fits the kernel's buffer and is not read is forgotten too") {
  const Server server("example.org {\n bind 127.0.0.1\n timeouts {\n idle 2s\n }\n file zones/example.org\n}\n");
  const Descriptor client(connect_from(0, server.endpoint(), kSmallBuffer));
  Packet queries;
  const Packet query = framed(encode({.name = "example.org.", .type = "ANY"}));
  for (int i = 0; i < 30; ++i) queries.insert(queries.end(), query.begin(), query.end());
  REQUIRE(::send(client.get(), queries.data(), queries.size(), MSG_NOSIGNAL) > 0);
  SECTION("the client asks no more") { shutdown(client.get(), SHUT_WR); }
  SECTION("the client is silent") {}
  std::this_thread::sleep_for(500ms);
  REQUIRE(socket_memory(server.port()).sending > 0);
  CHECK(wait_until([&] { return socket_memory(server.port()).all() == 0; }, 20s));
}

TEST_CASE("fairness: requests that never end take 16 MB together, and whole ones are answered meanwhile") {
  Server server(kCorefile, {.release = true});
  const std::uint64_t before = resident(server.process().pid());
  Packet half(60'000);
  half[0] = half[1] = 0xFF;  // so many bytes are announced
  const TcpFlood flood(server.endpoint(), {.kind = Kind::once, .connections = 1000, .query = half});
  REQUIRE(flood.wait_for_open(1000, 30s));
  std::uint64_t most = 0;
  for (int i = 0; i < 20; ++i) {
    CHECK(ask_tcp(server.endpoint(), kQuery));
    most = std::max(most, resident(server.process().pid()));
    std::this_thread::sleep_for(100ms);
  }
  CHECK(most > before + 10'000);  // else nothing is shown here
  CHECK(most < before + 30'000);
  CHECK(flood.closed() > 0);
}

TEST_CASE("fairness: where places are taken, newcomers get in, and who asks stays") {
  const FewDescriptors few(512);
  const Server server(kCorefile);
  const Endpoint at = server.endpoint();
  const Descriptor regular(connect_from(201, at));
  REQUIRE(answers(regular.get()));
  for (const Kind kind : {Kind::slow, Kind::idle, Kind::pipelining}) {
    FloodOptions options = flood_of(kind, 400);
    options.of_an_address = 50;
    const TcpFlood flood(at, options);
    bool stays = true;
    REQUIRE(wait_until([&] { return stays = stays && answers(regular.get()), flood.closed() > 0; }, 30s));  // too many
    REQUIRE(stays);
    for (unsigned i = 0; i < 30; ++i) {
      INFO(static_cast<int>(kind) << " " << i);
      const Descriptor newcomer(connect_from(202 + i % 50, at));
      CHECK(answers(newcomer.get()));
      CHECK(answers(regular.get()));
    }
  }
}

TEST_CASE("fairness: UDP beside thousands of bad TCP clients", "[.full]") {
  const auto& [kind, connections, name] = GENERATE(table<Kind, unsigned, const char*>({
      {Kind::pipelining, 1, "pipelining"},
      {Kind::pipelining, 128, "pipelining"},
      {Kind::pipelining, 1024, "pipelining"},
      {Kind::never_reads, 1024, "never read"},
      {Kind::idle, 10'000, "idle"},
      {Kind::slow, 4096, "a byte a second"},
  }));
  setpriority(PRIO_PROCESS, 0, -20);
  const std::vector<Compared> rounds = compare(flood_of(kind, connections), 5, 3s, false);
  const auto median = [&](auto figure) {
    std::vector<double> all;
    for (const Compared& each : rounds) all.push_back(figure(each));
    std::ranges::sort(all);
    return all[all.size() / 2];
  };
  std::size_t lost = 0;
  for (const Compared& each : rounds) lost += each.here.lost;
  static const bool head =
      std::printf(
          "                               median UDP query, ms       p99, ms            p99, running, ms\n"
          "TCP clients                    elsewhere     here         elsewhere   here   elsewhere   here    lost\n") >
      0;
  REQUIRE(head);
  std::printf("%6u %-16s %16.3f %8.3f %17.3f %6.3f %11.3f %6.3f %7zu\n", connections, name,
              median([](const Compared& each) { return each.elsewhere.median; }),
              median([](const Compared& each) { return each.here.median; }),
              median([](const Compared& each) { return each.elsewhere.p99; }),
              median([](const Compared& each) { return each.here.p99; }),
              median([](const Compared& each) { return each.elsewhere.p99_running; }),
              median([](const Compared& each) { return each.here.p99_running; }), lost);
  std::fflush(stdout);
  CHECK(lost == 0);
  CHECK(median([](const Compared& each) { return each.median(); }) <= kMost);
  CHECK(median([](const Compared& each) { return each.p99_running(); }) <= kMost);
}
