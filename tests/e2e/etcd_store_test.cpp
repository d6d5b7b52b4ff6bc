// Several servers with one store in etcd: what is registered at any of them is answered by all of them right after the
// 200; one that is cut off answers nothing that may be old; and everything heals.
#include <signal.h>

#include <algorithm>
#include <chrono>
#include <memory>
#include <string>
#include <thread>
#include <vector>

#include "core/async/loop.h"
#include "core/async/tls_testing.h"
#include "core/crypto/random.h"
#include "core/libp2p/peer_id_auth_client.h"
#include "tests/support/broker/nodes.h"
#include "tests/support/broker/registrar.h"
#include "tests/support/etcd.h"
#include "tests/support/server.h"

#include <catch2/catch.hpp>  // last: its CHECK is the one that counts here

namespace {

using namespace swage;
using namespace swage::tests;
using namespace std::chrono_literals;

constexpr const char* kDomain = "registration.libp2p.direct";
constexpr Milliseconds kLong{30000};

// `more`: lines of the block of `store`.
std::string corefile(const Etcd& etcd, std::size_t number, const std::string& secret, const std::string& limit,
                     const std::string& more = "") {
  std::string urls;
  for (const std::string& each : etcd.endpoints()) urls += " " + each;
  return "libp2p.direct {\n    bind 127.0.0.1\n    errors\n    acme-txt {\n        store etcd" + urls +
         " {\n            server-id ns" + std::to_string(number) + "\n" + more + "        }\n    }\n    broker " +
         kDomain + " {\n        listen 127.0.0.1:@PORT2@\n        tls off\n        secret " + secret +
         "\n        limit peer " + limit +
         "\n        limit client 10000/1m\n        dial {\n            allow 127.0.0.0/8\n        }\n    }\n"
         "    ipsubdomain\n    file zones/libp2p.direct\n}\n";
}

std::string challenge_name(std::uint32_t peer) {
  return "_acme-challenge." + Nodes::key(peer).public_key().peer_id().to_base36() + ".libp2p.direct.";
}

// Its answer, or its rcode where there is none.
std::string said(const Decoded& answer) { return answer.answer.empty() ? answer.rcode_text() : answer.answer[0]; }

// Nodes that register, one after the other.
class Registering {
 public:
  http::Response at(const Server& server, std::uint32_t peer, std::uint64_t value) {
    Registrar registrar(loop_, server_endpoint(server), kDomain);
    const libp2p::PrivateKey key = Nodes::key(peer);
    http::Response response;
    loop_.spawn(
        registers(loop_, registrar, key, registration_body(challenge_value(value), {nodes_.address(peer)}), response));
    loop_.run();
    return response;
  }
  // A single request.
  http::Response post(const Server& server, std::string authorization, std::uint32_t peer, std::uint64_t value) {
    Registrar registrar(loop_, server_endpoint(server), kDomain);
    http::Response response;
    loop_.spawn(posts(loop_, registrar, std::move(authorization),
                      registration_body(challenge_value(value), {nodes_.address(peer)}), response));
    loop_.run();
    return response;
  }

 private:
  static Endpoint server_endpoint(const Server& server) { return loopback(server.second_port()); }
  static async::Task<> registers(async::Loop& loop, Registrar& registrar, const libp2p::PrivateKey& key,
                                 std::string body, http::Response& response) {
    response = co_await registrar.registers(key, std::move(body));
    loop.stop();
  }
  static async::Task<> posts(async::Loop& loop, Registrar& registrar, std::string authorization, std::string body,
                             http::Response& response) {
    response = co_await registrar.post(std::move(authorization), std::move(body));
    loop.stop();
  }

  async::Loop loop_;
  Nodes nodes_{loop_};
};

struct Fleet {
  explicit Fleet(std::size_t size, std::size_t etcds = 1, const std::string& limit = "10000/1m") : etcd(etcds) {
    const std::string secret = folder.write("secret", std::string(40, 's') + "\n");
    for (std::size_t i = 0; i < size; ++i) {
      corefiles.push_back(corefile(etcd, i + 1, secret, limit));
      servers.push_back(std::make_unique<Server>(corefiles.back(), ServerOptions{.workers = 2}));
    }
    for (const auto& each : servers) REQUIRE(joins(*each));
  }

