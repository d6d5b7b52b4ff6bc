// The broker in a real server, over real sockets: the requests of each client there is, byte by byte, over TLS and
// without; what survives reloads and deaths; certificates that are renewed.
#include <signal.h>
#include <sys/stat.h>

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <optional>

#include <fmt/format.h>

#include "core/async/testing.h"
#include "core/async/tls.h"
#include "core/async/tls_testing.h"
#include "core/http/client.h"
#include "core/libp2p/peer_id_auth_client.h"
#include "core/peer/handshake.h"
#include "tests/support/broker/nodes.h"
#include "tests/support/broker/registrar.h"
#include "tests/support/server.h"

#include <catch2/catch.hpp>  // last: its CHECK is the one that counts here

namespace {

using namespace swage;
using namespace swage::tests;
using namespace std::chrono_literals;
using async::testing::make_tls_identity;

constexpr std::string_view kDomain = "registration.libp2p.direct";
constexpr Milliseconds kLong{20000};

std::string corefile(std::string_view broker, std::string_view store = "") {
  return fmt::format(
      "libp2p.direct {{\n bind 127.0.0.1\n errors\n acme-txt {{\n  store memory {}\n }}\n"
      " broker {} {{\n  listen 127.0.0.1:@PORT2@\n  limit peer off\n  dial {{\n   timeout 15s\n   allow 127.0.0.0/8\n  "
      "}}\n"
      "{}\n }}\n file zones/libp2p.direct\n}}\n",
      store, kDomain, broker);
}

// Runs the loop until `task` is finished, whatever else it has to do.
template <typename T>
async::Task<> keep_and_stop(async::Loop& loop, async::Task<T> task, std::optional<T>& result) {
  result.emplace(co_await std::move(task));
  loop.stop();
}
template <typename T>
T finish(async::Loop& loop, async::Task<T> task) {
  std::optional<T> result;
  loop.spawn(keep_and_stop(loop, std::move(task), result));
  loop.run();
  REQUIRE(result.has_value());
  return *std::move(result);
}

// A connection to the broker.
class Connection {
 public:
  Connection(async::Loop& loop, const Server& server, const async::TlsContext* tls = nullptr)
      : loop_(loop), to_(loopback(server.second_port())), tls_(tls) {}

  // What came back; an Error also where the connection or TLS failed.
  Result<http::Received> ask(std::string request) { return finish(loop_, exchange(std::move(request))); }

 private:
  async::Task<Result<http::Received>> exchange(std::string request) {
    if (!stream_) CO_TRY(co_await connect());
    Result<http::Received> received = co_await http::exchange(*stream_, std::move(request));
    if (!received || !received->reusable) stream_.reset();
    co_return received;
  }
  async::Task<Result<>> connect() {
    auto tcp = std::make_unique<async::TcpStream>(loop_);
    CO_TRY(co_await tcp->connect(to_));
    if (tls_ == nullptr) {
      stream_ = std::move(tcp);
      co_return {};
    }
    auto tls =
        std::make_unique<async::TlsStream>(loop_, std::move(tcp), *tls_, async::TlsSide::client, std::string(kDomain));
    CO_TRY(co_await tls->handshake());
    stream_ = std::move(tls);
    co_return {};
  }

  async::Loop& loop_;
  Endpoint to_;
  const async::TlsContext* tls_;
  std::unique_ptr<async::Stream> stream_;
};

std::string field(const http::Response& response, std::string_view name) {
  return std::string(response.fields.find(name).value_or(""));
}

// The server's texts at the challenge's name of a node.
std::vector<std::string> texts(const Server& server, std::uint32_t node) {
  const std::string label = Nodes::key(node).public_key().peer_id().to_base36();
  const Decoded answer = server.ask({.name = "_acme-challenge." + label + ".libp2p.direct.", .type = "TXT"});
  std::vector<std::string> found;
  for (const std::string& record : answer.answer) found.push_back(record.substr(record.find('"')));
  return found;
}

std::string quoted(const std::string& text) { return '"' + text + '"'; }

// The broker as its clients know it.
peer::Submission submission(const std::string& url, std::uint64_t value, std::vector<std::string> addresses) {
  addresses.push_back("/ip4/10.0.0.1/tcp/1");  // private, as some clients send it along
  return {*peer::Url::parse(url), challenge_value(value), std::move(addresses), "open sesame"};
}

// A registration as `dialect` does it; the last response. With `satisfied` the client must take it for success, too.
http::Received register_node(Connection& connection, const peer::Dialect& dialect, const libp2p::PrivateKey& key,
                             peer::Submission submission, bool satisfied) {
  crypto::SystemRandom random;
  peer::Handshake handshake(dialect, key, std::move(submission), random);
  const auto first = connection.ask(handshake.first());
  REQUIRE(first);
  CHECK(first->status == 401);
  CHECK(first->fields.count("WWW-Authenticate") == 1);
  const std::string challenge = field(*first, "WWW-Authenticate");
  CHECK(challenge.starts_with("libp2p-PeerID challenge-client=\""));
  CHECK(challenge.size() <= 2048);
  const auto request = handshake.second(*first);
  REQUIRE(request);
  const auto second = connection.ask(*request);
  REQUIRE(second);
  CHECK(field(*second, "Authentication-Info").starts_with("libp2p-PeerID "));
  CHECK(handshake.finish(*second).has_value() == satisfied);
  return *second;
}

const peer::Dialect& go() { return *peer::find_dialect("go"); }

// A node that registers again and again with its bearer.
struct Registered {
  Registered(async::Loop& on, const Nodes& nodes, std::uint32_t number)
      : loop(on), address(nodes.address(number)), key(Nodes::key(number)) {}

