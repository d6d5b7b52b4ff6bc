// UDP and TCP as clients see them: addresses, limits, and what bad clients cannot do to others.
#include <sys/socket.h>

#include <deque>
#include <fstream>
#include <set>
#include <thread>

#include "tests/support/server.h"

#include <catch2/catch.hpp>

namespace {

using namespace swage::tests;
using namespace std::chrono_literals;

constexpr const char* kWildcard = R"(example.org {
    file zones/example.org
}
. {
    whoami
}
)";
const Question kSoa{.name = "example.org.", .type = "SOA"};

// Resident memory of all processes below `pid`, in kB.
std::uint64_t resident(pid_t pid) {
  std::uint64_t total = 0;
  std::ifstream children("/proc/" + std::to_string(pid) + "/task/" + std::to_string(pid) + "/children");
  for (pid_t child; children >> child;) total += resident(child);
  std::ifstream status("/proc/" + std::to_string(pid) + "/status");
  for (std::string line; std::getline(status, line);) {
    if (line.starts_with("VmRSS:")) total += std::stoull(line.substr(6));
  }
  return total;
}

}  // namespace

TEST_CASE("transport: a wildcard socket answers from the address that was asked") {
  const Server server(kWildcard, {.workers = 2});
  for (const char* const text : {"127.0.0.1", "127.0.0.2", "127.99.1.7", "::1"}) {
    INFO(text);
    const swage::Endpoint endpoint{*swage::IpAddress::parse(text), server.port(), 0};
    // Connected sockets: an answer from anywhere else does not arrive.
    const auto udp = ask_udp(endpoint, encode(kSoa));
    REQUIRE(udp);
    CHECK(decode(*udp)->answer.size() == 1);
    const auto tcp = ask_tcp(endpoint, encode(kSoa));
    REQUIRE(tcp);
    CHECK(decode(*tcp)->answer.size() == 1);
  }
}

TEST_CASE("transport: many queries of one client, answered whatever their order of arrival") {
  const Server server(kWildcard, {.workers = 2});
  const UdpClient client(server.endpoint());
  std::set<std::uint16_t> open;
  for (std::uint16_t id = 0; id < 200; ++id) {
    Question question = kSoa;
    question.id = id;
    client.send(encode(question));
    open.insert(id);
  }
  while (!open.empty()) {
    const auto answer = client.receive();
    REQUIRE(answer);
    CHECK(open.erase(decode(*answer)->id) == 1);
  }
}

TEST_CASE("transport: pipelined queries are answered in order, however the bytes are cut") {
  const Server server(kWildcard);
  for (const std::size_t piece : {1UL, 2UL, 3UL, 17UL, 1000UL, 100000UL}) {
    INFO(piece);
    Packet bytes;
    constexpr std::uint16_t kCount = 60;
    for (std::uint16_t id = 0; id < kCount; ++id) {
      Question question = kSoa;
      question.id = id;
      const Packet message = framed(encode(question));
      bytes.insert(bytes.end(), message.begin(), message.end());
    }
    TcpClient client(server.endpoint());
    REQUIRE(client.connected());
    for (std::size_t at = 0; at < bytes.size(); at += piece) {
      const std::size_t size = std::min(piece, bytes.size() - at);
      REQUIRE(client.send_raw(swage::Bytes(bytes).subspan(at, size)));
    }
    client.finish();
    for (std::uint16_t id = 0; id < kCount; ++id) {
      const auto answer = client.receive();
      REQUIRE(answer);
      CHECK(decode(*answer)->id == id);
    }
    CHECK(client.closed_within(2s));
  }
}

