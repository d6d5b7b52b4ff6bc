// What a broker's 200 is worth: thousands of nodes register with a real server, each answers the dial, and what was
// acknowledged is asked of every dns process, at once, and again when processes have been killed all the time.
#include <signal.h>

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <map>
#include <random>
#include <set>

#include "core/async/event.h"
#include "core/async/testing.h"
#include "tests/support/broker/nodes.h"
#include "tests/support/broker/registrar.h"
#include "tests/support/server.h"

#include <catch2/catch.hpp>  // last: its CHECK is the one that counts here

namespace {

using namespace swage;
using namespace swage::tests;
using namespace std::chrono_literals;

constexpr const char* kHost = "registration.libp2p.direct";
constexpr std::size_t kClients = 32;  // that register at the same time
constexpr std::uint32_t kRegistrations = 10'000;
constexpr std::uint32_t kEach = 4;  // values of a node
constexpr std::size_t kWorkers = 2;
constexpr const char* kCorefile = R"(libp2p.direct {
    bind 127.0.0.1
    errors
    acme-txt
    broker registration.libp2p.direct {
        listen 127.0.0.1:@PORT2@
        tls off
        limit peer 1000000/1h
        limit client 1000000/1m
        dial {
            allow 127.0.0.0/8
            limit network off
            limit foreign off
        }
    }
    file zones/libp2p.direct
}
)";

std::string challenge_name(std::uint32_t node) {
  return "_acme-challenge." + Nodes::key(node).public_key().peer_id().to_base36() + ".libp2p.direct.";
}

// The texts of a TXT answer.
std::vector<std::string> texts(const std::optional<Packet>& packet) {
  if (!packet) return {"no answer"};
  const Result<Decoded> answer = decode(*packet);
  if (!answer) return {answer.error().text()};
  std::vector<std::string> found;
  for (const std::string& record : answer->answer) {
    const std::size_t quote = record.find('"');
    if (quote != std::string::npos) found.push_back(record.substr(quote + 1, record.size() - quote - 2));
  }
  return found;
}

// A client for each dns process: the kernel gives all packets of a socket to the same one.
std::vector<std::unique_ptr<UdpClient>> client_of_each(Server& server) {
  std::vector<std::unique_ptr<UdpClient>> clients;
  const Packet query = encode({.name = "libp2p.direct.", .type = "SOA"});
  for (const pid_t pid : children(server.process().pid(), "@dns")) {
    REQUIRE(kill(pid, SIGSTOP) == 0);
    std::unique_ptr<UdpClient> client;
    for (int tries = 0; tries < 100 && !client; ++tries) {
      auto candidate = std::make_unique<UdpClient>(server.endpoint());
      candidate->send(query);
      if (!candidate->receive(100ms)) client = std::move(candidate);
    }
    REQUIRE(kill(pid, SIGCONT) == 0);
    REQUIRE(client);
    REQUIRE(client->receive());
    clients.push_back(std::move(client));
  }
  return clients;
}

struct Outcome {
  unsigned status = 0;
  bool served = true;  // by every dns process, right after the 200
};

// Registrations 0, 1, 2, …, of node number / kEach, by kClients at a time; each is tried until it is answered.
class Run {
 public:
  explicit Run(Server& server) : server_(server), nodes_(loop_) {}

  // Looks right after each 200 whether all of `clients` get the value.
  void ask_each(std::vector<std::unique_ptr<UdpClient>> clients) { clients_ = std::move(clients); }

  void start(std::uint32_t count) {
    end_ = count;
    outcomes_.resize(count);
    for (std::size_t i = 0; i < kClients; ++i) loop_.spawn(register_some(*this));
  }
  async::Loop& loop() { return loop_; }
  [[nodiscard]] std::size_t done() const { return done_; }
  [[nodiscard]] bool finished() const { return done_ == end_; }
  [[nodiscard]] std::uint64_t failed_connections() const { return failed_; }
  [[nodiscard]] const std::vector<Outcome>& outcomes() const { return outcomes_; }

 private:
  static async::Task<> register_some(Run& run) {
    Registrar registrar(run.loop_, loopback(run.server_.second_port()), kHost);
    while (run.next_ < run.end_) {
      const std::uint32_t number = run.next_++;
      const std::uint32_t node = number / kEach;
      const libp2p::PrivateKey key = Nodes::key(node);
      Outcome& outcome = run.outcomes_[number];
      for (int tries = 0; tries < 1000; ++tries) {
        const std::vector<std::string> addresses = {run.nodes_.address(node)};
        std::string body = registration_body(challenge_value(number), addresses);
        const http::Response response = co_await registrar.registers(key, std::move(body));
        outcome.status = response.status;
        if (response.status != 0 && response.status != 503) break;
        ++run.failed_;
        co_await async::sleep(run.loop_, 20ms);
      }
      if (outcome.status == 200) outcome.served = run.is_served(node, number);
      ++run.done_;
    }
    if (run.finished()) run.loop_.stop();
  }

