// Registrations over loopback: against a broker that only authenticates, and against servers that do it wrong.
#include "core/peer/registration.h"

#include <chrono>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include <fmt/format.h>

#include "core/async/tls_testing.h"
#include "core/crypto/testing.h"
#include "core/http/server.h"
#include "core/libp2p/key_vectors.h"
#include "core/libp2p/peer_id_auth.h"

#include "core/async/testing.h"  // last: Catch's CHECK is the one that counts here

using namespace swage;
using namespace std::chrono_literals;
using async::Loop;
using async::Task;
using async::testing::listening_socket;
using crypto::testing::SeededRandom;
using libp2p::PeerIdAuth;
using peer::Registration;
using peer::RegistrationError;
using peer::Url;
using Outcome = std::expected<void, RegistrationError>;

namespace {

const std::string kDomain = "registration.libp2p.direct";

// What the broker saw.
struct Seen {
  http::Request request;
  std::optional<libp2p::PeerId> peer;
};

struct Script {
  std::string text{};     // of the first response
  unsigned status = 200;  // of the last
  bool mute = false;      // it never answers
};

class Broker {
 public:
  explicit Broker(Loop& loop, Script script = {}, std::optional<async::TlsContext> tls = std::nullopt)
      : script_(std::move(script)), server_(loop, {}, [this](http::Request request, http::Caller& caller) {
          return answer(std::move(request), caller);
        }) {
    const auto [fd, at] = listening_socket();
    server_.use(std::move(tls));
    server_.listen(fd);
    endpoint_ = at;
  }

  [[nodiscard]] std::uint16_t port() const { return endpoint_.port; }
  void close() { server_.close(); }

  std::vector<Seen> seen;

 private:
  Task<http::Response> answer(http::Request request, http::Caller& caller) {
    if (script_.mute) co_await caller.gone.wait();
    const std::string authorization(request.fields.find("Authorization").value_or(""));
    const std::string host(request.fields.find("Host").value_or(""));
    const auto answer = auth_.answer({authorization, host}, libp2p::AuthTime(1'750'000'000'123ms), random_);
    http::Response response;
    response.status = 401;
    seen.push_back({std::move(request), std::nullopt});
    if (const auto* const challenge = std::get_if<PeerIdAuth::Challenge>(&answer)) {
      response.fields.add("WWW-Authenticate", challenge->www_authenticate);
      response.body = script_.text;
    } else if (const auto* const done = std::get_if<PeerIdAuth::Authenticated>(&answer)) {
      response.status = script_.status;
      response.fields.add("Authentication-Info", done->authentication_info);
      if (response.status != 200) response.body = "no such luck";
      seen.back().peer = done->peer;
    }
    co_return response;
  }

  Script script_;
  http::Server server_;
  Endpoint endpoint_;
  PeerIdAuth auth_{crypto::Secret::copy_of(std::vector<std::uint8_t>(32, 7)), {kDomain}};
  SeededRandom random_{1};
};

const libp2p::PrivateKey& key() {
  static const auto made = libp2p::PrivateKey::from_seed(std::vector<std::uint8_t>(32, 2));
  return made;
}

Registration registration(std::uint16_t port, std::string_view dialect = "go", std::string_view scheme = "http") {
  Registration made;
  made.broker = Url::parse(fmt::format("{}://127.0.0.1:{}", scheme, port)).value();
  made.submission = {made.broker.with_host(kDomain).value(),
                     "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA",
                     {"/ip4/0.0.0.0/tcp/4001"},
                     ""};
  made.dialect = peer::find_dialect(dialect);
  made.timeout = 5s;
  return made;
}

Task<> finish(Task<Outcome> task, std::optional<Outcome>& outcome, Loop& loop) {
  outcome.emplace(co_await std::move(task));
  loop.stop();
}

Outcome run(Loop& loop, Registration made) {
  SeededRandom random(3);
  std::optional<Outcome> outcome;
  loop.spawn(finish(peer::register_value(loop, key(), std::move(made), random), outcome, loop));
  loop.run();
  REQUIRE(outcome.has_value());
  return *outcome;
}

std::string text_of(const Outcome& outcome) {
  if (outcome) return "done";
  return (outcome.error().kind() == RegistrationError::Kind::refused ? "refused: " : "network: ") +
         outcome.error().text();
}

// Says `text` to whoever connects, after it has read something, and closes.
class Talker {
 public:
  Talker(Loop& loop, std::string text, bool reads = true) : text_(std::move(text)), reads_(reads) {
    listener_ = async::TcpListener::listen(loop, async::testing::loopback(), [this, &loop](auto stream) {
                  loop.spawn(talk(std::move(stream), text_, reads_));
                }).value();
  }
  [[nodiscard]] std::uint16_t port() const { return listener_->local().port; }

