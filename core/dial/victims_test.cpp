// Dial-back as a weapon: what somebody who registers can have done to others, counted at the victims, which listen on
// loopback; and what he learns of them.
#include <sys/socket.h>

#include <array>
#include <chrono>
#include <deque>
#include <map>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include <fmt/format.h>

#include "core/dial/dialer_testing.h"  // last, with Catch: its CHECK is the one that counts here

namespace swage::dial::testing {
namespace {

using namespace std::chrono_literals;
using Clock = std::chrono::steady_clock;

// Listeners at any number of addresses and ports of loopback, which count who connects; what they do then is said.
class Victims {
 public:
  enum class Manner { silent, closing, http };

  Victims(Loop& loop, Manner manner) : loop_(loop), manner_(manner) {}

  // A port of 127.x.
  std::uint16_t add(const std::string& address, std::uint16_t port = 0) {
    const Endpoint at{ip(address), port, 0};
    const std::size_t index = listeners_.size();
    auto listening = async::TcpListener::listen(loop_, at, [this, index](std::unique_ptr<async::TcpStream> stream) {
      const Endpoint local = listeners_[index]->local();
      ++connections_[local.address.to_string()];
      ports_[local.address.to_string()].insert(local.port);
      if (manner_ == Manner::closing) return;
      if (manner_ == Manner::http) return answers_.start(answer(std::move(stream)));
      kept_.push_back(std::move(stream));
    });
    REQUIRE(listening);
    listeners_.push_back(std::move(*listening));
    return listeners_.back()->local().port;
  }

  [[nodiscard]] int connections() const {
    int sum = 0;
    for (const auto& [address, count] : connections_) sum += count;
    return sum;
  }
  [[nodiscard]] int most_of_address() const {
    int most = 0;
    for (const auto& [address, count] : connections_) most = std::max(most, count);
    return most;
  }
  [[nodiscard]] std::size_t most_ports() const {
    std::size_t most = 0;
    for (const auto& [address, ports] : ports_) most = std::max(most, ports.size());
    return most;
  }

 private:
  static Task<> answer(std::unique_ptr<async::TcpStream> stream) {
    const std::string text = "HTTP/1.1 400 Bad Request\r\n\r\n";
    static_cast<void>(co_await stream->write(as_bytes(text)));
  }

