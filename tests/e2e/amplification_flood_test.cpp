// The limit of large answers in a server of several processes, with queries that come from where they do not: a network
// of the test's own, in which every address is this machine. Cookies outlive reloads and processes that are replaced.
#include <arpa/inet.h>
#include <signal.h>
#include <sys/socket.h>
#include <unistd.h>

#include <array>
#include <map>

#include <fmt/format.h>

#include "core/descriptor.h"
#include "tests/support/own_network.h"
#include "tests/support/server.h"

#include <catch2/catch.hpp>  // last: its CHECK is the one that counts here

using namespace swage;
using namespace swage::tests;

namespace {

constexpr std::string_view kCorefile = R"(example:@PORT@ {
    bind 127.0.0.1 192.0.2.53
    file tests/support/zones/rfc5155.zone
    prometheus 127.0.0.1:@PORT2@
}
)";

Packet attack() { return encode({.name = "a.c.x.w.example.", .type = "A", .opt = Opt{.flags = kDnssecOk}}); }

// A socket at that address and some port.
Descriptor socket_at(const std::string& address) {
  Descriptor made(socket(AF_INET, SOCK_DGRAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0));
  sockaddr_in at{};
  at.sin_family = AF_INET;
  REQUIRE(inet_pton(AF_INET, address.c_str(), &at.sin_addr) == 1);
  REQUIRE(bind(made.get(), reinterpret_cast<const sockaddr*>(&at), sizeof at) == 0);
  return made;
}

struct Traffic {
  std::size_t in = 0, out = 0, answers = 0;  // bytes, and messages
  std::size_t large = 0, large_bytes = 0;    // those of more than three times their question
};

void take_answers(const std::vector<Descriptor>& victims, Traffic& traffic, std::size_t question) {
  std::array<std::uint8_t, 4096> buffer;
  for (const Descriptor& each : victims) {
    for (ssize_t size; (size = recv(each.get(), buffer.data(), buffer.size(), 0)) > 0;) {
      traffic.out += static_cast<std::size_t>(size);
      ++traffic.answers;
      if (static_cast<std::size_t>(size) <= 3 * question) continue;
      ++traffic.large;
      traffic.large_bytes += static_cast<std::size_t>(size);
    }
  }
}

std::string cookie_of(const Server& server, const std::string& option) {
  const Decoded answer = server.ask({.name = "example.", .type = "SOA", .opt = Opt{.options = {{10, option}}}});
  REQUIRE(answer.opt);
  REQUIRE(answer.opt->option(10) != nullptr);
  return answer.opt->option(10)->data;
}

}  // namespace

TEST_CASE("amplification: a flood in others' names, against a server of two processes") {
  const auto network = OwnNetwork::enter();
  if (!network) return;
  const Server server(kCorefile, {.workers = 2});
  const Packet query = attack();
  std::vector<Descriptor> victims;  // many ports, so that the kernel spreads them over the processes
  for (int i = 0; i < 32; ++i) victims.push_back(socket_at(fmt::format("198.51.100.{}", i + 1)));
  sockaddr_storage to;
  const Endpoint endpoint{*IpAddress::parse("192.0.2.53"), server.port(), 0};
  const socklen_t size = endpoint.to_sockaddr(to);
  const auto begun = std::chrono::steady_clock::now();
  Traffic traffic;
  const auto is_limited = [&] { return server.metric("swage_large_answers_limited_total") > 0; };
  const auto last = begun + std::chrono::seconds(30);  // a slow machine needs longer until 500 in a second are answered
  for (int round = 0; round < 400 || (round % 100 != 0 || !is_limited()); ++round) {
    if (std::chrono::steady_clock::now() > last) break;
    for (const Descriptor& each : victims) {
      if (sendto(each.get(), query.data(), query.size(), 0, reinterpret_cast<const sockaddr*>(&to), size) > 0) {
        traffic.in += query.size();
      }
    }
    take_answers(victims, traffic, query.size());
  }
  const auto seconds = static_cast<std::size_t>(
      std::chrono::duration_cast<std::chrono::seconds>(std::chrono::steady_clock::now() - begun).count());
  INFO(fmt::format("{} bytes in, {} out; {} answers, {} large, in {} s", traffic.in, traffic.out, traffic.answers,
                   traffic.large, seconds));
  CHECK(traffic.large <= 750 * (seconds + 2));  // whole seconds of its clock; two processes
  CHECK(traffic.out - traffic.large_bytes <= 3 * traffic.in);
  CHECK(is_limited());
  const auto is_told = [&] {
    return server.log().find("large answers to the network of 198.51.100.") != std::string::npos;
  };
  CHECK(wait_until(is_told, kPatience));

  // Who is in that network is answered: by TC, and over TCP.
  const Descriptor honest = socket_at("198.51.100.200");
  const auto answered = [&] {
    static_cast<void>(
        sendto(honest.get(), query.data(), query.size(), 0, reinterpret_cast<const sockaddr*>(&to), size));
    std::array<std::uint8_t, 4096> buffer;
    return wait_until([&] { return recv(honest.get(), buffer.data(), buffer.size(), 0) > 12; }, Milliseconds(500));
  };
  CHECK(wait_until(answered, kPatience));
  const auto over_tcp = ask_tcp(endpoint, query);
  REQUIRE(over_tcp);
  CHECK(over_tcp->size() > 9 * query.size());
}

TEST_CASE("cookie: good over reloads, and whichever process is replaced") {
  Server server(R"(example:@PORT@ {
    bind 127.0.0.1
    file tests/support/zones/rfc5155.zone
}
)",
                {.workers = 2});
  const std::string cookie = cookie_of(server, "12345678");
  REQUIRE(cookie.size() == 24);
  const auto is_good = [&] {
    for (int i = 0; i < 8; ++i) {  // in both processes
      if (cookie_of(server, cookie) != cookie) return false;
    }
    return true;
  };
  CHECK(is_good());
  for (const char* const kind : {"@dns", "@service"}) {
    const pid_t victim = children(server.process().pid(), kind).front();
    kill(victim, SIGKILL);
    CHECK(wait_until(
        [&] {
          const auto now = children(server.process().pid(), kind);
          return !now.empty() && std::ranges::find(now, victim) == now.end() && (kind[1] == 's' || now.size() == 2);
        },
        Milliseconds(20000)));
    CHECK(wait_until(is_good, Milliseconds(20000)));
  }
  kill(server.process().pid(), SIGUSR1);
  REQUIRE(server.process().wait_for("Reloading complete", Milliseconds(60000)));
  CHECK(wait_until(is_good, Milliseconds(20000)));
}