  // Answers challenges.
  static bool joins(const Server& server) {
    return wait_until(
        [&] { return server.ask({.name = challenge_name(999), .type = "TXT"}).rcode_text() == "NOERROR"; }, kLong);
  }
  [[nodiscard]] static bool answers(const Server& server, std::uint32_t peer, std::uint64_t value) {
    const std::string expected = challenge_value(value);
    for (int i = 0; i < 2; ++i) {  // from two sockets: perhaps both dns processes
      const Question question{.name = challenge_name(peer), .type = "TXT"};
      const std::string udp = said(server.ask(question)), tcp = said(server.ask_tcp(question));
      if (udp.find(expected) != std::string::npos && tcp.find(expected) != std::string::npos) continue;
      UNSCOPED_INFO("instead of " << expected << ": " << udp << ", " << tcp);
      return false;
    }
    return true;
  }
  [[nodiscard]] bool all_answer(std::uint32_t peer, std::uint64_t value) const {
    return std::ranges::all_of(servers, [&](const auto& each) { return answers(*each, peer, value); });
  }
  void signal_all(std::size_t server, int number) const {
    const pid_t supervisor = servers[server]->process().pid();
    for (const pid_t pid : children(supervisor, "@")) kill(pid, number);
    kill(supervisor, number);
  }

  Folder folder;
  Etcd etcd;
  std::vector<std::string> corefiles;
  std::vector<std::unique_ptr<Server>> servers;
  Registering nodes;
};

// A server that may find no fleet.
struct Fleetless {
  void start(const std::string& text) { server = std::make_unique<Server>(text, ServerOptions{.workers = 2}); }

  Folder folder;
  std::string secret = folder.write("secret", std::string(40, 's') + "\n");
  std::unique_ptr<Server> server;
  Registering nodes;
};

// Until it is 200; the others must be 503 with Retry-After.
int register_patiently(Fleet& fleet, std::size_t server, std::uint32_t peer, std::uint64_t value) {
  const auto until = std::chrono::steady_clock::now() + 40s;
  while (std::chrono::steady_clock::now() < until) {
    const http::Response response = fleet.nodes.at(*fleet.servers[server], peer, value);
    if (response.status == 200) return 200;
    if (response.status != 503 && response.status != 0) return static_cast<int>(response.status);
    if (response.status == 503) CHECK(response.fields.count("Retry-After") == 1);
    std::this_thread::sleep_for(100ms);
  }
  return 0;
}

bool answers_addresses(const Server& server) {
  return said(server.ask({.name = "1-2-3-4." + Nodes::key(1).public_key().peer_id().to_base36() + ".libp2p.direct.",
                          .type = "A"}))
             .find("1.2.3.4") != std::string::npos;
}

bool is_fenced(const Server& server, std::uint32_t peer) {
  return server.ask({.name = challenge_name(peer), .type = "TXT"}).rcode_text() == "SERVFAIL";
}

}  // namespace

TEST_CASE("fleet: every nameserver answers right after the 200, whichever broker was asked") {
  if (!Etcd::available()) return;
  Fleet fleet(3);
  for (std::uint32_t i = 0; i < 30; ++i) {
    REQUIRE(fleet.nodes.at(*fleet.servers[i % 3], i, i).status == 200);
    REQUIRE(fleet.all_answer(i, i));
  }
  // A second value of the same peer, at another broker.
  REQUIRE(fleet.nodes.at(*fleet.servers[1], 0, 100).status == 200);
  for (const std::uint64_t value : {0, 100}) {
    for (const auto& each : fleet.servers) {
      const Decoded answer = each->ask({.name = challenge_name(0), .type = "TXT"});
      CHECK(answer.answer.size() == 2);
      CHECK(std::ranges::any_of(answer.answer, [&](const std::string& text) {
        return text.find(challenge_value(value)) != std::string::npos;
      }));
    }
  }
  // One that comes later knows all of it before it answers.
  fleet.corefiles.push_back(fleet.corefiles.back());
  fleet.corefiles.back().replace(fleet.corefiles.back().find("ns3"), 3, "ns4");
  fleet.servers.push_back(std::make_unique<Server>(fleet.corefiles.back()));
  REQUIRE(Fleet::joins(*fleet.servers.back()));
  for (std::uint32_t i = 1; i < 30; ++i) CHECK(Fleet::answers(*fleet.servers.back(), i, i));
}

