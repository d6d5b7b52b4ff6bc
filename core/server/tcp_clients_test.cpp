#include "core/server/tcp_clients.h"

#include <algorithm>
#include <memory>
#include <random>
#include <string>
#include <vector>

#include <fmt/format.h>

#include <catch2/catch.hpp>  // last: its CHECK is the one that counts here

namespace {

using namespace swage;
using server::TcpClients;

// A connection that says who lost its place.
struct Connection final : TcpClients::Connection {
  Connection(TcpClients& of, std::string from, std::vector<std::string>& evicted)
      : clients(of), address(std::move(from)), losers(evicted) {
    placed = clients.add(*this, *IpAddress::parse(address));
  }
  ~Connection() override { close(); }
  void evict() override {
    losers.push_back(address);
    close();
  }
  void close() {
    if (std::exchange(placed, false)) clients.remove(*this);
  }

  TcpClients& clients;
  std::string address;
  std::vector<std::string>& losers;
  bool placed = false;
};

class Crowd {
 public:
  explicit Crowd(std::size_t most) : clients(most) {}

  Connection& add(const std::string& address) {
    connections.push_back(std::make_unique<Connection>(clients, address, losers));
    return *connections.back();
  }

  TcpClients clients;
  std::vector<std::string> losers;
  std::vector<std::unique_ptr<Connection>> connections;
};

}  // namespace

TEST_CASE("tcp clients: an IPv4 address, or an IPv6 network of 64 bits, has 256") {
  for (const auto& [same, other] : {std::pair{"192.0.2.1", "192.0.2.2"}, {"2001:db8::5:1", "2001:db8:0:1::5:1"}}) {
    Crowd crowd(1000);
    for (std::uint32_t i = 0; i < TcpClients::kMaxOfAClient; ++i) REQUIRE(crowd.add(same).placed);
    CHECK_FALSE(crowd.add(same).placed);
    CHECK(crowd.add(other).placed);
    CHECK(crowd.losers.empty());
    CHECK(crowd.clients.count() == TcpClients::kMaxOfAClient + 1);
    crowd.connections.front()->close();
    CHECK(crowd.add(same).placed);
  }
}

TEST_CASE("tcp clients: where places are taken, the network that has most loses the one that was idle for longest") {
  Crowd crowd(6);
  for (const char* const address : {"192.0.2.1", "198.51.100.1", "198.51.100.2", "198.51.100.3", "203.0.113.1"}) {
    crowd.add(address);
  }
  crowd.clients.touch(*crowd.connections[1]);
  crowd.add("198.51.100.4");
  CHECK(crowd.losers.empty());
  CHECK(crowd.add("2001:db8::1").placed);
  CHECK(crowd.losers == std::vector<std::string>{"198.51.100.2"});
  CHECK(crowd.add("2001:db8::2").placed);
  CHECK(crowd.losers.back() == "198.51.100.3");
  CHECK(crowd.clients.count() == 6);
}

TEST_CASE("tcp clients: among networks that have as many, the one loses that asked nothing for longest") {
  Crowd crowd(3);
  for (const char* const address : {"192.0.2.1", "198.51.100.1", "203.0.113.1"}) crowd.add(address);
  crowd.clients.touch(*crowd.connections[0]);
  crowd.add("2001:db8::1");
  CHECK(crowd.losers == std::vector<std::string>{"198.51.100.1"});
  crowd.add("2001:db8:1::1");
  CHECK(crowd.losers.back() == "203.0.113.1");
}

TEST_CASE("tcp clients: whoever has too many does not evict others") {
  Crowd crowd(TcpClients::kMaxOfAClient + 1);
  crowd.add("198.51.100.1");
  for (std::uint32_t i = 0; i < TcpClients::kMaxOfAClient; ++i) crowd.add("192.0.2.1");
  CHECK_FALSE(crowd.add("192.0.2.1").placed);
  CHECK(crowd.losers.empty());
}

TEST_CASE("tcp clients: a newcomer always gets in, and a client of one connection that asks is never evicted") {
  std::mt19937 random(1);
  Crowd crowd(64);
  Connection& regular = crowd.add("2001:db8::1");
  for (int i = 0; i < 20'000; ++i) {
    crowd.clients.touch(regular);
    REQUIRE(crowd.add(fmt::format("10.0.{}.{}", random() % 20, random() % 250)).placed);
    REQUIRE(crowd.clients.count() <= 64);
    if (random() % 3 == 0) crowd.connections[random() % crowd.connections.size()]->close();
    std::erase_if(crowd.connections, [&](const auto& each) { return !each->placed && each.get() != &regular; });
    if (!regular.placed) regular.placed = crowd.clients.add(regular, *IpAddress::parse(regular.address));
  }
  CHECK(std::find(crowd.losers.begin(), crowd.losers.end(), regular.address) == crowd.losers.end());
  CHECK(crowd.losers.size() > 1000);
}

TEST_CASE("tcp clients: with nobody there, nobody is evicted") {
  TcpClients clients(1);
  CHECK_FALSE(clients.evict());
}
