// Nodes that stall, close, send nonsense or have another's key, at every byte of every handshake: each registration is
// refused in time, others are not disturbed, and nothing is left behind. And networks full of clients that name silent
// addresses, as many as they can: a node from another network does not wait for them.
#include <filesystem>
#include <fstream>
#include <map>
#include <sstream>
#include <thread>

#include <fmt/format.h>

#include "core/async/event.h"
#include "core/async/testing.h"
#include "tests/support/broker/hostile_nodes.h"
#include "tests/support/broker/nodes.h"
#include "tests/support/broker/registrar.h"
#include "tests/support/server.h"

#include <catch2/catch.hpp>  // last: its CHECK is the one that counts here

namespace {

using namespace swage;
using namespace swage::tests;
using namespace std::chrono_literals;
using Clock = std::chrono::steady_clock;

constexpr const char* kHost = "registration.libp2p.direct";
constexpr std::uint32_t kWarmUp = 4'000;
constexpr std::uint32_t kRegistrations = 10'000;
constexpr std::size_t kClients = 400;  // at the same time
constexpr auto kDeadline = 1s;         // of the dial
constexpr const char* kCorefile = R"(libp2p.direct {
    bind 127.0.0.1
    errors
    acme-txt
    broker registration.libp2p.direct {
        listen 127.0.0.1:@PORT2@
        tls off
        trusted-proxy 127.0.0.0/8
        limit peer 1000000/1h
        limit client 1000000/1m
        dial {
            timeout 1s
            allow 127.0.0.0/8
            limit network off
            limit foreign off
        }
    }
    file zones/libp2p.direct
}
)";

pid_t service_of(Server& server) {
  const std::vector<pid_t> services = children(server.process().pid(), "@service");
  REQUIRE(services.size() == 1);
  return services[0];
}

std::size_t descriptors(pid_t pid) {
  const std::filesystem::directory_iterator list("/proc/" + std::to_string(pid) + "/fd");
  return static_cast<std::size_t>(std::distance(begin(list), end(list)));
}

std::size_t resident_kilobytes(pid_t pid) {
  std::istringstream status(read_file("/proc/" + std::to_string(pid) + "/status"));
  std::string word;
  while (status >> word && word != "VmRSS:") {
  }
  std::size_t kilobytes = 0;
  status >> kilobytes;
  return kilobytes;
}

struct Run {
  explicit Run(Server& of) : server(of), hostile(loop), honest(loop) {}

  // Registers hostile nodes `next` to `end`, with an honest one beside them all the time.
  void until(std::uint32_t number) {
    end = number;
    working = kClients;
    for (std::size_t i = 0; i < kClients; ++i) loop.spawn(register_hostile(*this));
    loop.spawn(register_honest(*this));
    loop.run();
  }

  static async::Task<> register_hostile(Run& run) {
    Registrar registrar(run.loop, loopback(run.server.second_port()), kHost);
    while (run.next < run.end) {
      const std::uint32_t index = run.next++;
      const libp2p::PrivateKey key = HostileNodes::key(index);
      const std::vector<std::string> addresses = {run.hostile.address(index)};
      std::string body = registration_body(challenge_value(index), addresses);
      const auto begun = Clock::now();
      const http::Response response = co_await registrar.registers(key, std::move(body));
      run.longest = std::max(run.longest, Clock::now() - begun);
      ++run.statuses[response.status];
      if (response.status == 200 && !HostileNodes::can_prove(index)) ++run.unproven;
    }
    --run.working;
  }

  static async::Task<> register_honest(Run& run) {
    Registrar registrar(run.loop, loopback(run.server.second_port()), kHost);
    for (std::uint32_t i = 0; run.working > 0; ++i) {
      const libp2p::PrivateKey key = Nodes::key(i % 1000);
      const std::vector<std::string> addresses = {run.honest.address(i % 1000)};
      std::string body = registration_body(challenge_value(i), addresses);
      const auto begun = Clock::now();
      const http::Response response = co_await registrar.registers(key, std::move(body));
      run.longest_honest = std::max(run.longest_honest, Clock::now() - begun);
      ++run.honest_statuses[response.status];
      co_await async::sleep(run.loop, 20ms);
    }
    run.loop.stop();
  }

  Server& server;
  async::Loop loop;
  HostileNodes hostile;
  Nodes honest;
  std::uint32_t next = 0, end = 0;
  std::size_t working = 0;
  std::map<unsigned, std::uint32_t> statuses, honest_statuses;
  std::uint32_t unproven = 0;
  Clock::duration longest{}, longest_honest{};
};

long milliseconds(Clock::duration time) {
  return static_cast<long>(std::chrono::duration_cast<Milliseconds>(time).count());
}

}  // namespace

