// The Service with real sockets, but without the server around it: how it begins and ends. What it serves is
// tests/e2e/broker_test.cpp's.
#include "plugins/broker/broker.h"

#include <optional>

#include <fmt/format.h>

#include "core/async/testing.h"
#include "core/http/client.h"
#include "core/libp2p/peer_id_auth_client.h"
#include "core/shm/table.h"
#include "tests/support/loopback.h"

#include <catch2/catch.hpp>

using namespace swage;
using namespace std::chrono_literals;
using plugins::broker::Broker;

namespace {

struct OwnLoop {
  std::optional<async::Loop> own_loop{std::in_place};
};

class FakeHost : private OwnLoop, public Host {
 public:
  using Host::call_last;
  using Host::stop;
  void request_reload() override {}
  bool corefile_changed() override { return false; }
  std::optional<Descriptor> take_listening_socket(const Endpoint&) override {
    return std::exchange(socket_, std::nullopt);
  }

  [[nodiscard]] const Endpoint& endpoint() const { return endpoint_; }
  void destroy_loop() { own_loop.reset(); }
  void close_socket() { socket_.reset(); }

 private:
  std::optional<Descriptor> socket_;
  Endpoint endpoint_;

 public:
  FakeHost() : Host(*own_loop) {
    const auto [socket, at] = async::testing::listening_socket();
    socket_.emplace(socket);
    endpoint_ = at;
  }
};

struct Running {
  explicit Running(const std::string& secret_file = "") {
    REQUIRE(challenges.provide(*shm::Segment::create("test", shm::TableWriter::bytes_needed(10))));
    shm::TableWriter::format(challenges.writable_bytes(), 10, {});
    plugins::broker::Settings settings;
    settings.domain = "registration.example";
    settings.listen = {host.endpoint()};
    settings.secret_file = secret_file;
    settings.dial.policy = dial::AddressPolicy({*Prefix::parse("127.0.0.0/8")}, {});
    broker.emplace(std::move(settings), challenges, secret);
  }
  void start() { host.loop().spawn(keep(broker->run(host), result)); }
  // Until something that the test waits for.
  void run_for(std::chrono::milliseconds time) {
    async::Timer timer(host.loop(), [this] { host.loop().stop(); });
    timer.start(time);
    host.loop().run();
  }
  static async::Task<> keep(async::Task<Result<>> task, std::optional<Result<>>& result) {
    result.emplace(co_await std::move(task));
  }

  FakeHost host;
  shm::Shared challenges{"challenges"};
  shm::ServiceMemory secret{"broker secret"};
  std::optional<Broker> broker;
  std::optional<Result<>> result;
};

// Asks again and again, on one connection, until it ends; the last response.
async::Task<> ask(async::Loop& loop, Endpoint to, std::vector<std::string> requests,
                  std::optional<http::Response>& last) {
  async::TcpStream stream(loop);
  const Result<> connected = co_await stream.connect(to);
  if (!connected) co_return;
  for (std::string& request : requests) {
    Result<http::Received> received = co_await http::exchange(stream, std::move(request));
    if (!received) co_return;
    last = *std::move(received);
  }
}

const std::string kHealth = "GET /v1/health HTTP/1.1\r\nHost: x\r\n\r\n";

std::string registration(const std::string& authorization, const std::string& address) {
  const std::string body =
      R"({"value":"LoqXcYV8q5ONbJQxbmR7SCTNo3tiAXDfowyjxAjEuX0","addresses":[")" + address + "\"]}";
  return fmt::format(
      "POST /v1/_acme-challenge HTTP/1.1\r\nHost: registration.example\r\nAuthorization: {}\r\nContent-Length: "
      "{}\r\n\r\n{}",
      authorization, body.size(), body);
}

}  // namespace

TEST_CASE("broker: serves until it is stopped, and nothing is left") {
  Running running;
  REQUIRE(running.broker->prepare());
  running.start();
  std::optional<http::Response> response;
  running.host.loop().spawn(ask(running.host.loop(), running.host.endpoint(), {kHealth, kHealth}, response));
  running.run_for(50ms);
  REQUIRE(response);
  CHECK(response->status == 204);
  running.host.stop();
  running.host.loop().run();
  REQUIRE(running.result.has_value());
  CHECK(running.result->has_value());
  CHECK(running.host.loop().alive() == 0);
}

