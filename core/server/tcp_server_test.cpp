// What the Corefile says of TCP connections (TcpLimits). The server's own limits: tests/e2e/transport_test.cpp.
#include "core/server/tcp_server.h"

#include <sys/socket.h>

#include <atomic>
#include <thread>

#include "core/server/sockets.h"
#include "tests/support/dns_message.h"
#include "tests/support/loopback.h"

#include <catch2/catch.hpp>  // last: its CHECK is the one that counts here

namespace {

using namespace swage;
using namespace swage::tests;
using namespace std::chrono_literals;

// A TCP server without zones, in a thread of its own: it refuses whatever it is asked.
class Running {
 public:
  explicit Running(const TcpLimits& limits) {
    router_.tcp = limits;
    auto sockets = server::open_sockets(port_.v4(), 1);
    REQUIRE(sockets);
    Descriptor socket = std::move(sockets->tcp[0]);
    thread_ = std::thread([this, socket = std::move(socket)]() mutable { run(std::move(socket)); });
  }
  ~Running() {
    stop_ = true;
    thread_.join();
  }
  Running(const Running&) = delete;
  Running& operator=(const Running&) = delete;

  [[nodiscard]] Endpoint endpoint() const { return port_.v4(); }

 private:
  void run(Descriptor socket) {
    async::Loop loop;
    server::Responder responder;
    server::TcpTurns turns(loop, responder);
    server::TcpServer server(turns, std::move(socket), router_);
    async::Timer look(loop, [&] {
      if (stop_) server.drain(), server.close();
      if (stop_ && server.sessions() == 0) return loop.stop();
      look.start(10ms);
    });
    look.start(10ms);
    loop.run();
  }

  Port port_;
  server::Router router_;
  std::atomic<bool> stop_{false};
  std::thread thread_;
};

const Packet kQuery = encode({.name = "example.org.", .type = "SOA"});

bool answers(TcpClient& client) { return client.send(kQuery) && client.receive().has_value(); }

// How long it takes until the server closes, in rounded seconds; -1 where it is more than 5.
int seconds_until_closed(TcpClient& client) {
  const auto start = std::chrono::steady_clock::now();
  if (!client.closed_within(5s)) return -1;
  return static_cast<int>(std::chrono::round<std::chrono::seconds>(std::chrono::steady_clock::now() - start).count());
}

}  // namespace

TEST_CASE("tcp limits: idle") {
  const Running server({.idle = 2s, .read = {}, .write = {}, .most_requests = {}});
  TcpClient client(server.endpoint()), silent(server.endpoint());
  for (int i = 0; i < 5; ++i) {
    CHECK(answers(client));
    std::this_thread::sleep_for(500ms);
  }
  const int closed = seconds_until_closed(client);
  CHECK(closed >= 0);
  CHECK(closed <= 4);
  CHECK(silent.closed_within(1s));
}

TEST_CASE("tcp limits: read is for a whole request, idle for what is between") {
  const Running server({.idle = 3600s, .read = 1s, .write = {}, .most_requests = {}});
  TcpClient client(server.endpoint()), half(server.endpoint()), silent(server.endpoint());
  CHECK(answers(client));
  CHECK(answers(half));
  const Packet query = [] {
    Packet framed = {0, static_cast<std::uint8_t>(kQuery.size())};
    framed.insert(framed.end(), kQuery.begin(), kQuery.end());
    return framed;
  }();
  std::size_t sent = 0;
  bool open = true;
  for (int i = 0; i < 30 && open; ++i) {  // parts do not begin the time anew
    open = half.send_raw(Bytes(query).subspan(sent++, 1));
    std::this_thread::sleep_for(100ms);
    open = open && !half.closed_within(0ms);
  }
  CHECK_FALSE(open);
  CHECK(sent >= 8);
  CHECK(silent.closed_within(2s));
  CHECK(answers(client));  // for as long as that
}

TEST_CASE("tcp limits: write") {
  const Running server({.idle = 3600s, .read = 3600s, .write = 1s, .most_requests = {}});
  TcpClient client(server.endpoint());
  const timeval patience{0, 300'000};
  setsockopt(client.descriptor(), SOL_SOCKET, SO_SNDTIMEO, &patience, sizeof patience);
  Packet many;
  for (int i = 0; i < 1000; ++i) {
    many.push_back(0);
    many.push_back(static_cast<std::uint8_t>(kQuery.size()));
    many.insert(many.end(), kQuery.begin(), kQuery.end());
  }
  const auto start = std::chrono::steady_clock::now();
  while (::send(client.descriptor(), many.data(), many.size(), MSG_NOSIGNAL) > 0 &&
         std::chrono::steady_clock::now() - start < 20s) {
  }
  // Nobody reads: the server's writes are stuck until the time has passed.
  bool closed = false;
  for (int i = 0; i < 50 && !closed; ++i) {
    std::this_thread::sleep_for(100ms);
    closed = ::send(client.descriptor(), many.data(), 1, MSG_NOSIGNAL | MSG_DONTWAIT) < 0 &&
             (errno == EPIPE || errno == ECONNRESET);
  }
  CHECK(closed);
}

TEST_CASE("tcp limits: so many requests, then it closes") {
  const Running server({.idle = {}, .read = {}, .write = {}, .most_requests = 3});
  TcpClient pipelining(server.endpoint()), other(server.endpoint());
  for (int i = 0; i < 5; ++i) static_cast<void>(pipelining.send(kQuery));
  int received = 0;
  while (pipelining.receive(2s)) ++received;
  CHECK(received <= 3);  // those behind may cost it the last ones: the connection is reset
  for (int i = 0; i < 3; ++i) CHECK(answers(other));
  CHECK(other.closed_within(2s));
}

TEST_CASE("tcp limits: the idle time is in the keepalive option") {
  const Running server({.idle = 25s, .read = {}, .write = {}, .most_requests = {}});
  TcpClient client(server.endpoint());
  REQUIRE(client.send(encode({.name = "example.org.", .type = "SOA", .opt = Opt{.options = {{11, ""}}}})));
  const auto answer = client.receive();
  REQUIRE(answer);
  const auto decoded = decode(*answer);
  REQUIRE(decoded);
  REQUIRE(decoded->opt->option(11) != nullptr);
  CHECK(decoded->opt->option(11)->data == std::string("\0\xFA", 2));
}
