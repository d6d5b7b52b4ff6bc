// Two servers with one secret are one broker: any of them finishes what the other began, and knows its bearers, also
// when they were started anew in between.
#include <atomic>
#include <memory>
#include <optional>
#include <thread>

#include "core/async/event.h"
#include "core/async/testing.h"
#include "core/crypto/random.h"
#include "core/libp2p/peer_id_auth_client.h"
#include "tests/support/broker/nodes.h"
#include "tests/support/broker/registrar.h"
#include "tests/support/server.h"

#include <catch2/catch.hpp>  // last: its CHECK is the one that counts here

namespace {

using namespace swage;
using namespace swage::tests;

constexpr const char* kHost = "registration.libp2p.direct";

std::string corefile(const std::string& secret) {
  return "libp2p.direct {\n    bind 127.0.0.1\n    errors\n    acme-txt\n"
         "    broker registration.libp2p.direct {\n        listen 127.0.0.1:@PORT2@\n        tls off\n"
         "        secret " +
         secret +
         "\n        dial {\n            allow 127.0.0.0/8\n        }\n    }\n    file zones/libp2p.direct\n}\n";
}

async::Task<http::Response> post_and_close(Registrar& registrar, std::string authorization, std::string body) {
  http::Response response = co_await registrar.post(std::move(authorization), std::move(body));
  registrar.close();
  co_return response;
}

// A broker, and one request at a time to it.
struct Broker {
  Broker(async::Loop& on, const std::string& secret) : text(corefile(secret)), loop(on) { start(); }
  void start() { server = std::make_unique<Server>(text); }
  void restart() {
    server.reset();
    start();
  }

  http::Response post(const std::string& authorization, const std::string& body) {
    Registrar registrar(loop, loopback(server->second_port()), kHost);
    return async::testing::run(loop, post_and_close(registrar, authorization, body));
  }
  std::string served(const libp2p::PrivateKey& key) {
    const Decoded answer = server->ask(
        {.name = "_acme-challenge." + key.public_key().peer_id().to_base36() + ".libp2p.direct.", .type = "TXT"});
    return answer.answer.empty() ? "" : answer.answer[0];
  }

  std::string text;
  async::Loop& loop;
  std::unique_ptr<Server> server;
};

std::string field(const http::Response& response, std::string_view name) {
  return std::string(response.fields.find(name).value_or(""));
}

libp2p::PeerIdAuthClient client_of(const libp2p::PrivateKey& key, libp2p::PeerIdAuthClient::Flow flow) {
  crypto::SystemRandom random;
  libp2p::PeerIdAuthClient::Dialect dialect;
  dialect.flow = flow;
  dialect.hostname = kHost;
  dialect.challenge_server = libp2p::PeerIdAuthClient::base64_challenge(random);
  if (flow == libp2p::PeerIdAuthClient::Flow::server_initiated) {
    dialect.order = {"public-key", "opaque", "challenge-server", "sig"};
  }
  return {key, std::move(dialect)};
}

async::Task<> stop_when(async::Loop& loop, const std::atomic<bool>& over) {
  while (!over) co_await async::sleep(loop, std::chrono::milliseconds(10));
  loop.stop();
}

}  // namespace

TEST_CASE("two brokers with one secret: leg 1 here, leg 2 there, the bearer anywhere") {
  using Flow = libp2p::PeerIdAuthClient::Flow;
  const Folder folder;
  const std::string secret = folder.write("secret", std::string(40, 's') + "\n");
  async::Loop loop;
  Broker here(loop, secret), there(loop, secret);
  // The node's listener keeps a loop alive for ever: it has one of its own, and a thread.
  async::Loop node_loop;
  Nodes nodes(node_loop);
  std::atomic<bool> over{false};
  std::thread node([&] {
    node_loop.spawn(stop_when(node_loop, over));
    node_loop.run();
  });

  std::uint32_t number = 0;
  for (const Flow flow : {Flow::client_initiated, Flow::server_initiated}) {
    const libp2p::PrivateKey key = Nodes::key(number);
    const auto body = [&](std::uint32_t value) {
      return registration_body(challenge_value(value), {nodes.address(number)});
    };
    libp2p::PeerIdAuthClient client = client_of(key, flow);
    const http::Response challenge = here.post(client.first(), "");
    REQUIRE(challenge.status == 401);
    here.restart();
    there.restart();
    const auto authorization = client.second(field(challenge, "WWW-Authenticate"));
    REQUIRE(authorization);
    const http::Response done = there.post(*authorization, body(1));
    CHECK(done.status == 200);
    CHECK(there.served(key).find(challenge_value(1)) != std::string::npos);
    REQUIRE(client.finish(field(done, "Authentication-Info")));

    CHECK(here.post(client.later(), body(2)).status == 200);
    CHECK(here.served(key).find(challenge_value(2)) != std::string::npos);
    CHECK(there.post(client.later(), body(3)).status == 200);
    here.restart();
    CHECK(here.post(client.later(), body(4)).status == 200);
    ++number;
  }

  // Another secret: a stranger.
  const std::string other = folder.write("other", std::string(40, 'o') + "\n");
  Broker stranger(loop, other);
  const libp2p::PrivateKey key = Nodes::key(7);
  libp2p::PeerIdAuthClient client = client_of(key, Flow::client_initiated);
  const http::Response challenge = here.post(client.first(), "");
  const auto authorization = client.second(field(challenge, "WWW-Authenticate"));
  REQUIRE(authorization);
  const http::Response refused = stranger.post(*authorization, registration_body(challenge_value(1), {}));
  CHECK(refused.status == 401);
  CHECK(refused.fields.count("WWW-Authenticate") == 1);

  over = true;
  node.join();
}