TEST_CASE("fleet: leg 1 at one broker, leg 2 at another, the bearer at a third") {
  if (!Etcd::available()) return;
  Fleet fleet(3);
  const libp2p::PrivateKey key = Nodes::key(5);
  crypto::SystemRandom random;
  libp2p::PeerIdAuthClient::Dialect dialect;
  dialect.flow = libp2p::PeerIdAuthClient::Flow::client_initiated;
  dialect.hostname = kDomain;
  dialect.challenge_server = libp2p::PeerIdAuthClient::base64_challenge(random);
  libp2p::PeerIdAuthClient client(key, std::move(dialect));
  const http::Response challenge = fleet.nodes.post(*fleet.servers[0], client.first(), 5, 1);
  REQUIRE(challenge.status == 401);
  const auto second = client.second(std::string(challenge.fields.find("WWW-Authenticate").value_or("")));
  REQUIRE(second);
  const http::Response done = fleet.nodes.post(*fleet.servers[1], *second, 5, 1);
  REQUIRE(done.status == 200);
  CHECK(fleet.all_answer(5, 1));
  REQUIRE(client.finish(std::string(done.fields.find("Authentication-Info").value_or(""))));
  CHECK(fleet.nodes.post(*fleet.servers[2], client.later(), 5, 2).status == 200);
  CHECK(fleet.all_answer(5, 2));
}

TEST_CASE("fleet: a peer has one limit, however many brokers there are") {
  if (!Etcd::available()) return;
  Fleet fleet(2, 1, "5/1h");
  for (std::uint64_t i = 0; i < 5; ++i) CHECK(fleet.nodes.at(*fleet.servers[0], 1, i).status == 200);
  const http::Response limited = fleet.nodes.at(*fleet.servers[1], 1, 5);
  CHECK(limited.status == 429);
  CHECK(limited.fields.count("Retry-After") == 1);
  CHECK(fleet.nodes.at(*fleet.servers[1], 2, 5).status == 200);
}

TEST_CASE(
    "fleet: without etcd registrations are 503, challenges SERVFAIL and addresses answered; then all is as before") {
  if (!Etcd::available()) return;
  Fleet fleet(2);
  REQUIRE(fleet.nodes.at(*fleet.servers[0], 1, 1).status == 200);
  fleet.etcd.kill(0);
  const http::Response refused = fleet.nodes.at(*fleet.servers[0], 1, 2);
  CHECK(refused.status == 503);
  CHECK(refused.fields.count("Retry-After") == 1);
  for (const auto& each : fleet.servers) {
    CHECK(wait_until(
        [&] {
          CHECK(answers_addresses(*each));
          return is_fenced(*each, 1);
        },
        Milliseconds(8000)));
    CHECK(answers_addresses(*each));
    CHECK(each->ask({.name = challenge_name(1), .type = "A"}).rcode_text() == "NOERROR");
  }
  fleet.etcd.start(0);
  for (const auto& each : fleet.servers) CHECK(Fleet::joins(*each));
  CHECK(fleet.all_answer(1, 1));
  CHECK(register_patiently(fleet, 1, 1, 3) == 200);
  CHECK(fleet.all_answer(1, 3));
}

TEST_CASE("fleet: a server starts without etcd, and answers what it can") {
  if (!Etcd::available()) return;
  Etcd etcd;
  etcd.kill(0);
  const Folder folder;
  const std::string secret = folder.write("secret", std::string(40, 's') + "\n");
  const Server server(corefile(etcd, 1, secret, "10/1m"));
  CHECK(is_fenced(server, 1));
  CHECK(answers_addresses(server));
  etcd.start(0);
  CHECK(Fleet::joins(server));
}

