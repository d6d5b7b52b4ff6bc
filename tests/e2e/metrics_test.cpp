// What the server counts, as a scraper sees it: while processes are killed and the Corefile is read again,
// many at once, and as Prometheus itself. And health and ready when the server is told to end.
#include <poll.h>
#include <signal.h>
#include <sys/socket.h>
#include <unistd.h>

#include <atomic>
#include <cstdio>
#include <fstream>
#include <optional>
#include <sstream>
#include <thread>

#include "tests/support/broker/nodes.h"
#include "tests/support/broker/registrar.h"
#include "tests/support/load.h"
#include "tests/support/server.h"

#include <catch2/catch.hpp>  // last: its CHECK is the one that counts here

namespace {

using namespace swage::tests;
using namespace std::chrono_literals;
using swage::Endpoint;

constexpr const char* kForge = R"(libp2p.direct {
    bind 127.0.0.1
    prometheus localhost:@PORT2@
    errors
    ipsubdomain
    file zones/libp2p.direct
}
)";
constexpr const char* kRequests = "coredns_dns_requests_total{server=\"dns://127.0.0.1:";
constexpr const char* kZone = "zone=\"libp2p.direct.\"";
const Question kQuestion{.name = "libp2p.direct.", .type = "SOA"};

struct Reply {
  int status = 0;
  std::string body;
};

// GET over a connection of its own; nullopt where there is no whole answer within `patience`.
std::optional<Reply> get(std::uint16_t port, const std::string& path, Milliseconds patience = kPatience) {
  const TcpClient client(loopback(port));
  const std::string request = "GET " + path + " HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n";
  if (!client.connected() || !client.send_raw(swage::as_bytes(request))) return std::nullopt;
  std::string text;
  char part[16384];
  while (true) {
    pollfd readable{client.descriptor(), POLLIN, 0};
    if (poll(&readable, 1, static_cast<int>(patience.count())) <= 0) return std::nullopt;
    const ssize_t size = recv(client.descriptor(), part, sizeof part, 0);
    if (size < 0) return std::nullopt;
    if (size == 0) break;
    text.append(part, static_cast<std::size_t>(size));
  }
  const std::size_t body = text.find("\r\n\r\n");
  const std::size_t length = text.find("Content-Length: ");
  if (body == std::string::npos || length > body) return std::nullopt;
  Reply reply{std::atoi(text.c_str() + 9), text.substr(body + 4)};
  if (reply.body.size() != std::strtoul(text.c_str() + length + 16, nullptr, 10)) return std::nullopt;
  return reply;
}

// Tries until it is answered: the service process may be under way.
std::string scrape(std::uint16_t port) {
  std::optional<Reply> reply;
  REQUIRE(wait_until([&] { return (reply = get(port, "/metrics")).has_value() && reply->status == 200; }, 20s));
  return reply->body;
}

// Of all series whose line begins with `name` and holds `part`.
std::uint64_t sum(const std::string& text, const std::string& name, const std::string& part = "") {
  std::istringstream lines(text);
  std::uint64_t sum = 0;
  for (std::string line; std::getline(lines, line);) {
    if (line.starts_with(name) && line.find(part) != std::string::npos) {
      sum += std::strtoull(line.c_str() + line.rfind(' '), nullptr, 10);
    }
  }
  return sum;
}

std::uint64_t asked(std::uint16_t port) { return sum(scrape(port), kRequests, kZone); }

std::vector<pid_t> of_kind(pid_t supervisor, const std::string& kind) {
  std::vector<pid_t> pids;
  std::ifstream list("/proc/" + std::to_string(supervisor) + "/task/" + std::to_string(supervisor) + "/children");
  for (pid_t pid; list >> pid;) {
    std::ifstream arguments("/proc/" + std::to_string(pid) + "/cmdline");
    std::string program, each;
    std::getline(arguments, program, '\0');
    std::getline(arguments, each, '\0');
    if (each == kind) pids.push_back(pid);
  }
  return pids;
}

// Kills the youngest process of a kind, and waits until it is replaced. (Older ones may be of a configuration that is
// on its way out; those are not.)
void kill_one(Server& server, const std::string& kind) {
  const std::size_t before = server.log().size();
  const std::vector<pid_t> pids = of_kind(server.process().pid(), kind);
  REQUIRE_FALSE(pids.empty());
  kill(pids.back(), SIGKILL);
  REQUIRE(wait_until([&] { return server.log().find("restarting it", before) != std::string::npos; }, 20s));
  const auto is_new = [&](pid_t pid) { return std::ranges::find(pids, pid) == pids.end(); };
  REQUIRE(wait_until([&] { return std::ranges::any_of(of_kind(server.process().pid(), kind), is_new); }, 20s));
}