  Result<http::Received> post(Connection& connection, const std::string& authorization, const std::string& body) const {
    return connection.ask(fmt::format(
        "POST /v1/_acme-challenge HTTP/1.1\r\nHost: {}\r\nAuthorization: {}\r\nContent-Length: {}\r\n\r\n{}", kDomain,
        authorization, body.size(), body));
  }
  // The status, or 0; a handshake where there is no bearer.
  unsigned again(const Server& server, std::uint64_t value) {
    Connection connection(loop, server);
    const std::string body = registration_body(challenge_value(value), {address});
    if (!bearer.empty()) {
      const auto response = post(connection, bearer, body);
      return response ? response->status : 0;
    }
    libp2p::PeerIdAuthClient::Dialect dialect;
    dialect.hostname = kDomain;
    dialect.challenge_server = std::string(44, 'c');
    libp2p::PeerIdAuthClient client(key, std::move(dialect));
    const auto first = post(connection, client.first(), "");
    REQUIRE((first && first->status == 401));
    const auto second = post(connection, *client.second(field(*first, "WWW-Authenticate")), body);
    REQUIRE(second);
    REQUIRE(client.finish(field(*second, "Authentication-Info")));
    bearer = client.later();
    return second->status;
  }

  async::Loop& loop;
  std::string address;
  libp2p::PrivateKey key;
  std::string bearer;
};

}  // namespace

TEST_CASE("broker: every client there is registers, behind a proxy and over TLS, and its value is answered") {
  const auto authority = make_tls_identity("");
  const auto leaf = make_tls_identity("DNS:registration.libp2p.direct", &authority);
  const auto tls = async::TlsContext::client(authority.certificate_pem, {"http/1.1"});
  REQUIRE(tls);
  const bool with_tls = GENERATE(false, true);
  CAPTURE(with_tls);
  Folder folder;
  const std::string line =
      with_tls ? fmt::format("tls {} {}", folder.write("cert", leaf.certificate_pem), folder.write("key", leaf.key_pem))
               : std::string("tls off");
  Server server(corefile(line), {.workers = 2});
  async::Loop loop;
  const Nodes nodes(loop);
  std::uint32_t node = 0;
  const std::string scheme = with_tls ? "https" : "http";
  const std::string urls[] = {fmt::format("{}://{}", scheme, kDomain),
                              fmt::format("{}://{}:{}", scheme, kDomain, server.second_port()),
                              fmt::format("{}://{}/", scheme, kDomain)};  // some ask for //v1/… then
  for (const peer::Dialect& dialect : peer::dialects()) {
    for (const std::string& url : urls) {
      // This one expects a signature over the Host without the port that it sent.
      if (dialect.name == "rust" && &url == &urls[1]) continue;
      CAPTURE(dialect.name, url);
      Connection connection(loop, server, with_tls ? &*tls : nullptr);
      const auto response =
          register_node(connection, dialect, Nodes::key(node), submission(url, node, {nodes.address(node)}), true);
      CHECK(response.status == 200);
      CHECK(response.body.empty());
      CHECK(texts(server, node) == std::vector{quoted(challenge_value(node))});
      ++node;
    }
  }
  CHECK(node == 6 * 3 - 1);

  Connection connection(loop, server, with_tls ? &*tls : nullptr);
  const auto refused =
      register_node(connection, go(), Nodes::key(node), submission(urls[0], 1, {nodes.address(node + 1)}), false);
  CHECK(refused.status == 400);
  CHECK(refused.body == "peer is not reachable at any submitted address\n");
  CHECK(texts(server, node) == std::vector<std::string>{"\"not set yet\""});

  CHECK(server.log().find("bearer") == std::string::npos);
}