TEST_CASE("fleet: a server that had its challenges in memory keeps them, and is a member from then on; and back") {
  if (!Etcd::available()) return;
  Fleet fleet(1);
  std::string alone = fleet.corefiles[0];
  const std::size_t at = alone.find("store etcd"), end = alone.find('}', at);
  alone.replace(at, end + 1 - at, "store memory");
  Server server(alone, {.workers = 2});
  REQUIRE(fleet.nodes.at(server, 1, 1).status == 200);
  const auto reload = [&](const std::string& text, std::size_t times) {
    server.write_corefile(text);
    server.process().signal(SIGUSR1);
    return wait_until(
        [&] {
          std::size_t count = 0;
          const std::string log = server.log();
          for (std::size_t from = 0; (from = log.find("Reloading complete", from)) != log.npos; ++from) ++count;
          return count == times;
        },
        kLong);
  };
  std::string shared = fleet.corefiles[0];
  shared.replace(shared.find("ns1"), 3, "ns2");
  REQUIRE(reload(shared, 1));
  // Dns processes of the configuration before answer for a moment longer, out of memory that is never fenced.
  REQUIRE(wait_until([&] { return children(server.process().pid(), "@dns").size() == 2; }, kLong));
  REQUIRE(Fleet::joins(server));
  CHECK(Fleet::answers(server, 1, 1));
  CHECK(register_patiently(fleet, 0, 2, 2) == 200);
  CHECK(Fleet::answers(server, 2, 2));
  REQUIRE(reload(alone, 2));
  REQUIRE(wait_until([&] { return children(server.process().pid(), "@dns").size() == 2; }, kLong));
  CHECK(Fleet::answers(server, 1, 1));
  CHECK(Fleet::answers(server, 2, 2));
}

// What is said where etcd refuses a certificate: its alert, or, where the end of the connection was faster, what that
// may mean.
constexpr const char* kRefused = "alert bad certificate";
constexpr const char* kMayBeRefused = "the server may refuse our certificate, or want one";

// A server that is not in the fleet, and says so: with `message`, a part of its log.
void check_outside(Fleetless& outside, const std::string& message) {
  INFO(message);
  const Server& server = *outside.server;
  CHECK(wait_until(
      [&] {
        const std::string log = server.log();
        return log.contains(message) || (message == kRefused && log.contains(kMayBeRefused));
      },
      kLong));
  UNSCOPED_INFO(server.log());
  CHECK(is_fenced(server, 1));
  CHECK(answers_addresses(server));
  const http::Response refused = outside.nodes.at(server, 1, 1);
  CHECK(refused.status == 503);
  CHECK(refused.fields.count("Retry-After") == 1);
}

TEST_CASE("fleet: as a user of etcd that may write below the prefix alone; a wrong password, and one that is changed") {
  if (!Etcd::available()) return;
  const Etcd etcd;
  etcd.ctl({"user", "add", "root:root"});
  etcd.ctl({"user", "grant-role", "root", "root"});
  etcd.ctl({"role", "add", "fleet"});
  etcd.ctl({"role", "grant-permission", "fleet", "--prefix=true", "readwrite", "/some/where/"});
  etcd.ctl({"user", "add", "swage:right"});
  etcd.ctl({"user", "grant-role", "swage", "fleet"});
  etcd.ctl({"auth", "enable"});
  Fleetless outside;
  const std::string password = outside.folder.write("password", "so secret\n");
  const std::string more = "            prefix /some/where\n            credentials swage " + password + "\n";
  outside.start(corefile(etcd, 1, outside.secret, "10/1m", more));
  const Server& server = *outside.server;
  const std::string wrong = etcd.endpoint(0) + ": etcdserver: authentication failed, invalid user ID or password";
  check_outside(outside, wrong);
  static_cast<void>(outside.folder.write("password", "right\n"));
  REQUIRE(Fleet::joins(server));
  CHECK(outside.nodes.at(server, 1, 1).status == 200);
  CHECK(Fleet::answers(server, 1, 1));

  // Changed in etcd, then here.
  const std::size_t before = server.log().size();
  etcd.ctl({"--user", "root:root", "user", "delete", "swage"});
  etcd.ctl({"--user", "root:root", "user", "add", "swage:another"});
  etcd.ctl({"--user", "root:root", "user", "grant-role", "swage", "fleet"});
  REQUIRE(wait_until([&] { return server.log().find(wrong, before) != std::string::npos; }, kLong));
  check_outside(outside, "fenced: challenges are answered with SERVFAIL");
  static_cast<void>(outside.folder.write("password", "another\n"));
  REQUIRE(Fleet::joins(server));
  CHECK(Fleet::answers(server, 1, 1));
  CHECK(outside.nodes.at(server, 1, 2).status == 200);
  CHECK(Fleet::answers(server, 1, 2));
  CHECK(server.log().find("so secret") == std::string::npos);
  CHECK(server.log().find("another") == std::string::npos);

  // A prefix that the user may not read.
  Fleetless elsewhere;
  elsewhere.start(corefile(etcd, 2, elsewhere.secret, "10/1m", "            credentials swage " + password + "\n"));
  check_outside(elsewhere, etcd.endpoint(0) + ": etcdserver: permission denied");
}