void reload(Server& server) {
  const std::size_t before = server.log().size();
  server.process().signal(SIGUSR1);
  REQUIRE(wait_until([&] { return server.log().find("Reloading complete", before) != std::string::npos; }, 30s));
}

swage::async::Task<> register_once(Registrar& registrar, const swage::libp2p::PrivateKey& key, std::string body,
                                   unsigned& status) {
  const swage::http::Response response = co_await registrar.registers(key, std::move(body));
  status = response.status;
  registrar.close();
}

bool is_installed(const char* program) {
  const std::string command = std::string("command -v ") + program + " >/dev/null 2>&1";
  if (std::system(command.c_str()) == 0) return true;
  const std::string text = std::string("SKIPPED: ") + program + " is not installed (Debian: prometheus)";
  std::fprintf(stderr, "%s\n", text.c_str());
  WARN(text);
  return false;
}

}  // namespace

TEST_CASE("metrics: each query counts once, whoever is killed or replaced") {
  Server server(kForge, {.workers = 2});
  const std::uint16_t port = server.second_port();
  std::uint64_t count = 0;
  const auto ask = [&] {
    for (int i = 0; i < 10; ++i, ++count) static_cast<void>(server.ask(kQuestion));
    CHECK(asked(port) == count);
  };
  ask();
  CHECK(scrape(port).find("swage_child_restarts_total{role=\"dns\"} 0") != std::string::npos);
  for (int round = 0; round < 2; ++round) {
    kill_one(server, "@dns");
    ask();
    kill_one(server, "@service");
    ask();
    reload(server);
    ask();
  }
  const std::string text = scrape(port);
  CHECK(sum(text, "swage_child_restarts_total{role=\"dns\"}") == 2);
  CHECK(sum(text, "swage_child_restarts_total{role=\"service\"}") == 2);
  CHECK(sum(text, "swage_reloads_total{result=\"ok\"}") == 2);
  CHECK(sum(text, "coredns_dns_responses_total", "rcode=\"NOERROR\",plugin=\"file\"") == count);
  CHECK(sum(text, "coredns_dns_request_duration_seconds_count", kZone) == count);
  CHECK(sum(text, "coredns_build_info{") == 1);
  CHECK(sum(text, "coredns_plugin_enabled{", "name=\"file\"") == 1);
  server.write_corefile(std::string(kForge) + "example.org {\n nonsense\n}\n");
  server.process().signal(SIGUSR1);
  CHECK(wait_until([&] { return sum(scrape(port), "swage_reloads_total{result=\"error\"}") == 1; }, 20s));
}

TEST_CASE("metrics: under load counters never go back, and nothing that was answered is missing") {
  Server server(kForge, {.workers = 2, .release = true});
  const std::uint16_t port = server.second_port();
  std::atomic<bool> stopping{false};
  std::atomic<std::uint64_t> scrapes{0}, went_back{0};
  std::thread watcher([&] {
    for (std::uint64_t last = 0; !stopping;) {
      const auto reply = get(port, "/metrics", 2000ms);
      if (!reply || reply->status != 200) continue;
      const std::uint64_t now = sum(reply->body, kRequests, kZone);
      if (now < last) ++went_back;
      last = now;
      ++scrapes;
    }
  });
  Load load(server.endpoint(), 8, 2000ms);
  for (int round = 0; round < 3; ++round) {
    CHECK(load.wait_for_answers(500));
    kill_one(server, "@dns");
    CHECK(load.wait_for_answers(500));
    kill_one(server, "@service");
    CHECK(load.wait_for_answers(500));
    reload(server);
  }
  CHECK(load.wait_for_answers(500));
  load.stop();
  const std::uint64_t counted = asked(port);
  stopping = true;
  watcher.join();
  const std::uint64_t answered = load.answered() + load.retried() + load.wrong();
  const std::uint64_t most = answered + load.retried() + load.wrong() + 2 * load.lost() + 2 * load.size();
  INFO(load.answered() << " answered, " << load.retried() << " at the second try, " << load.lost() << " lost, "
                       << counted << " counted, " << scrapes << " scrapes\n"
                       << server.log());
  CHECK(counted >= answered);
  CHECK(counted <= most);
  CHECK(went_back == 0);
  CHECK(scrapes > 5);
}