 private:
  static Task<> talk(std::unique_ptr<async::TcpStream> stream, std::string text, bool reads) {
    std::array<std::uint8_t, 4096> buffer;
    if (reads) static_cast<void>(co_await stream->read(buffer));
    if (!text.empty()) static_cast<void>(co_await stream->write(as_bytes(text)));
    stream->close();
  }

  std::string text_;
  bool reads_;
  std::unique_ptr<async::TcpListener> listener_;
};

}  // namespace

TEST_CASE("registration: every client, over a connection that is kept or not") {
  for (const auto& dialect : peer::dialects()) {
    for (const char* const text : {"", "unauthorized"}) {
      INFO(dialect.name << " " << text);
      Loop loop;
      Broker broker(loop, {.text = text});
      CHECK(text_of(run(loop, registration(broker.port(), dialect.name))) == "done");
      REQUIRE(broker.seen.size() == 2);
      CHECK(broker.seen[1].request.method == "POST");
      CHECK(broker.seen[1].peer == key().public_key().peer_id());
      // 0.0.0.0 is announced as where the connection came from.
      CHECK(broker.seen[1].request.body.find("/ip4/127.0.0.1/tcp/4001") != std::string::npos);
      broker.close();
      loop.run();
    }
  }
}

TEST_CASE("registration: refused by the broker") {
  for (const auto& dialect : peer::dialects()) {
    INFO(dialect.name);
    Loop loop;
    Broker broker(loop, {.status = 403});
    CHECK(text_of(run(loop, registration(broker.port(), dialect.name))) == "refused: 403 no such luck");
    broker.close();
    loop.run();
  }
}

TEST_CASE("registration: over TLS, with the name that the client believes in") {
  Loop loop;
  const auto authority = async::testing::make_tls_identity("");
  const auto identity = async::testing::make_tls_identity("DNS:" + kDomain, &authority);
  const auto server = async::TlsContext::server(identity.certificate_pem, identity.key_pem, {"http/1.1"});
  REQUIRE(server);
  Broker broker(loop, {}, *server);
  const auto trusting = async::TlsContext::client(authority.certificate_pem, {"http/1.1"});
  REQUIRE(trusting);
  for (const auto& dialect : peer::dialects()) {
    INFO(dialect.name);
    Registration made = registration(broker.port(), dialect.name, "https");
    made.tls = *trusting;
    CHECK(text_of(run(loop, std::move(made))) == "done");
  }

  Registration other = registration(broker.port(), "go", "https");
  other.tls = *trusting;
  other.submission.url = other.broker.with_host("other.example").value();
  CHECK(text_of(run(loop, std::move(other))).starts_with("network: 127.0.0.1:"));

  const auto system = async::TlsContext::client("", {"http/1.1"});
  REQUIRE(system);
  Registration distrusting = registration(broker.port(), "go", "https");
  distrusting.tls = *system;
  CHECK(text_of(run(loop, std::move(distrusting))).starts_with("network: 127.0.0.1:"));
  broker.close();
  loop.run();
}

TEST_CASE("registration: nobody there") {
  Loop loop;
  const auto [fd, at] = listening_socket();
  ::close(fd);
  CHECK(text_of(run(loop, registration(at.port))).starts_with("network: 127.0.0.1:"));
}

TEST_CASE("registration: a node without an address that the broker could dial") {
  Loop loop;
  Broker broker(loop);
  Registration made = registration(broker.port());
  made.submission.addresses = {"/ip6/::/tcp/4001"};
  const std::string text = text_of(run(loop, std::move(made)));
  CHECK(text == "refused: 127.0.0.1:" + std::to_string(broker.port()) +
                    " was reached over IPv4, and the node has no address of that kind: listen on one, or announce one");
  broker.close();
  loop.run();
}