TEST_CASE("broker: health is 204, for any Host, method and version") {
  Server server(corefile("tls off"));
  async::Loop loop;
  Connection connection(loop, server);
  for (const std::string_view request : {
           "GET /v1/health HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n",
           "GET //v1/health HTTP/1.1\r\nHost:\r\n\r\n",
           "HEAD /v1/health HTTP/1.1\r\nHost: registration.libp2p.direct:443\r\n\r\n",
           "POST /v1/health?x HTTP/1.1\r\nHost: x\r\nContent-Length: 1\r\n\r\n{",
           "OPTIONS /v1/health HTTP/1.1\r\nHost: x\r\n\r\n",
           "PURGE /v1/health HTTP/1.1\r\nHost: x\r\n\r\n",
           "GET http://other.example/v1/health HTTP/1.1\r\nHost: other.example\r\n\r\n",
           "GET /v1/health HTTP/1.0\r\n\r\n",
       }) {
    CAPTURE(request);
    const auto response = connection.ask(std::string(request));
    REQUIRE(response);
    CHECK(response->status == 204);
    CHECK(response->body.empty());
    CHECK(response->fields.count("Content-Length") == 0);
  }
}

TEST_CASE("broker: who is authenticated gets Authentication-Info, whatever is wrong with the rest") {
  Server server(corefile("tls off"));
  async::Loop loop;
  const struct {
    std::string_view method, body;
    unsigned status;
  } cases[] = {{"PUT", "{}", 400}, {"OPTIONS", "", 400}, {"POST", "", 400}, {"POST", "{}", 400}};
  const std::string large(20'000, ' ');
  const std::string chunked = fmt::format("{:x}\r\n{}\r\n0\r\n\r\n", large.size(), large);
  const auto ask = [&](std::string_view method, std::string_view framing, std::string_view body, unsigned status) {
    CAPTURE(method, framing, status);
    Connection connection(loop, server);
    const auto head = [&](std::string_view of, const std::string& authorization) {
      return fmt::format("{} /v1/_acme-challenge HTTP/1.1\r\nHost: {}\r\nAuthorization: {}\r\n", of, kDomain,
                         authorization);
    };
    libp2p::PeerIdAuthClient::Dialect dialect{libp2p::PeerIdAuthClient::Flow::server_initiated, std::string(kDomain),
                                              std::string(48, 'c')};
    dialect.order = {"public-key", "opaque", "challenge-server", "sig"};
    const libp2p::PrivateKey key = Nodes::key(1);
    libp2p::PeerIdAuthClient client(key, dialect);
    const auto first = connection.ask(head("GET", client.first()) + "\r\n");
    REQUIRE((first && first->status == 401));
    const std::string second = head(method, *client.second(field(*first, "WWW-Authenticate")));
    const auto response = connection.ask(fmt::format("{}{}\r\n\r\n{}", second, framing, body));
    REQUIRE(response);
    CHECK(response->status == status);
    CHECK(response->fields.count("Authentication-Info") == 1);
    CHECK(client.finish(field(*response, "Authentication-Info")));  // verifies the server's signature
  };
  for (const auto& each : cases) {
    ask(each.method, fmt::format("Content-Length: {}", each.body.size()), each.body, each.status);
  }
  ask("POST", "Content-Length: 20000", large, 413);
  ask("POST", "Transfer-Encoding: chunked", chunked, 413);
}

TEST_CASE("broker: the environment's access token is asked for, and is not logged") {
  Server server(corefile("tls off"), {.environment = {{"FORGE_ACCESS_TOKEN", "open sesame"}}});
  async::Loop loop;
  const Nodes nodes(loop);
  Connection connection(loop, server);
  const peer::Submission with = submission(fmt::format("http://{}", kDomain), 1, {nodes.address(1)});
  peer::Submission without = with;
  without.token.clear();
  CHECK(register_node(connection, go(), Nodes::key(1), without, false).status == 403);
  CHECK(register_node(connection, go(), Nodes::key(1), with, true).status == 200);
  CHECK(server.log().find("open sesame") == std::string::npos);
}

TEST_CASE("broker: bearers survive the death of the service process, and reloads") {
  Server server(corefile("tls off"), {.workers = 1});
  async::Loop loop;
  const Nodes nodes(loop);
  Registered node(loop, nodes, 7);
  CHECK(node.again(server, 0) == 200);
  CHECK(node.again(server, 1) == 200);

  const auto before = children(server.process().pid(), "@service");
  REQUIRE(before.size() == 1);
  REQUIRE(kill(before[0], SIGKILL) == 0);
  REQUIRE(wait_until([&] { return node.again(server, 2) == 200; }, kLong));

  server.write_corefile(corefile("tls off\n  limit client off"));
  server.process().signal(SIGUSR1);
  REQUIRE(wait_until([&] { return server.log().find("Reloading complete") != std::string::npos; }, kLong));
  CHECK(node.again(server, 3) == 200);
  CHECK(texts(server, 7) == std::vector{quoted(challenge_value(3)), quoted(challenge_value(2)),
                                        quoted(challenge_value(1)), quoted(challenge_value(0))});
}

TEST_CASE("broker: the secret is made beside the store's file, and bearers survive the server") {
  const Folder folder;
  const std::string text = corefile("tls off", folder.file("challenges"));
  async::Loop loop;
  const Nodes nodes(loop);
  Registered node(loop, nodes, 7);
  {
    Server server(text);
    CHECK(node.again(server, 0) == 200);
    struct stat status{};
    REQUIRE(stat(folder.file("challenges.secret").c_str(), &status) == 0);
    CHECK((status.st_mode & 07777) == 0600);
    CHECK(status.st_size == 32);
  }
  {
    Server server(text);
    CHECK(node.again(server, 1) == 200);
    CHECK(texts(server, 7) == std::vector{quoted(challenge_value(1)), quoted(challenge_value(0))});
  }
  std::filesystem::remove(folder.file("challenges.secret"));
  Server server(text);
  CHECK(node.again(server, 2) == 401);
}

TEST_CASE("broker: a renewed certificate is used within seconds, a bad one never") {
  const auto old_authority = make_tls_identity(""), new_authority = make_tls_identity("");
  const auto old_leaf = make_tls_identity("DNS:registration.libp2p.direct", &old_authority);
  const auto new_leaf = make_tls_identity("DNS:registration.libp2p.direct", &new_authority);
  const auto old_client = async::TlsContext::client(old_authority.certificate_pem, {});
  const auto new_client = async::TlsContext::client(new_authority.certificate_pem, {});
  REQUIRE((old_client && new_client));
  Folder folder;
  const std::string line =
      fmt::format("tls {} {}", folder.write("cert", old_leaf.certificate_pem), folder.write("key", old_leaf.key_pem));
  Server server(corefile(line));
  async::Loop loop;
  const auto healthy = [&](const async::TlsContext& client) {
    Connection connection(loop, server, &client);
    const auto response = connection.ask("GET /v1/health HTTP/1.1\r\nHost: x\r\n\r\n");
    return response && response->status == 204;
  };
  CHECK(healthy(*old_client));
  CHECK_FALSE(healthy(*new_client));

  static_cast<void>(folder.write("key", new_leaf.key_pem));  // does not fit the certificate
  REQUIRE(
      wait_until([&] { return server.log().find("the certificate before stays in use") != std::string::npos; }, kLong));
  CHECK(healthy(*old_client));
  static_cast<void>(folder.write("cert", new_leaf.certificate_pem));
  REQUIRE(wait_until([&] { return healthy(*new_client); }, kLong));
  CHECK_FALSE(healthy(*old_client));

  const std::string log = server.log();
  const std::string_view error = "the certificate before stays in use";
  CHECK(log.find(error) == log.rfind(error));  // said once
}

TEST_CASE("broker: files that cannot be used stop the start, with the line; -check makes no secret") {
  const Folder folder;
  const Port port;
  const auto check = [&](const std::string& text) {
    std::string filled = text;
    filled.replace(filled.find("@PORT2@"), 7, std::to_string(port.number()));
    const auto result = run({.arguments = {std::getenv("SWAGE"), "-conf", folder.write("Corefile", filled), "-check"}});
    return result ? "" : result.error().text();
  };
  CHECK(check(corefile("tls off", folder.file("challenges"))) == "");
  CHECK_FALSE(std::filesystem::exists(folder.file("challenges.secret")));
  CHECK(check(corefile("tls /nowhere/cert /nowhere/key")).find("Corefile:7: broker: /nowhere/cert: No such file") !=
        std::string::npos);
  static_cast<void>(folder.write("challenges.secret", "short"));
  CHECK(check(corefile("tls off", folder.file("challenges"))).find("challenges.secret: has 5 bytes") !=
        std::string::npos);
}

TEST_CASE("broker: what clients will not like of a certificate is a warning") {
  const Folder folder;
  const auto authority = make_tls_identity("");
  const auto leaf = make_tls_identity("DNS:other.test", &authority);
  const std::string path = folder.write("cert", leaf.certificate_pem);
  const std::string line = fmt::format("tls {} {}", path, folder.write("key", leaf.key_pem));
  const Server server(corefile(line));
  const std::string start = "[WARNING] " + server.folder().file("Corefile") + ":7: broker: " + path + ": ";
  for (const char* const objection : {"the certificate is not for registration.libp2p.direct, but for other.test\n",
                                      "the certificate expires soon, on ", "the chain is not complete, it seems: "}) {
    INFO(objection);
    CHECK(server.log().find(start + objection) != std::string::npos);
  }
}