TEST_CASE("metrics: many scrape at once") {
  Server server(kForge, {.workers = 2});
  std::atomic<std::uint64_t> good{0}, bad{0};
  std::vector<std::thread> scrapers;
  for (int i = 0; i < 16; ++i) {
    scrapers.emplace_back([&] {
      for (int k = 0; k < 20; ++k) {
        const auto reply = get(server.second_port(), "/metrics", 20000ms);
        const bool whole = reply && reply->status == 200 && reply->body.ends_with("\n") &&
                           reply->body.find("process_virtual_memory_bytes ") != std::string::npos;
        ++(whole ? good : bad);
      }
    });
  }
  for (int i = 0; i < 50; ++i) static_cast<void>(server.ask(kQuestion));
  for (std::thread& each : scrapers) each.join();
  CHECK(good == 320);
  CHECK(bad == 0);
  CHECK(asked(server.second_port()) == 50);
  CHECK(get(server.second_port(), "/")->status == 404);
}

TEST_CASE("metrics: promtool finds nothing wrong") {
  if (!is_installed("promtool")) return;
  const Port third;
  const Server server("libp2p.direct {\n bind 127.0.0.1\n prometheus 127.0.0.1:@PORT2@\n health 127.0.0.1:" +
                      std::to_string(third.number()) + "\n acme-txt\n ipsubdomain\n file zones/libp2p.direct\n}\n");
  static_cast<void>(server.ask(kQuestion));
  static_cast<void>(server.ask_tcp({.name = "nowhere.test.", .type = "AAAA"}));
  const std::string file = server.folder().write("scrape", scrape(server.second_port()));
  auto promtool = Process::start({.arguments = {"sh", "-c", "promtool check metrics <" + file}});
  REQUIRE(promtool);
  const auto status = promtool->wait(20s);
  INFO(promtool->log() << read_file(file));
  REQUIRE(status);
  CHECK(status->clean());
}

TEST_CASE("metrics: Prometheus scrapes them") {
  if (!is_installed("prometheus")) return;
  Server server(kForge, {.workers = 2});
  for (int i = 0; i < 7; ++i) static_cast<void>(server.ask(kQuestion));
  const Port port;
  const Folder& folder = server.folder();
  const std::string config =
      folder.write("prometheus.yml",
                   "global:\n  scrape_interval: 200ms\n  scrape_timeout: 200ms\nscrape_configs:\n  - job_name: swage\n"
                   "    static_configs:\n      - targets: ['127.0.0.1:" +
                       std::to_string(server.second_port()) + "']\n");
  auto prometheus = Process::start(
      {.arguments = {"prometheus", "--config.file=" + config, "--storage.tsdb.path=" + folder.file("data"),
                     "--web.listen-address=127.0.0.1:" + std::to_string(port.number())}});
  REQUIRE(prometheus);
  const auto value = [&](const std::string& query, const std::string& expected) {
    const auto reply = get(port.number(), "/api/v1/query?query=" + query);
    return reply && reply->status == 200 && reply->body.find(",\"" + expected + "\"]") != std::string::npos;
  };
  INFO(prometheus->log());
  CHECK(wait_until([&] { return value("up", "1"); }, 60s));
  CHECK(wait_until([&] { return value("sum(coredns_dns_requests_total%7Bzone=%22libp2p.direct.%22%7D)", "7"); }, 20s));
  kill_one(server, "@dns");
  static_cast<void>(server.ask(kQuestion));
  CHECK(wait_until([&] { return value("sum(coredns_dns_requests_total%7Bzone=%22libp2p.direct.%22%7D)", "8"); }, 20s));
  CHECK(value("max(max_over_time(swage_processes%7Brole=%22dns%22%7D%5B5m%5D))", "2"));
}

