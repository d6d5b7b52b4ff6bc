// `tls auto`: certificates that swage gets by itself from Pebble, in a real server: at first, renewed while clients
// come, with a CA that is down or refuses, and processes that are killed.
#include <signal.h>

#include <filesystem>
#include <fstream>

#include <fmt/format.h>

#include "tests/support/pebble.h"
#include "tests/support/peers.h"
#include "tests/support/server.h"

#include <catch2/catch.hpp>  // last: its CHECK is the one that counts here

namespace {

using namespace swage;
using namespace swage::tests;
using namespace std::chrono_literals;

constexpr Milliseconds kLong{60000};
const std::string kDomain = "registration.libp2p.direct";

// The same server, whatever CA: Pebble wants to know its port first.
struct Forge {
  explicit Forge(const std::string& more = "", const PebbleOptions& options = {})
      : state(folder.file("state")),
        server(corefile("https://localhost:1/dir", "/nowhere", more)),
        pebble(server.endpoint(), options) {
    server.write_corefile(corefile(pebble.directory(), pebble.certificate(), more));
    server.process().signal(SIGUSR1);
    REQUIRE(server.process().wait_for("Reloading complete", kLong));
  }
  [[nodiscard]] std::string corefile(const std::string& directory, const std::string& authorities,
                                     const std::string& more) const {
    return fmt::format(
        "libp2p.direct {{\n bind 127.0.0.1\n errors\n prometheus 127.0.0.1:{}\n acme-txt\n broker {} {{\n"
        "  listen 127.0.0.1:@PORT2@\n  acme {{\n   directory {}\n   ca-file {}\n   state {}\n   {}\n  }}\n }}\n"
        " file zones/libp2p.direct\n}}\n",
        metrics.number(), kDomain, directory, authorities, state, more);
  }
  // The status and body of a request of the broker's, by curl; "000" where there is no TLS that is good.
  [[nodiscard]] std::string health(const std::string& roots) const {
    const std::string at = fmt::format("https://{}:{}/v1/health", kDomain, server.second_port());
    std::vector<std::string> arguments = {
        "curl", "-s", "-w", "%{http_code}", "--resolve", fmt::format("{}:{}:127.0.0.1", kDomain, server.second_port())};
    if (roots.empty()) {
      arguments.emplace_back("-k");
    } else {
      arguments.insert(arguments.end(), {"--cacert", roots});
    }
    arguments.push_back(at);
    const auto said = run({.arguments = {"sh", "-c", fmt::format("{} || true", fmt::join(arguments, " "))}});
    return said ? *said : said.error().text();
  }
  [[nodiscard]] bool is_certified() {
    return wait_until([this] { return std::filesystem::exists(state + "/" + kDomain + ".pem"); }, kLong) &&
           wait_until([this] { return health("") == "204"; }, kLong);
  }
  [[nodiscard]] double metric(const std::string& series) const {
    const auto text = run({.arguments = {"curl", "-sS", fmt::format("http://127.0.0.1:{}/metrics", metrics.number())}});
    REQUIRE(text);
    const std::size_t at = text->find(series + " ");
    return at == std::string::npos ? -1 : std::stod(text->substr(at + series.size()));
  }
  [[nodiscard]] std::string record() const { return read_file(state + "/" + kDomain + ".json"); }
  // As the operator who has mended what was wrong, and does not want to wait.
  void try_at_once() const { std::filesystem::remove(state + "/" + kDomain + ".json"); }

  Folder folder;
  std::string state;
  Port metrics;
  Server server;
  Pebble pebble;
};

}  // namespace

TEST_CASE("acme: a broker gets its certificate, with a third of all nonces refused") {
  if (!have_peer("pebble")) return;
  Forge forge("", {.bad_nonces = 30});
  REQUIRE(forge.is_certified());
  const std::string roots = forge.folder.write("roots", forge.pebble.root());
  CHECK(forge.health(roots) == "204");
  CHECK(forge.pebble.issued() == 1);
  namespace fs = std::filesystem;
  for (const char* const file : {"account.key", "registration.libp2p.direct.pem"}) {
    INFO(file);
    CHECK(fs::status(forge.state + "/" + file).permissions() == fs::perms(0600));
  }
  CHECK_FALSE(fs::exists(forge.state + "/registration.libp2p.direct.new-key"));
  CHECK(forge.metric("swage_acme_orders_total{domain=\"registration.libp2p.direct\",result=\"ok\"}") == 1);
  CHECK(forge.metric("swage_certificate_expiry_timestamp_seconds{domain=\"registration.libp2p.direct\"}") > 1e9);
  // The name's other records are what they were, and what nobody put is not there.
  CHECK(forge.server.ask({.name = "_acme-challenge.other.libp2p.direct.", .type = "TXT"}).answer.empty());
  CHECK(forge.server.ask({.name = "_acme-challenge.registration.libp2p.direct.", .type = "A"}).answer.empty());

  // A new process finds all of it.
  for (const pid_t each : children(forge.server.process().pid(), "@service")) kill(each, SIGKILL);
  REQUIRE(wait_until([&] { return forge.health(roots) == "204"; }, kLong));
  CHECK(forge.pebble.issued() == 1);
}