TEST_CASE("transport: no client has more than 256 connections to a worker, and others still have theirs") {
  const Server server(kWildcard, {.workers = 1});
  std::deque<TcpClient> clients;
  for (int i = 0; i < 256; ++i) {
    clients.emplace_back(server.endpoint());
    REQUIRE(clients.back().connected());
  }
  REQUIRE(clients.front().send(encode(kSoa)));
  CHECK(clients.front().receive());
  REQUIRE(clients.back().send(encode(kSoa)));
  CHECK(clients.back().receive());
  TcpClient one_more(server.endpoint());
  CHECK(one_more.closed_within(2s));
  const swage::Endpoint other{*swage::IpAddress::parse("::1"), server.port(), 0};  // from ::1, another client
  CHECK(ask_tcp(other, encode(kSoa)));
  clients.pop_back();
  CHECK(wait_until([&] { return ask_tcp(server.endpoint(), encode(kSoa), 500ms).has_value(); }, kPatience));
}

TEST_CASE("transport: idle connections, half requests and slow senders are cut off after 10 seconds") {
  const Server server(kWildcard);
  TcpClient idle(server.endpoint()), half(server.endpoint()), slow(server.endpoint()), busy(server.endpoint());
  const Packet query = framed(encode(kSoa));
  REQUIRE(half.send_raw(swage::Bytes(query).first(query.size() - 1)));
  const auto start = std::chrono::steady_clock::now();
  bool slow_open = true;
  std::size_t sent = 0;
  while (std::chrono::steady_clock::now() - start < 9s) {  // a byte now and then does not count as a request
    if (sent + 1 < query.size()) slow_open = slow_open && slow.send_raw(swage::Bytes(query).subspan(sent++, 1));
    REQUIRE(busy.send(encode(kSoa)));
    REQUIRE(busy.receive());
    std::this_thread::sleep_for(400ms);
  }
  CHECK(slow_open);
  CHECK(idle.closed_within(4s));
  CHECK(half.closed_within(4s));
  CHECK(slow.closed_within(4s));
  REQUIRE(busy.send(encode(kSoa)));
  CHECK(busy.receive());
}

TEST_CASE("transport: clients that ask and never read are cut off, cost little memory and delay nobody") {
  // What AddressSanitizer keeps of freed memory would be counted.
  Server server(kWildcard, {.workers = 1, .arguments = {}, .environment = {{"ASAN_OPTIONS", "quarantine_size_mb=1"}}});
  const std::uint64_t before = resident(server.process().pid());
  std::deque<TcpClient> greedy;
  Packet many;
  while (many.size() < 60000) {
    const Packet message = framed(encode({.name = "example.org.", .type = "ANY"}));
    many.insert(many.end(), message.begin(), message.end());
  }
  for (int i = 0; i < 20; ++i) {
    greedy.emplace_back(server.endpoint());
    const int flags = MSG_DONTWAIT | MSG_NOSIGNAL;
    for (int burst = 0; burst < 50; ++burst) {
      if (::send(greedy.back().descriptor(), many.data(), many.size(), flags) < 0) break;
    }
  }
  const auto start = std::chrono::steady_clock::now();
  CHECK(ask_udp(server.endpoint(), encode(kSoa)));
  CHECK(ask_tcp(server.endpoint(), encode(kSoa)));
  CHECK(std::chrono::steady_clock::now() - start < 10s);
  CHECK(resident(server.process().pid()) < before + 30'000);
}

TEST_CASE("transport: garbage of every size is survived") {
  const Server server(kWildcard);
  const UdpClient client(server.endpoint());
  std::uint32_t random = 1;
  Packet packet;
  for (std::size_t size = 0; size < 1400; size += 7) {
    packet.resize(size);
    for (std::uint8_t& byte : packet)
      byte = static_cast<std::uint8_t>((random = random * 1664525U + 1013904223U) >> 24);
    if (size > 2) packet[2] &= 0x7F;  // a query, so that it is looked at
    client.send(packet);
  }
  packet.resize(60000);
  client.send(packet);
  TcpClient tcp(server.endpoint());
  static_cast<void>(tcp.send_raw(packet));
  CHECK(ask_udp(server.endpoint(), encode(kSoa)));
  CHECK(ask_tcp(server.endpoint(), encode(kSoa)));
}