TEST_CASE("metrics: registrations, challenges and names of peers") {
  const Port third;
  Server server(
      "libp2p.direct {\n bind 127.0.0.1\n metadata\n prometheus 127.0.0.1:" + std::to_string(third.number()) +
      "\n log . \"{name} peer={/forge/peerid} ip={/forge/ip} {/forge/nothing}\"\n errors\n acme-txt\n ipsubdomain\n"
      " broker registration.libp2p.direct {\n  listen 127.0.0.1:@PORT2@\n  tls off\n"
      "  dial {\n   allow 127.0.0.0/8\n  }\n }\n file zones/libp2p.direct\n}\n");
  unsigned status = 0;
  swage::async::Loop loop;
  const Nodes nodes(loop);
  const swage::libp2p::PrivateKey key = Nodes::key(0);
  Registrar registrar(loop, loopback(server.second_port()), "registration.libp2p.direct");
  loop.spawn(register_once(registrar, key, registration_body(challenge_value(1), {nodes.address(0)}), status));
  swage::async::Timer patience(loop, [&loop] { loop.stop(); });
  patience.start(10s);
  swage::async::Timer watch(loop, [&] {
    if (status != 0) loop.stop();
    watch.start(10ms);
  });
  watch.start(10ms);
  loop.run();
  CHECK(status == 200);

  const std::string peer = key.public_key().peer_id().to_base36();
  const std::string name = peer + ".libp2p.direct.";
  static_cast<void>(server.ask({.name = "_acme-challenge." + name, .type = "TXT"}));
  static_cast<void>(server.ask({.name = "_acme-challenge." + name, .type = "CAA"}));
  static_cast<void>(server.ask({.name = "192-0-2-1." + name, .type = "A"}));
  static_cast<void>(server.ask({.name = "192-0-2-1." + name, .type = "AAAA"}));
  static_cast<void>(server.ask({.name = name, .type = "SOA"}));
  const std::string text = scrape(third.number());
  INFO(text);
  CHECK(sum(text, "coredns_forge_acme_http_request_duration_seconds_count{code=\"200\"") == 1);
  CHECK(sum(text, "coredns_forge_acme_http_request_duration_seconds_count{code=\"401\"") == 1);
  CHECK(text.find("coredns_forge_acme_http_requests_inflight{handler=\"/v1/_acme-challenge\",service=\"\"} 0\n") !=
        std::string::npos);
  CHECK(sum(text, "swage_broker_registrations_total{result=\"ok\"}") == 1);
  CHECK(sum(text, "swage_challenges{zone=\"libp2p.direct.\"}") == 1);
  CHECK(sum(text, "swage_challenges_capacity{zone=\"libp2p.direct.\"}") == 100'000);
  CHECK(sum(text, "coredns_forge_acme_dns01_responses_total{type=\"TXT\"}") == 1);
  CHECK(sum(text, "coredns_forge_acme_dns01_responses_total{type=\"NODATA-CAA\"}") == 1);
  CHECK(sum(text, "coredns_forge_ipparser_responses_total{type=\"A\"}") == 1);
  CHECK(sum(text, "coredns_forge_ipparser_responses_total{type=\"NODATA-AAAA\"}") == 1);
  CHECK(sum(text, "coredns_forge_ipparser_responses_total{type=\"NODATA-PEERID-SOA\"}") == 1);
  CHECK(sum(text, "coredns_dns_responses_total", "plugin=\"ipsubdomain\"") == 3);
  CHECK(sum(text, "coredns_dns_responses_total", "plugin=\"acme-txt\"") == 2);
  CHECK(sum(text, "coredns_forge_info{") == 1);
  CHECK(wait_until([&] { return server.log().find("peer=" + peer + " ip=192.0.2.1 -") != std::string::npos; }, 5s));
  CHECK(wait_until([&] { return server.log().find("peer=" + peer + " ip=- -") != std::string::npos; }, 5s));
  CHECK(wait_until(
      [&] { return sum(scrape(third.number()), "coredns_forge_acme_libp2p_probe_total{result=\"ok\"") == 1; }, 10s));
}

TEST_CASE("health, ready: in the time between being told to end and ending") {
  const Port third;
  const std::uint16_t ready_port = third.number();
  Server server(". {\n bind 127.0.0.1\n health 127.0.0.1:@PORT2@ {\n  lameduck 3s\n }\n ready 127.0.0.1:" +
                std::to_string(ready_port) + "\n whoami\n}\n");
  const auto status = [](std::uint16_t port, const char* path) {
    const auto reply = get(port, path);
    return reply ? reply->status : 0;
  };
  CHECK(get(server.second_port(), "/health")->body == "OK");
  CHECK(get(ready_port, "/ready")->body == "OK");
  CHECK(status(server.second_port(), "/healthy") == 404);
  server.process().signal(SIGTERM);
  CHECK(wait_until([&] { return status(ready_port, "/ready") == 503; }, 2s));
  CHECK(status(server.second_port(), "/health") == 200);
  CHECK(server.ask({.name = "a.test.", .type = "A"}).rcode_text() == "NOERROR");
  CHECK(server.process().running());
}