TEST_CASE("fleet: over TLS, where etcd asks who comes, and what is said of certificates that are wrong") {
  if (!Etcd::available()) return;
  using async::testing::make_tls_identity;
  const Folder folder;
  const auto authority = make_tls_identity(""), stranger = make_tls_identity("");
  const auto write = [&](const std::string& name, const async::testing::TlsIdentity& identity) {
    static_cast<void>(folder.write(name + ".pem", identity.certificate_pem));
    static_cast<void>(folder.write(name + ".key", identity.key_pem));
    return folder.file(name);
  };
  const std::string ours = write("ours", make_tls_identity("IP:127.0.0.1", &authority));
  const std::string known = write("authority", authority), unknown = write("unknown", stranger);
  Etcd etcd({.places = std::vector<EtcdOptions::Place>(3),
             .certificate = ours + ".pem",
             .key = ours + ".key",
             .authorities = known + ".pem",
             .peers_too = true});
  const auto tls = [](const std::string& who, const std::string& believes) {
    return "            tls " + (who.empty() ? "" : who + ".pem " + who + ".key ") + believes + ".pem\n";
  };
  const std::string client = write("client", make_tls_identity("DNS:ns1", &authority));
  Fleetless one, two;
  one.start(corefile(etcd, 1, one.secret, "10/1m", tls(client, known)));
  two.start(corefile(etcd, 2, one.secret, "10/1m", tls(ours, known)));
  REQUIRE(Fleet::joins(*one.server));
  REQUIRE(Fleet::joins(*two.server));
  REQUIRE(one.nodes.at(*one.server, 1, 1).status == 200);
  CHECK(Fleet::answers(*two.server, 1, 1));

  const struct {
    std::string tls, message;
  } cases[] = {
      {tls(client, unknown), ": SSL certificate problem: unable to get local issuer certificate"},
      {tls(write("strange", make_tls_identity("DNS:ns3", &stranger)), known), kRefused},
      {tls(write("expired", make_tls_identity("DNS:ns3", &authority, -60)), known), kRefused},
      {tls("", known), kRefused},
  };
  for (const auto& each : cases) {
    Fleetless outside;
    outside.start(corefile(etcd, 3, one.secret, "10/1m", each.tls));
    check_outside(outside, each.message);
  }

  // It is mended while the server runs.
  Fleetless three;
  const std::string mended = write("mended", make_tls_identity("DNS:ns3", &authority, -60));
  const std::string believed = write("believed", stranger);
  three.start(corefile(etcd, 3, one.secret, "10/1m", tls(mended, believed)));
  check_outside(three, "unable to get local issuer certificate");
  static_cast<void>(write("believed", authority));
  check_outside(three, kRefused);
  static_cast<void>(write("mended", make_tls_identity("DNS:ns3", &authority)));
  REQUIRE(Fleet::joins(*three.server));
  CHECK(Fleet::answers(*three.server, 1, 1));
  REQUIRE(three.nodes.at(*three.server, 1, 2).status == 200);
  CHECK(Fleet::answers(*one.server, 1, 2));
  CHECK(Fleet::answers(*two.server, 1, 2));
}

TEST_CASE("fleet: an etcd with users wants no names in certificates, and says so") {
  if (!Etcd::available()) return;
  using async::testing::make_tls_identity;
  const Folder folder;
  const auto authority = make_tls_identity(""), identity = make_tls_identity("IP:127.0.0.1", &authority);
  const std::string known = folder.write("authority.pem", authority.certificate_pem);
  const std::string certificate = folder.write("etcd.pem", identity.certificate_pem);
  const std::string key = folder.write("etcd.key", identity.key_pem);
  const Etcd etcd({.certificate = certificate, .key = key, .authorities = known});
  etcd.ctl({"user", "add", "root:root"});
  etcd.ctl({"user", "grant-role", "root", "root"});
  etcd.ctl({"auth", "enable"});
  Fleetless outside;
  outside.start(corefile(etcd, 1, outside.secret, "10/1m",
                         "            tls " + certificate + " " + key + " " + known +
                             "\n            credentials root " + outside.folder.write("password", "root\n") + "\n"));
  check_outside(outside, etcd.endpoint(0) + ": the reply has the status 400: CommonName of client");
}