TEST_CASE("acme: until there is a certificate, health says so, and clients that verify are refused") {
  if (!have_peer("pebble")) return;
  Forge forge;
  forge.pebble.stop();
  std::filesystem::remove_all(forge.state);
  for (const pid_t each : children(forge.server.process().pid(), "@service")) kill(each, SIGKILL);
  REQUIRE(wait_until([&] { return forge.health("") == "there is no certificate yet\n503"; }, kLong));
  CHECK(forge.health(forge.pebble.certificate()) == "000");
  REQUIRE(wait_until([&] { return forge.record().find("\"problem\": \"asking for") != std::string::npos; }, kLong));
  forge.pebble.start();
  CHECK(forge.is_certified());
  CHECK(forge.health(forge.folder.write("roots", forge.pebble.root())) == "204");
}

TEST_CASE("acme: certificates are renewed again and again, whatever is killed meanwhile") {
  if (!have_peer("pebble")) return;
  Forge forge("", {.validity = 8});
  REQUIRE(forge.is_certified());
  for (int killed = 0; killed < 3; ++killed) {
    const std::size_t before = forge.pebble.issued();
    for (const pid_t each : children(forge.server.process().pid(), "@service")) kill(each, SIGKILL);
    REQUIRE(wait_until([&] { return forge.pebble.issued() > before; }, kLong));
  }
  const std::string roots = forge.folder.write("roots", forge.pebble.root());
  CHECK(wait_until([&] { return forge.health(roots) == "204"; }, kLong));
}

TEST_CASE("acme: while short-lived certificates are renewed, no client sees an error", "[.long]") {
  if (!have_peer("pebble")) return;
  Forge forge("", {.validity = 30});
  REQUIRE(forge.is_certified());
  const std::string roots = forge.folder.write("roots", forge.pebble.root());
  std::size_t asked = 0;
  std::string error;
  const auto ask = [&] {
    const std::string said = forge.health(roots);
    if (said != "204") error = said;
    ++asked;
    return forge.pebble.issued() >= 4 || !error.empty();
  };
  CHECK(wait_until(ask, 3 * kLong));
  CHECK(error.empty());
  WARN(asked << " requests");
}

TEST_CASE("acme: what a CA refuses is said, and not asked for again at once") {
  if (!have_peer("pebble")) return;
  Forge forge("eab known " + std::string("/nowhere/key"),
              {.external_account = "known", .external_key = "c2VjcmV0LXNlY3JldC1zZWNyZXQtc2VjcmV0LXNlY3I"});
  REQUIRE(wait_until([&] { return forge.record().find("/nowhere/key: No such file") != std::string::npos; }, kLong));

  const std::string key = forge.folder.write("key", "d3Jvbmctd3Jvbmctd3Jvbmctd3Jvbmctd3Jvbmctd3I\n");
  forge.server.write_corefile(forge.corefile(forge.pebble.directory(), forge.pebble.certificate(), "eab known " + key));
  forge.server.process().signal(SIGUSR1);
  REQUIRE(wait_until([&] { return forge.record().find("making an account: ") != std::string::npos; }, kLong));
  CHECK(forge.server.log().find("no certificate: making an account: ") != std::string::npos);
  CHECK(forge.metric("swage_acme_failures{domain=\"registration.libp2p.direct\"}") >= 1);
  CHECK(forge.metric("swage_acme_renewal_timestamp_seconds{domain=\"registration.libp2p.direct\"}") == 0);

  static_cast<void>(forge.folder.write("key", "c2VjcmV0LXNlY3JldC1zZWNyZXQtc2VjcmV0LXNlY3I\n"));
  forge.try_at_once();
  CHECK(forge.is_certified());
}

TEST_CASE("acme: two servers with one folder have one certificate") {
  if (!have_peer("pebble")) return;
  Forge forge;
  REQUIRE(forge.is_certified());
  std::string corefile = forge.corefile(forge.pebble.directory(), forge.pebble.certificate(), "");
  const std::size_t prometheus = corefile.find(" prometheus");
  corefile.erase(prometheus, corefile.find('\n', prometheus) - prometheus);
  const Server second(corefile);
  const auto serves = [&] {
    const auto said = run({.arguments = {"curl", "-sk", "-o", "/dev/null", "-w", "%{http_code}",
                                         fmt::format("https://127.0.0.1:{}/v1/health", second.second_port())}});
    return said && *said == "204";
  };
  CHECK(wait_until(serves, kLong));
  CHECK(second.log().find("asks for a certificate") == std::string::npos);
  CHECK(forge.pebble.issued() == 1);
}