TEST_CASE("broker: stopped before it runs, or while it waits for its files") {
  Running early;
  REQUIRE(early.broker->prepare());
  early.host.stop();
  early.start();
  early.host.loop().run();
  CHECK((early.result && early.result->has_value()));

  Running waiting("/nowhere/secret");
  CHECK_FALSE(waiting.broker->prepare());
  waiting.start();
  waiting.run_for(20ms);
  CHECK_FALSE(waiting.result.has_value());
  waiting.host.stop();
  waiting.host.loop().run();
  CHECK((waiting.result && waiting.result->has_value()));
}

TEST_CASE("broker: files that come later, after a service process has died, are enough") {
  const tests::Folder folder;
  Running running(folder.file("secret"));
  CHECK_FALSE(running.broker->prepare());
  running.start();
  static_cast<void>(folder.write("secret", std::string(32, 's')));
  std::optional<http::Response> response;
  running.host.loop().spawn(ask(running.host.loop(), running.host.endpoint(), {kHealth}, response));
  for (int i = 0; i < 100 && !response; ++i) running.run_for(100ms);
  REQUIRE(response);
  CHECK(response->status == 204);
  running.host.stop();
  running.host.loop().run();
}

TEST_CASE("broker: without a socket it says so") {
  Running running;
  REQUIRE(running.broker->prepare());
  running.host.close_socket();
  running.start();
  running.host.loop().run();
  REQUIRE(running.result.has_value());
  CHECK(running.result->error().text() == "registration.example: no socket to listen on");
}

// A registration whose dials nobody answers.
struct Dialled {
  explicit Dialled(Running& running, int registrations) {
    async::Loop& loop = running.host.loop();
    auto listening = async::TcpListener::listen(
        loop, async::testing::loopback(),
        [this](std::unique_ptr<async::TcpStream> stream) { held.push_back(std::move(stream)); });
    REQUIRE(listening);
    silent = *std::move(listening);
    const auto key = libp2p::PrivateKey::from_seed(std::vector<std::uint8_t>(32, 1));
    libp2p::PeerIdAuthClient client(
        key, {libp2p::PeerIdAuthClient::Flow::client_initiated, "registration.example", std::string(44, 'c')});
    std::optional<http::Response> challenge;
    loop.spawn(ask(loop, running.host.endpoint(), {registration(client.first(), "")}, challenge));
    running.run_for(50ms);
    REQUIRE((challenge && challenge->status == 401));
    const std::string authorization = *client.second(*challenge->fields.find("WWW-Authenticate"));
    const std::string address = fmt::format("/ip4/127.0.0.1/tcp/{}", silent->local().port);
    for (int i = 0; i < registrations; ++i) {
      loop.spawn(ask(loop, running.host.endpoint(), {registration(authorization, address)}, response));
    }
    running.run_for(100ms);
    CHECK(held.size() == static_cast<std::size_t>(registrations));
    CHECK_FALSE(response);
  }
  void hang_up() {
    held.clear();
    silent.reset();
  }

  std::vector<std::unique_ptr<async::TcpStream>> held;
  std::unique_ptr<async::TcpListener> silent;
  std::optional<http::Response> response;  // the last one
};

TEST_CASE("broker: when it is stopped it finishes registrations, until the last call") {
  Running running;
  REQUIRE(running.broker->prepare());
  running.start();
  Dialled dialled(running, 2);
  running.host.stop();
  running.run_for(200ms);
  CHECK_FALSE(running.result.has_value());
  CHECK_FALSE(dialled.response);
  running.host.call_last();
  running.run_for(1000ms);
  REQUIRE(running.result.has_value());
  CHECK(running.result->has_value());
  REQUIRE(dialled.response);
  CHECK(dialled.response->status == 503);
  CHECK(dialled.response->fields.find("Retry-After") == "1");
  dialled.hang_up();
  running.host.loop().run();
  CHECK(running.host.loop().alive() == 0);
}

TEST_CASE("broker: destroyed in the middle of registrations, with its loop or before it") {
  const bool loop_first = GENERATE(false, true);
  Running running;
  REQUIRE(running.broker->prepare());
  running.start();
  Dialled dialled(running, 5);
  dialled.hang_up();
  if (!loop_first) running.broker.reset();
  running.host.destroy_loop();
}