  bool is_served(std::uint32_t node, std::uint32_t number) {
    const Packet query = encode({.name = challenge_name(node), .type = "TXT"});
    return std::ranges::all_of(clients_, [&](const auto& client) {
      client->send(query);
      const std::vector<std::string> found = texts(client->receive());
      return std::ranges::find(found, challenge_value(number)) != found.end();
    });
  }

  Server& server_;
  async::Loop loop_;
  Nodes nodes_;
  std::vector<std::unique_ptr<UdpClient>> clients_;
  std::vector<Outcome> outcomes_;
  std::uint32_t next_ = 0, end_ = 0, done_ = 0;
  std::uint64_t failed_ = 0;
};

// Kills a process of the server with SIGKILL at random moments, 25 times.
class Killer {
 public:
  Killer(async::Loop& loop, pid_t supervisor) : supervisor_(supervisor), timer_(loop, [this] { strike(); }) {
    timer_.start(100ms);
  }
  [[nodiscard]] int struck() const { return struck_; }

 private:
  void strike() {
    std::vector<pid_t> pids = children(supervisor_, random_() % 2 == 0 ? "@service" : "@dns");
    if (!pids.empty() && kill(pids[random_() % pids.size()], SIGKILL) == 0) ++struck_;
    if (struck_ < 25) timer_.start(Milliseconds(20 + random_() % 1000));
  }

  pid_t supervisor_;
  async::Timer timer_;
  std::mt19937 random_{1};
  int struck_ = 0;
};

// Reloads the server again and again, until it is destroyed.
class Reloader {
 public:
  Reloader(async::Loop& loop, const Process& server) : server_(server), timer_(loop, [this] { reload(); }) { reload(); }
  [[nodiscard]] int reloads() const { return reloads_; }

 private:
  void reload() {
    server_.signal(SIGUSR1);
    ++reloads_;
    timer_.start(700ms);
  }

  const Process& server_;
  async::Timer timer_;
  int reloads_ = 0;
};

void check_all_served(const Run& run) {
  REQUIRE(run.finished());
  std::map<unsigned, int> statuses;
  int unserved = 0;
  for (const Outcome& outcome : run.outcomes()) {
    ++statuses[outcome.status];
    unserved += outcome.served ? 0 : 1;
  }
  for (const auto& [status, count] : statuses) UNSCOPED_INFO("status " << status << ": " << count);
  CHECK(statuses == std::map<unsigned, int>{{200, kRegistrations}});
  CHECK(unserved == 0);
}

}  // namespace

TEST_CASE("registrations: what was acknowledged is answered by every dns process at once") {
  Server server(kCorefile, {.workers = kWorkers, .release = true});
  Run run(server);
  run.ask_each(client_of_each(server));
  run.start(kRegistrations);
  run.loop().run();
  check_all_served(run);
}

TEST_CASE("registrations: … also while the server is reloaded all the time") {
  Server server(kCorefile, {.workers = kWorkers, .release = true});
  Run run(server);
  run.ask_each(client_of_each(server));
  run.start(kRegistrations);
  const Reloader reloader(run.loop(), server.process());
  run.loop().run();
  check_all_served(run);
  CHECK(reloader.reloads() >= 3);
  WARN(reloader.reloads() << " reloads, " << run.failed_connections() << " requests failed and were repeated");
}

TEST_CASE("registrations: what was acknowledged stays, whoever is killed, and nothing is mixed") {
  Server server(kCorefile, {.workers = kWorkers, .release = true});
  Run run(server);
  run.start(kRegistrations);
  {
    const Killer killer(run.loop(), server.process().pid());
    run.loop().run();
    REQUIRE(run.finished());
    CHECK(killer.struck() >= 5);
    WARN(killer.struck() << " processes killed, " << run.failed_connections() << " requests failed and were repeated");
  }
  REQUIRE(wait_until([&] { return children(server.process().pid(), "@dns").size() == kWorkers; }, 20s));

  int lost = 0, foreign = 0, refused = 0;
  for (std::uint32_t node = 0; node < kRegistrations / kEach; ++node) {
    std::vector<std::string> found;
    const Packet query = encode({.name = challenge_name(node), .type = "TXT"});
    for (int tries = 0; tries < 10 && (found.empty() || found[0] == "no answer"); ++tries) {
      found = texts(ask_udp(server.endpoint(), query, 2s));
    }
    std::set<std::string> tried;
    for (std::uint32_t number = node * kEach; number < (node + 1) * kEach; ++number) {
      const std::string value = challenge_value(number);
      tried.insert(value);
      if (run.outcomes()[number].status != 200)
        ++refused;
      else if (std::ranges::find(found, value) == found.end())
        ++lost;
    }
    for (const std::string& value : found) foreign += tried.contains(value) ? 0 : 1;
  }
  CHECK(refused == 0);
  CHECK(lost == 0);
  CHECK(foreign == 0);
}
