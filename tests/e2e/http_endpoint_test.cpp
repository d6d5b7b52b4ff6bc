// The HTTP ports for those who watch the server, while somebody holds, and drips into, as many connections as they can.
#include <fcntl.h>
#include <poll.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <unistd.h>

#include <atomic>
#include <thread>

#include "core/descriptor.h"
#include "tests/support/server.h"

#include <catch2/catch.hpp>  // last: its CHECK is the one that counts here

namespace {

using namespace swage::tests;
using namespace std::chrono_literals;
using swage::Descriptor;

constexpr std::size_t kHeld = 5000;

// "200 …" and all that came; "" where there was no answer within `patience`.
std::string get(std::uint16_t port, const std::string& path, Milliseconds patience = 3s) {
  const TcpClient client(loopback(port));
  const std::string request = "GET " + path + " HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n";
  if (!client.connected() || !client.send_raw(swage::as_bytes(request))) return "";
  std::string text;
  char part[16384];
  while (true) {
    pollfd readable{client.descriptor(), POLLIN, 0};
    if (poll(&readable, 1, static_cast<int>(patience.count())) <= 0) return "";
    const ssize_t size = recv(client.descriptor(), part, sizeof part, 0);
    if (size < 0) return "";
    if (size == 0) return text.substr(std::min<std::size_t>(text.size(), 9));
    text.append(part, static_cast<std::size_t>(size));
  }
}

Descriptor connect_to(std::uint16_t port) {
  Descriptor socket(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0));
  sockaddr_storage address;
  const socklen_t size = loopback(port).to_sockaddr(address);
  if (connect(socket.get(), reinterpret_cast<const sockaddr*>(&address), size) != 0) return Descriptor();
  return socket;
}

bool is_open(const Descriptor& socket) {
  char byte = 0;
  return recv(socket.get(), &byte, 1, MSG_PEEK | MSG_DONTWAIT) < 0 && errno == EAGAIN;
}

// Holds connections without a request, or with a part of one; a client that is closed comes again at once.
class Holder {
 public:
  Holder(std::uint16_t port, std::size_t count) : port_(port), held_(count) {
    for (Descriptor& each : held_) renew(each);
    thread_ = std::thread([this] {
      while (!stopping_) {
        for (Descriptor& each : held_) {
          if (stopping_) return;
          if (!is_open(each)) renew(each);
        }
        std::this_thread::sleep_for(5ms);
      }
    });
  }
  ~Holder() {
    stopping_ = true;
    thread_.join();
  }
  Holder(const Holder&) = delete;
  Holder& operator=(const Holder&) = delete;
  [[nodiscard]] std::size_t renewed() const { return renewed_; }

 private:
  void renew(Descriptor& each) {
    each = connect_to(port_);
    if (++renewed_ % 2 == 0) static_cast<void>(send(each.get(), "GET / HTT", 9, MSG_NOSIGNAL));
  }

  std::uint16_t port_;
  std::vector<Descriptor> held_;
  std::atomic<bool> stopping_{false};
  std::atomic<std::size_t> renewed_{0};
  std::thread thread_;
};

}  // namespace

TEST_CASE("HTTP endpoints: answered while somebody holds thousands of connections") {
  rlimit files{};
  REQUIRE(getrlimit(RLIMIT_NOFILE, &files) == 0);
  files.rlim_cur = files.rlim_max;
  REQUIRE(setrlimit(RLIMIT_NOFILE, &files) == 0);
  const std::size_t count = std::min<std::size_t>(kHeld, files.rlim_cur / 2);
  for (const std::string plugin : {"prometheus", "health", "ready"}) {
    INFO(plugin);
    const std::string path = plugin == "prometheus" ? "/metrics" : "/" + plugin;
    const Server server("a.test {\n bind 127.0.0.1\n whoami\n " + plugin + " localhost:@PORT2@\n}\n");
    const Holder holder(server.second_port(), count);
    CHECK(holder.renewed() >= count);
    for (int i = 0; i < 20; ++i) CHECK(get(server.second_port(), path).starts_with("200 OK"));
    CHECK(server.ask({.name = "a.test.", .type = "A"}).rcode_text() == "NOERROR");
  }
}
