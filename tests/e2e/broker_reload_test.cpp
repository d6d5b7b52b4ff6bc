// Registrations that are under way when the server reloads or ends.
#include <signal.h>

#include <optional>

#include <fmt/format.h>

#include "core/async/testing.h"
#include "tests/support/broker/nodes.h"
#include "tests/support/broker/registrar.h"
#include "tests/support/server.h"

#include <catch2/catch.hpp>  // last: its CHECK is the one that counts here

namespace {

using namespace swage;
using namespace swage::tests;
using namespace std::chrono_literals;

const std::string kDomain = "registration.libp2p.direct";
constexpr auto kSilence = 5s;  // of a dial with what says nothing

const std::string kCorefile =
    "libp2p.direct {\n bind 127.0.0.1\n errors\n acme-txt\n"
    " broker registration.libp2p.direct {\n  listen 127.0.0.1:@PORT2@\n  tls off\n"
    "  dial {\n   concurrency 1\n   allow 127.0.0.0/8\n  }\n }\n}\n";

// A registration that takes its time: the broker dials one address after the other, and those that come first are
// silent. `signal` is sent as soon as it is dialled, and then `next` as soon as the log has `said`.
struct Registration {
  async::Loop loop;
  std::vector<std::unique_ptr<async::TcpStream>> held;
  std::unique_ptr<async::TcpListener> silent = *async::TcpListener::listen(
      loop, Endpoint{}, [this](std::unique_ptr<async::TcpStream> stream) { held.push_back(std::move(stream)); });
  Server server{kCorefile};
  Nodes nodes{loop};
  std::vector<std::string> addresses;

  [[nodiscard]] std::string silent_address(int number) const {
    return fmt::format("/ip4/127.0.0.{}/tcp/{}", number, silent->local().port);
  }

  http::Response run(int signal, std::string_view said = "", int next = 0) {
    Registrar registrar(loop, {*IpAddress::parse("127.0.0.1"), server.second_port(), 0}, kDomain);
    const libp2p::PrivateKey key = Nodes::key(0);
    std::optional<http::Response> response;
    int steps = 0;
    async::Timer watch(loop, [&] {
      if (steps == 0 && !held.empty()) {
        server.process().signal(signal);
        ++steps;
      } else if (steps == 1 && next != 0 && server.log().find(said) != std::string::npos) {
        server.process().signal(next);
        ++steps;
      }
      if (response) {
        loop.stop();
      } else {
        watch.start(10ms);
      }
    });
    watch.start(10ms);
    loop.spawn(
        async::testing::keep(registrar.registers(key, registration_body(challenge_value(1), addresses)), response));
    const auto began = std::chrono::steady_clock::now();
    loop.run();
    took = std::chrono::steady_clock::now() - began;
    REQUIRE(response);
    return *response;
  }
  std::chrono::steady_clock::duration took{};
};

constexpr std::string_view kDone = "Reloading complete";

}  // namespace

TEST_CASE("broker: a reload lets registrations finish that are dialled for long") {
  Registration registration;
  for (int i = 1; i <= 2; ++i) registration.addresses.push_back(registration.silent_address(i));
  registration.addresses.push_back(registration.nodes.address(0));
  const auto response = registration.run(SIGUSR1);
  CHECK(response.status == 200);
  CHECK(registration.took > 2 * kSilence - 1s);
  const std::string log = registration.server.log();
  REQUIRE(log.find(kDone) != std::string::npos);
  CHECK(log.find(kDone) < log.find(": 200 after"));
  const std::string label = Nodes::key(0).public_key().peer_id().to_base36();
  const Decoded answer =
      registration.server.ask({.name = "_acme-challenge." + label + ".libp2p.direct.", .type = "TXT"});
  REQUIRE(answer.answer.size() == 1);
  CHECK(answer.answer[0].ends_with('"' + challenge_value(1) + '"'));
}

TEST_CASE("broker: the end of the server tells registrations to come again, also behind a reload") {
  const bool reloaded = GENERATE(false, true);
  Registration registration;
  for (int i = 1; i <= 32; ++i) registration.addresses.push_back(registration.silent_address(i));
  const auto response = reloaded ? registration.run(SIGUSR1, kDone, SIGTERM) : registration.run(SIGTERM);
  CHECK(response.status == 503);
  CHECK(response.fields.find("Retry-After") == "1");
  CHECK(response.fields.find("Connection") == "close");
  CHECK(response.fields.count("Authentication-Info") == 1);
  CHECK(registration.took < 12s);
}