TEST_CASE("fleet: etcd's certificate has expired, or is another machine's") {
  if (!Etcd::available()) return;
  using async::testing::make_tls_identity;
  const Folder folder;
  const auto authority = make_tls_identity("");
  const std::string known = folder.write("authority.pem", authority.certificate_pem);
  const struct {
    std::string names;
    long lasts;
    std::string message;
  } cases[] = {
      {"IP:127.0.0.1", -60, ": SSL certificate problem: certificate has expired"},
      {"IP:127.0.0.2", 60, ": SSL: no alternative certificate subject name matches target host name '127.0.0.1'"}};
  for (const auto& each : cases) {
    const auto identity = make_tls_identity(each.names, &authority, each.lasts);
    const Etcd etcd({.certificate = folder.write("etcd.pem", identity.certificate_pem),
                     .key = folder.write("etcd.key", identity.key_pem),
                     .authorities = known,
                     .wait = false});
    Fleetless outside;
    outside.start(corefile(etcd, 1, outside.secret, "10/1m", "            tls " + known + "\n"));
    check_outside(outside, etcd.endpoint(0) + each.message);
  }
}

TEST_CASE("fleet: one of three etcds may fail, whichever") {
  if (!Etcd::available()) return;
  Fleet fleet(2, 3);
  for (std::size_t member = 0; member < 3; ++member) {
    fleet.etcd.kill(member);
    const auto peer = static_cast<std::uint32_t>(member);
    CHECK(register_patiently(fleet, member % 2, peer, member) == 200);
    CHECK(fleet.all_answer(peer, member));
    fleet.etcd.start(member);
    fleet.etcd.wait_for_leader();
  }
  for (const auto& each : fleet.servers) CHECK(each->log().find("fenced") == std::string::npos);
}

TEST_CASE("fleet: a service process that is killed is a new member soon, and its dns processes answer on") {
  if (!Etcd::available()) return;
  Fleet fleet(2);
  REQUIRE(fleet.nodes.at(*fleet.servers[0], 1, 1).status == 200);
  for (const pid_t pid : children(fleet.servers[1]->process().pid(), "@service")) kill(pid, SIGKILL);
  CHECK(fleet.all_answer(1, 1));
  CHECK(register_patiently(fleet, 0, 1, 2) == 200);
  CHECK(fleet.all_answer(1, 2));
  CHECK(register_patiently(fleet, 1, 1, 3) == 200);
  CHECK(fleet.all_answer(1, 3));
  CHECK(fleet.servers[1]->log().find("fenced") == std::string::npos);
}

TEST_CASE(
    "fleet: nobody waits for a server that ends in order; for a service process that crashes, until its lease has "
    "ended") {
  if (!Etcd::available()) return;
  Fleet fleet(3);
  const auto seconds_to_register = [&](std::uint64_t value) {
    const auto begun = std::chrono::steady_clock::now();
    CHECK(fleet.nodes.at(*fleet.servers[0], 1, value).status == 200);
    return std::chrono::duration<double>(std::chrono::steady_clock::now() - begun).count();
  };
  fleet.servers.pop_back();
  CHECK(seconds_to_register(1) < 3);
  CHECK(fleet.servers[0]->log().find("is gone; 2 nameservers") != std::string::npos);
  for (const pid_t pid : children(fleet.servers[1]->process().pid(), "@service")) kill(pid, SIGKILL);
  const double waited = seconds_to_register(2);
  CHECK(waited > 3);
  CHECK(waited < 11.5);
  CHECK(fleet.all_answer(1, 2));
}