TEST_CASE("registration: no answer in time") {
  Loop loop;
  Broker broker(loop, {.mute = true});
  Registration made = registration(broker.port());
  made.timeout = 100ms;
  CHECK(text_of(run(loop, std::move(made))) == "network: not done in 100 ms");
  broker.close();
  loop.run();
}

TEST_CASE("registration: servers that are none") {
  const std::string challenge =
      "HTTP/1.1 401 Unauthorized\r\nContent-Length: 0\r\nWWW-Authenticate: libp2p-PeerID x=\"y\"\r\n\r\n";
  struct Row {
    std::string text;
    const char* expected;  // how the outcome begins
  };
  const Row kRows[] = {
      {"", "network: 127.0.0.1:"},
      {"SSH-2.0-OpenSSH\r\n", "network: 127.0.0.1:"},
      {"HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nab", "network: 127.0.0.1:"},
      {"HTTP/1.1 401 Unauthorized\r\n", "network: 127.0.0.1:"},
      {"HTTP/1.1 404 Not Found\r\nContent-Length: 4\r\n\r\nnope",
       "refused: no challenge (WWW-Authenticate) in the response: 404 nope"},
      {challenge, "refused: the broker's challenge: challenge-client, public-key or opaque is missing"},
      {std::string(100'000, 'x'), "network: 127.0.0.1:"},
  };
  for (const Row& row : kRows) {
    for (const bool reads : {true, false}) {
      if (!reads && !row.text.empty()) continue;  // its answer may be lost when it closes
      INFO(row.text.substr(0, 60));
      Loop loop;
      Talker talker(loop, row.text, reads);
      const std::string outcome = text_of(run(loop, registration(talker.port())));
      CHECK(outcome.substr(0, std::string_view(row.expected).size()) == row.expected);
    }
  }
}

TEST_CASE("registration: a loop that ends in the middle of it") {
  for (int turns = 0; turns < 8; ++turns) {
    Loop loop;
    Broker broker(loop);
    SeededRandom random(3);
    std::optional<Outcome> outcome;
    loop.spawn(finish(peer::register_value(loop, key(), registration(broker.port(), "nim"), random), outcome, loop));
    async::Timer stop(loop, [&] { loop.stop(); });
    stop.start(std::chrono::milliseconds(turns));
    loop.run();
  }
}

TEST_CASE("registration: addresses that say nothing") {
  const IpAddress v4 = IpAddress::parse("192.0.2.1").value(), v6 = IpAddress::parse("2001:db8::1").value();
  const std::vector<std::string> addresses = {"/ip4/0.0.0.0/tcp/1", "/ip6/::/tcp/2/ws", "/ip4/198.51.100.1/tcp/3",
                                              "/some-new/thing", "/ip4/0.0.0.0"};
  CHECK(peer::specified(addresses, v4) == std::vector<std::string>{"/ip4/192.0.2.1/tcp/1", "/ip4/198.51.100.1/tcp/3",
                                                                   "/some-new/thing", "/ip4/192.0.2.1"});
  CHECK(peer::specified(addresses, v6) ==
        std::vector<std::string>{"/ip6/2001:db8::1/tcp/2/ws", "/ip4/198.51.100.1/tcp/3", "/some-new/thing"});
}

TEST_CASE("registration: a broker is reached where something is left to be dialled") {
  const IpAddress v4 = IpAddress::parse("192.0.2.1").value(), v6 = IpAddress::parse("2001:db8::1").value();
  const std::vector<IpAddress> v4_first = {v4, v6}, v6_first = {v6, v4};
  CHECK(peer::preferred(v6_first, {"/ip4/0.0.0.0/tcp/1"}) == v4_first);
  CHECK(peer::preferred(v4_first, {"/ip4/0.0.0.0/tcp/1"}) == v4_first);
  CHECK(peer::preferred(v4_first, {"/ip6/::/tcp/1"}) == v6_first);
  CHECK(peer::preferred(v6_first, {"/ip4/0.0.0.0/tcp/1", "/ip6/::/tcp/1"}) == v6_first);
  CHECK(peer::preferred(v6_first, {"/ip4/198.51.100.1/tcp/1"}) == v6_first);
  CHECK(peer::preferred(v6_first, {}) == v6_first);
  CHECK(peer::preferred({v6}, {"/ip4/0.0.0.0/tcp/1"}) == std::vector<IpAddress>{v6});
}