  Loop& loop_;
  Manner manner_;
  std::vector<std::unique_ptr<async::TcpListener>> listeners_;
  std::vector<std::unique_ptr<async::TcpStream>> kept_;
  std::map<std::string, int> connections_;
  std::map<std::string, std::set<std::uint16_t>> ports_;
  async::Tasks answers_;
};

// With the limits as they are by default.
Settings limited() {
  Settings settings = quick();
  settings.timeout = 2s;
  settings.connect_timeout = settings.handshake_timeout = 400ms;
  settings.target_timeout = 700ms;
  settings.network_limit = Settings{}.network_limit;
  settings.foreign_limit = Settings{}.foreign_limit;
  return settings;
}

std::string tcp(const std::string& address, std::uint16_t port, const std::string& end = "") {
  return fmt::format("/ip4/{}/tcp/{}{}", address, port, end);
}

}  // namespace

TEST_CASE("victims: many ports of one address, in all ways to write them") {
  for (const auto manner : {Victims::Manner::silent, Victims::Manner::closing, Victims::Manner::http}) {
    Bench bench(limited());
    Victims victims(bench.loop, manner);
    std::vector<std::string> addresses;
    for (int i = 0; i < 16; ++i) {
      const std::uint16_t port = victims.add("127.0.5.1");
      for (const char* const end : {"", "/ws", "/wss", "/tls/sni/a.example/ws"}) {
        addresses.push_back(tcp("127.0.5.1", port, end));
        addresses.push_back(fmt::format("/ip6/::ffff:127.0.5.1/tcp/{}{}", port, end));
      }
    }
    INFO(static_cast<int>(manner));
    const auto outcome = bench.reach(2, addresses);
    REQUIRE_FALSE(outcome);
    CHECK(outcome.error().kind() == Kind::unreachable);
    CHECK(victims.connections() >= 1);
    CHECK(victims.connections() <= 2);
    CHECK(victims.most_ports() <= 2);
  }
}

TEST_CASE("victims: many addresses, and names of many addresses") {
  for (const bool named : {false, true}) {
    for (const auto manner : {Victims::Manner::silent, Victims::Manner::closing}) {
      Settings settings = limited();
      Loop loop;
      DnsServer dns(loop, [](const DnsQuestion& question) -> DnsServer::Answer {
        std::vector<IpAddress> addresses;
        for (int i = 1; i <= 8; ++i) addresses.push_back(ip(fmt::format("127.0.{}.{}", question.name[0] - 'a', i)));
        return {addresses};
      });
      settings.resolver.servers = {dns.at()};
      Victims victims(loop, manner);
      std::vector<std::string> addresses;
      const std::uint16_t port = victims.add("127.0.0.1");
      for (int i = 1; i < 8; ++i) {
        static_cast<void>(victims.add(fmt::format("127.0.0.{}", i + 1), port));
        for (int net = 1; net < 6; ++net) static_cast<void>(victims.add(fmt::format("127.0.{}.{}", net, i), port));
      }
      for (const char* const end : {"", "/ws", "/wss", "/tls/sni/a.example/ws", "/tls/sni/b.example/ws"}) {
        for (int i = 1; i < 8 && !named; ++i) addresses.push_back(tcp(fmt::format("127.0.1.{}", i), port, end));
        for (const char name : {'a', 'b', 'c', 'd', 'e', 'f'}) {
          if (named) addresses.push_back(fmt::format("/dns4/{}.test/tcp/{}{}", name, port, end));
        }
      }
      async::Event cancel(loop);
      Dialer dialer(loop, key_of(1), settings);
      const auto outcome = run(loop, dialer.reach(peer_of(2), addresses, ip("127.0.0.1"), cancel));
      CHECK_FALSE(outcome);
      INFO((named ? "named " : "") << static_cast<int>(manner));
      CHECK(victims.connections() >= 4);
      CHECK(victims.connections() <= 8);
      CHECK(victims.most_of_address() <= 2);
      CHECK(victims.most_ports() == 1);
    }
  }
}

TEST_CASE("victims: a network is connected to so often, whoever asks, and less often for strangers") {
  Settings settings = limited();
  settings.network_limit = {20, std::chrono::hours(1)};
  settings.foreign_limit = {6, std::chrono::hours(1)};
  Bench bench(settings);
  Victims victims(bench.loop, Victims::Manner::http);
  const std::uint16_t port = victims.add("127.0.5.1");
  for (int i = 2; i < 40; ++i) static_cast<void>(victims.add(fmt::format("127.0.5.{}", i), port));
  std::vector<std::optional<Outcome>> outcomes(40);
  {
    Together together(bench.loop);
    for (std::size_t i = 0; i < outcomes.size(); ++i) {
      std::vector<std::string> addresses;
      for (int host = 0; host < 4; ++host) addresses.push_back(tcp(fmt::format("127.0.5.{}", i % 30 + 1 + host), port));
      const std::string client = fmt::format("10.0.{}.1", i);
      together.add(bench.dialer->reach(peer_of(2), addresses, ip(client), bench.cancel), outcomes[i]);
    }
    together.run();
  }
  CHECK(victims.connections() == 6);
  int limited = 0;
  for (const auto& outcome : outcomes) {
    REQUIRE((outcome && !*outcome));
    if (outcome->error().kind() != Kind::limited) continue;
    ++limited;
    CHECK(outcome->error().retry_after() > 500s);
    CHECK(outcome->error().retry_after() <= 600s);
  }
  CHECK(limited >= 38);
  // Those who are at home there are not held up by that, but have a limit of their own.
  for (int i = 0; i < 5; ++i) {
    std::vector<std::string> addresses;
    for (int host = 1; host < 9; ++host) addresses.push_back(tcp(fmt::format("127.0.5.{}", host), port));
    static_cast<void>(bench.reach(2, addresses, "127.0.5.77"));
  }
  CHECK(victims.connections() == 20);
}

TEST_CASE("victims: services that are no nodes are left alone") {
  Settings settings = limited();
  Loop loop;
  Victims victims(loop, Victims::Manner::silent);
  std::vector<std::string> addresses;
  for (const std::uint16_t port : std::array<std::uint16_t, 5>{3306, 5432, 6379, 9200, 11211}) {
    static_cast<void>(victims.add("127.0.6.1", port));
    addresses.push_back(tcp("127.0.6.1", port));
    addresses.push_back(tcp("127.0.6.1", port, "/ws"));
  }
  async::Event cancel(loop);
  {
    Dialer dialer(loop, key_of(1), settings);
    const auto outcome = run(loop, dialer.reach(peer_of(2), addresses, ip("127.0.6.1"), cancel));
    REQUIRE_FALSE(outcome);
    CHECK(outcome.error().kind() == Kind::nothing_dialable);
    CHECK(outcome.error().text().find("/ip4/127.0.6.1/tcp/6379: not dialled: the port of Redis") != std::string::npos);
    CHECK(victims.connections() == 0);
  }
  settings.policy = AddressPolicy({*Prefix::parse("127.0.0.0/8")}, {}, {6379});
  Dialer dialer(loop, key_of(1), settings);
  CHECK_FALSE(run(loop, dialer.reach(peer_of(2), addresses, ip("127.0.6.1"), cancel)));
  CHECK(victims.connections() > 0);
  CHECK(victims.most_ports() == 1);
}

namespace {

struct Timed {
  std::chrono::milliseconds took{};
  std::optional<Kind> kind;
};

Task<bool> time_of(Dialer& dialer, async::Event& cancel, std::vector<std::string> addresses, Timed& timed) {
  const auto begun = Clock::now();
  const IpAddress client = ip("127.0.0.1");
  const auto outcome = co_await dialer.reach(peer_of(2), std::move(addresses), client, cancel);
  timed.took = std::chrono::duration_cast<std::chrono::milliseconds>(Clock::now() - begun);
  if (!outcome) timed.kind = outcome.error().kind();
  co_return true;
}

}  // namespace

TEST_CASE("victims: neither time nor words tell whether a port is closed, silent, or speaks something else") {
  Settings settings = limited();
  settings.connect_timeout = settings.handshake_timeout = 1s;
  settings.target_timeout = 1'500ms;
  settings.timeout = 4s;
  settings.network_limit = settings.foreign_limit = {};
  Bench bench(settings);
  Victims silent(bench.loop, Victims::Manner::silent), closing(bench.loop, Victims::Manner::closing),
      http(bench.loop, Victims::Manner::http);
  const std::uint16_t port = silent.add("127.0.7.1");
  static_cast<void>(closing.add("127.0.7.2", port));
  static_cast<void>(http.add("127.0.7.3", port));
  const Node somebody(bench.loop, key_of(3), {.at = {ip("127.0.7.4"), port, 0}});
  const Node node(bench.loop, key_of(2), {.at = {ip("127.0.7.6"), port, 0}});
  // Of one address, and of two ports of it.
  std::deque<Timed> all;
  Together together(bench.loop);
  std::deque<std::optional<bool>> ended;
  for (const int host : {1, 2, 3, 4, 5}) {
    const std::string at = fmt::format("127.0.7.{}", host);
    const std::vector<std::vector<std::string>> submissions = {
        {tcp(at, port)}, {tcp(at, port, "/ws")}, {tcp(at, port), tcp(at, port, "/wss")}};
    for (const auto& addresses : submissions) {
      ended.emplace_back();
      together.add(time_of(*bench.dialer, bench.cancel, addresses, all.emplace_back()), ended.back());
    }
  }
  // Nobody is kept from dialling by those who wait for their answers.
  async::Timer look(bench.loop, [&] {
    CHECK(bench.dialer->dialling() == 0);
    CHECK(bench.dialer->racing() == 0);
  });
  look.start(settings.target_timeout + 50ms);
  together.run();
  for (const Timed& each : all) CHECK(each.kind == Kind::unreachable);
  const auto [least, most] = std::ranges::minmax(all, {}, &Timed::took);
  INFO(least.took.count() << " to " << most.took.count() << " ms");
  CHECK(least.took >= settings.target_timeout);
  CHECK(most.took - least.took < 400ms);  // a closed port ends a second before a silent one
  const auto begun = Clock::now();
  CHECK(bench.reach(2, {tcp("127.0.7.6", port)}));
  CHECK(Clock::now() - begun < 1s);  // who is there is told at once
}

TEST_CASE("victims: silent addresses of a hundred networks do not keep an honest node waiting") {
  Settings settings = limited();
  settings.timeout = settings.target_timeout = 20s;
  settings.connect_timeout = settings.handshake_timeout = 10s;
  settings.network_limit = settings.foreign_limit = {};
  settings.races = settings.total = 256;
  settings.resolver.lookups = 128;
  settings.resolver.timeout = 10s;
  Loop loop;
  DnsServer dns(loop, [](const DnsQuestion& question) -> DnsServer::Answer {
    if (question.name == "honest.test") return {{ip("127.0.8.7")}};
    return {{}, 0, true};
  });
  settings.resolver.servers = {dns.at()};
  async::Event cancel(loop);
  Victims victims(loop, Victims::Manner::silent);
  const std::uint16_t port = victims.add("127.0.8.1");
  for (int i = 2; i < 7; ++i) static_cast<void>(victims.add(fmt::format("127.0.8.{}", i), port));
  Node node(loop, key_of(2), {.at = {ip("127.0.8.7"), port, 0}});
  for (const int networks : {1, 36, 100}) {
    for (const bool named : {false, true}) {
      INFO(networks << " networks" << (named ? ", names" : ""));
      Dialer dialer(loop, key_of(1), settings);
      std::deque<std::optional<Outcome>> outcomes;
      Together together(loop);
      for (int i = 0; i < 400; ++i) {
        std::vector<std::string> addresses;
        for (int host = 1; host < 7; ++host) {
          addresses.push_back(named ? fmt::format("/dns4/h{}.test/tcp/{}", host, port)
                                    : tcp(fmt::format("127.0.8.{}", host), port));
        }
        outcomes.emplace_back();
        together.add(dialer.reach(peer_of(3), addresses, ip(fmt::format("10.1.{}.1", i % networks)), cancel),
                     outcomes.back());
      }
      for (int i = 0; i < 5; ++i) {
        const auto begun = Clock::now();
        const std::vector<std::string> addresses = {fmt::format("/dns4/honest.test/tcp/{}", port)};
        CHECK(run(loop, dialer.reach(peer_of(2), addresses, ip("10.2.0.1"), cancel)));
        CHECK(Clock::now() - begun < 2s);
      }
      // Whoever was in the way was told that it was our want, never that he is unreachable.
      std::size_t busy = 0;
      for (const auto& outcome : outcomes) {
        if (!outcome) continue;
        REQUIRE_FALSE(*outcome);
        CHECK(outcome->error().kind() == Kind::busy);
        ++busy;
      }
      CHECK(busy > 0);
      cancel.set();
      together.run();
      cancel.reset();
    }
  }
}

}  // namespace swage::dial::testing