TEST_CASE("fleet: nobody waits for a nameserver that is stopped, and it says nothing old when it goes on") {
  if (!Etcd::available()) return;
  Fleet fleet(2);
  REQUIRE(fleet.nodes.at(*fleet.servers[0], 1, 1).status == 200);
  fleet.signal_all(1, SIGSTOP);
  const http::Response response = fleet.nodes.at(*fleet.servers[0], 1, 2);  // waits for its lease to end
  CHECK((response.status == 200 || response.status == 503));
  CHECK(register_patiently(fleet, 0, 1, 3) == 200);
  fleet.signal_all(1, SIGCONT);
  const auto until = std::chrono::steady_clock::now() + 20s;
  std::string last;
  while (last.find(challenge_value(3)) == std::string::npos && std::chrono::steady_clock::now() < until) {
    last = said(fleet.servers[1]->ask({.name = challenge_name(1), .type = "TXT"}));
    REQUIRE((last == "SERVFAIL" || last.find(challenge_value(3)) != std::string::npos));
  }
  CHECK(fleet.all_answer(1, 3));
}

TEST_CASE("fleet: a reload loses nothing and fences nobody") {
  if (!Etcd::available()) return;
  Fleet fleet(2);
  REQUIRE(fleet.nodes.at(*fleet.servers[0], 1, 1).status == 200);
  Server& reloaded = *fleet.servers[0];
  const pid_t before = children(reloaded.process().pid(), "@service").front();
  reloaded.write_corefile(fleet.corefiles[0] + "other.test {\n bind 127.0.0.1\n whoami\n}\n");
  reloaded.process().signal(SIGUSR1);
  const auto is_gone = [&] {
    CHECK(Fleet::answers(reloaded, 1, 1));
    const std::vector<pid_t> now = children(reloaded.process().pid(), "@service");
    return std::ranges::count(now, before) == 0;
  };
  REQUIRE(wait_until([&] { return reloaded.log().find("Reloading complete") != std::string::npos; }, kLong));
  std::uint64_t value = 2;
  while (!is_gone() && value < 100) {
    const auto peer = static_cast<std::uint32_t>(value);
    REQUIRE(register_patiently(fleet, value % 2, peer, value) == 200);
    REQUIRE(fleet.all_answer(peer, value));
    ++value;
    std::this_thread::sleep_for(200ms);
  }
  CHECK(value < 100);
  CHECK(register_patiently(fleet, 0, 1, 100) == 200);
  CHECK(fleet.all_answer(1, 100));
  CHECK(reloaded.log().find("fenced") == std::string::npos);
}

TEST_CASE("fleet: a watch whose revisions are compacted away begins with what is there") {
  if (!Etcd::available()) return;
  Fleet fleet(2);
  REQUIRE(fleet.nodes.at(*fleet.servers[0], 1, 1).status == 200);
  fleet.signal_all(1, SIGSTOP);
  CHECK(register_patiently(fleet, 0, 1, 2) == 200);
  for (int i = 0; i < 20; ++i) fleet.etcd.ctl({"put", "/other", std::to_string(i)});
  const std::string status = fleet.etcd.ctl({"get", "/other", "-w", "fields"});
  const std::size_t at = status.find("\"Revision\" : ");
  REQUIRE(at != std::string::npos);
  fleet.etcd.ctl({"compact", status.substr(at + 13, status.find('\n', at) - at - 13)});
  fleet.signal_all(1, SIGCONT);
  CHECK(wait_until([&] { return Fleet::answers(*fleet.servers[1], 1, 2); }, kLong));
  CHECK(register_patiently(fleet, 1, 1, 3) == 200);
  CHECK(fleet.all_answer(1, 3));
}

TEST_CASE(
    "fleet: an etcd that has lost all it had is another store: everything begins anew, and nothing old is believed") {
  if (!Etcd::available()) return;
  Fleet fleet(2);
  for (std::uint32_t i = 0; i < 20; ++i) REQUIRE(fleet.nodes.at(*fleet.servers[i % 2], i, i).status == 200);
  fleet.etcd.kill(0);
  fleet.etcd.forget(0);
  fleet.etcd.start(0);
  fleet.etcd.wait_for_leader();
  for (const auto& each : fleet.servers) {
    const std::string lost = "etcd has other data than before: what it had is lost";
    REQUIRE(wait_until([&] { return each->log().find(lost) != std::string::npos; }, kLong));
    REQUIRE(Fleet::joins(*each));
  }
  // While it counts revisions that were seen before.
  for (std::uint32_t i = 0; i < 20; ++i) {
    REQUIRE(register_patiently(fleet, i % 2, i, 100 + i) == 200);
    REQUIRE(fleet.all_answer(i, 100 + i));
  }
}