TEST_CASE("hostile nodes: refused in time, others undisturbed, nothing left behind") {
  Server server(kCorefile, {.release = true});
  const pid_t service = service_of(server);
  Run run(server);
  run.until(kWarmUp);
  std::this_thread::sleep_for(6s);  // what goes on after a proof ends too
  const std::size_t descriptors_before = descriptors(service), memory_before = resident_kilobytes(service);

  run.until(kWarmUp + kRegistrations);
  CHECK(service_of(server) == service);  // it did not crash
  for (const auto& [status, count] : run.statuses) UNSCOPED_INFO("hostile: " << count << " with status " << status);
  CHECK(run.statuses[400] + run.statuses[200] == kWarmUp + kRegistrations);
  CHECK(run.statuses[400] > kRegistrations / 2);
  CHECK(run.statuses[200] > 0);  // those whose fault comes after the proof
  CHECK(run.unproven == 0);      // impostors, and those that go wrong before they can have proven anything
  CHECK(run.honest_statuses.size() == 1);
  CHECK(run.honest_statuses[200] > 100);
  CHECK(run.longest < kDeadline + 2s);
  CHECK(run.longest_honest < 2s);

  CHECK(wait_until([&] { return descriptors(service) <= descriptors_before; }, 10s));
  const std::size_t memory_after = resident_kilobytes(service);
  CHECK(memory_after < memory_before + 8 * 1024);
  WARN(run.statuses[400] << " refused, " << run.statuses[200] << " proven before their fault; the longest took "
                         << milliseconds(run.longest) << " ms, of " << run.honest_statuses[200]
                         << " honest ones beside them " << milliseconds(run.longest_honest) << " ms; descriptors "
                         << descriptors_before << " -> " << descriptors(service) << ", resident memory "
                         << memory_before << " -> " << memory_after << " kB");
}

namespace {

// Takes connections at all addresses of loopback, and never says a word.
struct Silence {
  Silence() : fd(socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0)) {
    sockaddr_storage name;
    socklen_t size = Endpoint{}.to_sockaddr(name);
    REQUIRE(bind(fd, reinterpret_cast<sockaddr*>(&name), size) == 0);
    REQUIRE(listen(fd, 4096) == 0);
    REQUIRE(getsockname(fd, reinterpret_cast<sockaddr*>(&name), &size) == 0);
    port = Endpoint::from_sockaddr(reinterpret_cast<sockaddr*>(&name)).port;
  }
  ~Silence() { ::close(fd); }
  int fd;
  std::uint16_t port = 0;
};

struct Flood {
  Flood(Server& of, int number) : server(of), networks(number), honest(loop) {}

  static async::Task<> attack(Flood& flood, int index) {
    Registrar registrar(flood.loop, loopback(flood.server.second_port()), kHost);
    registrar.come_from(fmt::format("10.1.{}.{}", index % flood.networks, index / flood.networks + 1));
    const libp2p::PrivateKey key = libp2p::PrivateKey::generate(libp2p::KeyType::ed25519);
    std::vector<std::string> addresses;
    for (int host = 1; host < 8; ++host) {
      addresses.push_back(
          fmt::format("/ip4/127.{}.{}.{}/tcp/{}", 100 + index / 100, index % 100, host, flood.silence.port));
    }
    while (!flood.over) {
      std::string body = registration_body(challenge_value(1), addresses);
      const http::Response response = co_await registrar.registers(key, std::move(body));
      if (!flood.over) ++flood.statuses[response.status];
      co_await async::sleep(flood.loop, 1s);  // five times as soon as Retry-After says
    }
  }

  static async::Task<> register_honest(Flood& flood) {
    Registrar registrar(flood.loop, loopback(flood.server.second_port()), kHost);
    registrar.come_from("10.2.0.1");
    co_await async::sleep(flood.loop, 3s);  // until the flood is there
    const auto end = Clock::now() + 10s;
    for (std::uint32_t i = 0; Clock::now() < end; ++i) {
      const libp2p::PrivateKey key = Nodes::key(i);
      const std::vector<std::string> addresses = {flood.honest.address(i)};
      std::string body = registration_body(challenge_value(i), addresses);
      const auto begun = Clock::now();
      const http::Response response = co_await registrar.registers(key, std::move(body));
      flood.longest = std::max(flood.longest, Clock::now() - begun);
      ++flood.honest_statuses[response.status];
      co_await async::sleep(flood.loop, 100ms);
    }
    flood.over = true;
    flood.loop.stop();
  }

  Server& server;
  int networks;
  Silence silence;
  async::Loop loop;
  Nodes honest;
  bool over = false;
  std::map<unsigned, int> statuses, honest_statuses;
  Clock::duration longest{};
};

void keep_silent(int networks) {
  std::string corefile(kCorefile);
  corefile.erase(corefile.find("            timeout 1s\n"), 23);
  Server server(corefile, {.release = true});
  Flood flood(server, networks);
  for (int i = 0; i < 800; ++i) flood.loop.spawn(Flood::attack(flood, i));
  flood.loop.spawn(Flood::register_honest(flood));
  flood.loop.run();
  INFO(networks << " networks");
  for (const auto& [status, count] : flood.statuses) UNSCOPED_INFO("hostile: " << count << " with status " << status);
  for (const auto& [status, count] : flood.honest_statuses) UNSCOPED_INFO("honest: " << count << " with " << status);
  CHECK(flood.honest_statuses.size() == 1);
  CHECK(flood.honest_statuses[200] > 20);
  CHECK(flood.longest < 2s);
  CHECK(flood.statuses[200] == 0);
  CHECK(flood.statuses[503] > 0);  // there were more than places
  WARN(networks << " networks: " << flood.honest_statuses[200] << " honest registrations, the longest took "
                << milliseconds(flood.longest) << " ms; hostile: " << flood.statuses[400] << " with 400, "
                << flood.statuses[503] << " with 503");
}

}  // namespace

TEST_CASE("hostile nodes: silent addresses of a hundred networks do not keep a node of another waiting") {
  keep_silent(100);
}

// By command: hostile_nodes_test "[full]".
TEST_CASE("hostile nodes: silent addresses of one network, or of a few, do not either", "[.][full]") {
  keep_silent(1);
  keep_silent(36);
}
