// Answers of another nameserver (a second swage) by forward, kept by cache: in all processes, over kills and reloads.
#include <signal.h>

#include <memory>

#include <fmt/format.h>

#include "tests/support/server.h"

#include <catch2/catch.hpp>  // last: its CHECK is the one that counts here

namespace {

using namespace swage;
using namespace swage::tests;
using namespace std::chrono_literals;

constexpr std::string_view kZone =
    "$ORIGIN example.org.\n"
    "@ 300 SOA ns hostmaster 1 3600 600 86400 300\n"
    "@ 300 NS ns\n"
    "ns 300 A 192.0.2.53\n"
    "long 300 A 192.0.2.1\n"
    "short 1 A 192.0.2.2\n";

struct Servers {
  explicit Servers(std::string_view cache, unsigned workers = 2) {
    const std::string zone = folder.write("zone", kZone);
    upstream = std::make_unique<Server>(fmt::format("example.org {{\n bind 127.0.0.1\n file {}\n}}\n", zone));
    server = std::make_unique<Server>(
        fmt::format(". {{\n bind 127.0.0.1\n errors\n {}\n forward . 127.0.0.1:{} {{\n  max_fails 0\n }}\n}}\n", cache,
                    upstream->port()),
        ServerOptions{.workers = workers});
  }

  // "NOERROR 192.0.2.1", each from a port of its own, so that any dns process may answer.
  [[nodiscard]] std::string ask(const std::string& label) const {
    const Decoded answer = decoded(label);
    if (answer.answer.empty()) return answer.rcode_text();
    const std::string& record = answer.answer[0];
    return fmt::format("{} {}", answer.rcode_text(), record.substr(record.rfind(' ') + 1));
  }
  // It takes forward some seconds to give up.
  [[nodiscard]] Decoded decoded(const std::string& label) const {
    const Question question{.name = label + ".example.org.", .type = "A", .opt = Opt{}};
    const auto answer = ask_udp(server->endpoint(), encode(question), 20s);
    REQUIRE(answer);
    return *decode(*answer);
  }
  void kill_children(std::string_view kind) const {
    for (const pid_t child : children(server->process().pid(), kind)) kill(child, SIGKILL);
  }

  Folder folder;
  std::unique_ptr<Server> upstream, server;
};

}  // namespace

TEST_CASE("cache: what one process has fetched all answer, without the nameserver, over kills and reloads") {
  Servers servers("cache");
  REQUIRE(servers.ask("long") == "NOERROR 192.0.2.1");
  REQUIRE(servers.ask("none") == "NXDOMAIN");
  servers.upstream->stop();
  const auto all_answer = [&] {
    for (int i = 0; i < 20; ++i) {
      CHECK(servers.ask("long") == "NOERROR 192.0.2.1");
      CHECK(servers.ask("none") == "NXDOMAIN");
    }
  };
  all_answer();

  servers.kill_children("@dns");
  all_answer();
  for (const char* const kind : {"@fetch", "@service"}) {
    const auto before = children(servers.server->process().pid(), kind);
    if (before.empty()) continue;
    servers.kill_children(kind);
    CHECK(wait_until(
        [&] {
          const auto now = children(servers.server->process().pid(), kind);
          return !now.empty() && now != before;
        },
        20s));
    all_answer();
  }
  const std::size_t log = servers.server->log().size();
  servers.server->process().signal(SIGUSR1);
  REQUIRE(wait_until([&] { return servers.server->log().find("Reloading complete", log) != std::string::npos; }, 30s));
  all_answer();
}

TEST_CASE("cache: what is too old is told where it cannot be fetched") {
  Servers servers("cache {\n success 1024 60 1\n serve_stale 1h verify\n}");
  REQUIRE(servers.ask("short") == "NOERROR 192.0.2.2");
  servers.upstream->stop();
  const auto is_stale = [&] {
    const Decoded answer = servers.decoded("short");
    CHECK(answer.rcode_text() == "NOERROR");
    return answer.opt && answer.opt->option(15) != nullptr;
  };
  CHECK(wait_until(is_stale, 20s));
  CHECK(servers.ask("long") == "SERVFAIL");
}

TEST_CASE("cache: without it, and without the nameserver, there is no answer") {
  Servers servers("");
  REQUIRE(servers.ask("long") == "NOERROR 192.0.2.1");
  servers.upstream->stop();
  CHECK(servers.ask("long") == "SERVFAIL");
}
