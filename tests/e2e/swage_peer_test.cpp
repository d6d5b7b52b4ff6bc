// The program swage-peer against a running server with a broker: what operators and the hooks of ACME clients do.
#include <cstdlib>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include <fmt/format.h>

#include "core/async/tls_testing.h"
#include "tests/support/broker/registrar.h"
#include "tests/support/server.h"

#include <catch2/catch.hpp>  // last: its CHECK is the one that counts here

namespace {

using namespace swage::tests;

const std::string kDomain = "registration.libp2p.direct";  // py-libp2p knows no other
constexpr Milliseconds kLong{30000};
constexpr std::string_view kListen = "/ip4/127.0.0.1/tcp/0";

std::string corefile(std::string_view broker = "tls off") {
  return fmt::format(
      "libp2p.direct {{\n bind 127.0.0.1\n errors\n acme-txt\n"
      " broker {} {{\n  listen 127.0.0.1:@PORT2@\n  limit peer off\n  limit client off\n"
      "  dial {{\n   allow 127.0.0.0/8\n  }}\n  {}\n }}\n}}\n",
      kDomain, broker);
}

struct Ran {
  int status = -1;
  std::string output, errors;
};

std::string program() {
  const char* const build = std::getenv("SWAGE_BUILD");
  if (build == nullptr) FAIL("the environment variable SWAGE_BUILD names no folder: run this test with ctest");
  return std::string(build) + "/swage-peer";
}

Command command(const std::vector<std::string>& arguments) {
  Command made;
  made.arguments = arguments;
  made.arguments.insert(made.arguments.begin(), program());
  return made;
}

Ran run_peer(const Command& made) {
  auto process = Process::start(made);
  REQUIRE(process);
  const auto status = process->wait(kLong);
  REQUIRE(status);
  CHECK_FALSE(status->signalled);
  return {status->code, process->output(), process->errors()};
}

Ran run_peer(const std::vector<std::string>& arguments) { return run_peer(command(arguments)); }

std::vector<std::string> registering(const Server& server, const std::string& value,
                                     const std::vector<std::string>& more = {}) {
  std::vector<std::string> arguments = {
      "--register", fmt::format("http://127.0.0.1:{}", server.second_port()), "--host", kDomain, "--value", value};
  arguments.insert(arguments.end(), more.begin(), more.end());
  return arguments;
}

std::string line_of(const std::string& text, std::size_t number) {
  std::size_t begin = 0;
  while (number-- > 0) begin = text.find('\n', begin) + 1;
  return text.substr(begin, text.find('\n', begin) - begin);
}

// Whether the TXT of the key's peer has the value.
bool is_answered(const Server& server, const std::string& key_file, const std::string& value) {
  const std::string label = line_of(run_peer({"--key", key_file, "--id"}).output, 1);
  const auto answer = server.ask({"_acme-challenge." + label + ".libp2p.direct.", "TXT"});
  for (const std::string& record : answer.answer) {
    if (record.ends_with("\"" + value + "\"")) return true;
  }
  return false;
}

}  // namespace

TEST_CASE("swage-peer: each client with each type of key registers, and DNS answers") {
  const Server server(corefile());
  std::uint64_t number = 1;
  for (const std::string type : {"ed25519", "rsa", "ecdsa", "secp256k1"}) {
    const std::string key = server.folder().file(type);
    for (const std::string dialect : {"go", "js", "nim", "python", "rust", "dotnet"}) {
      INFO(type << " " << dialect);
      const std::string value = challenge_value(number++);
      const Ran ran = run_peer(registering(
          server, value, {"--dialect", dialect, "--key", key, "--key-type", type, "--listen", std::string(kListen)}));
      CHECK(ran.errors.empty());
      CHECK(ran.status == 0);
      CHECK(ran.output.starts_with("registered " + value + " for "));
      CHECK(is_answered(server, key, value));
    }
  }
}

TEST_CASE("swage-peer: reached over TCP and WebSocket, with Noise and TLS") {
  const Server server(corefile());
  for (const std::string listen : {"/ip4/127.0.0.1/tcp/0", "/ip4/127.0.0.1/tcp/0/ws"}) {
    for (const std::string security : {"noise", "tls"}) {
      INFO(listen << " " << security);
      const Ran ran = run_peer(registering(server, challenge_value(1), {"--listen", listen, "--security", security}));
      CHECK(ran.errors.empty());
      CHECK(ran.status == 0);
    }
  }
}

// Nothing is said about where it listens: it is where it reached the broker from.
TEST_CASE("swage-peer: listens on all addresses and announces one that leads back") {
  const Server server(corefile());
  const Ran ran = run_peer(registering(server, challenge_value(1), {"--listen", "/ip4/0.0.0.0/tcp/0"}));
  CHECK(ran.errors.empty());
  CHECK(ran.status == 0);
}

// As in a hook, while a node with the same key runs elsewhere.
TEST_CASE("swage-peer: one listens until it is told to stop, another registers for it") {
  const Server server(corefile());
  const std::string key = server.folder().file("key");
  auto node = Process::start(
      command({"--key", key, "--listen", std::string(kListen), "--listen", std::string(kListen) + "/ws"}));
  REQUIRE(node);
  REQUIRE(node->wait_for("/ws/p2p/", kLong));
  const std::string line = line_of(node->output(), 0);
  const std::string prefix = "listening on ";
  REQUIRE(line.starts_with(prefix));
  const std::string value = challenge_value(7);
  const Ran ran =
      run_peer(registering(server, value, {"--key", key, "--no-listen", "--announce", line.substr(prefix.size())}));
  CHECK(ran.errors.empty());
  CHECK(ran.status == 0);
  CHECK(is_answered(server, key, value));
  CHECK(wait_until([&] { return server.log().find(" is swage-peer/") != std::string::npos; }, kLong));
  CHECK(node->running());
  node->signal(SIGTERM);
  const auto status = node->wait(kLong);
  REQUIRE(status);
  CHECK(status->clean());
}

TEST_CASE("swage-peer: over TLS") {
  const Folder folder;
  const auto authority = swage::async::testing::make_tls_identity("");
  const auto identity = swage::async::testing::make_tls_identity("DNS:" + kDomain, &authority);
  const std::string chain = folder.write("chain.pem", identity.certificate_pem);
  const std::string key = folder.write("key.pem", identity.key_pem);
  const std::string ca = folder.write("ca.pem", authority.certificate_pem);
  const Server server(corefile(fmt::format("tls {} {}", chain, key)));
  const std::string url = fmt::format("https://127.0.0.1:{}", server.second_port());
  std::vector<std::string> arguments = {
      "--register", url, "--host", kDomain, "--value", challenge_value(1), "--listen", std::string(kListen)};
  const Ran untrusted = run_peer(arguments);
  CHECK(untrusted.status == 3);
  CHECK(untrusted.errors.find("TLS") != std::string::npos);
  arguments.insert(arguments.end(), {"--ca", ca});
  for (const std::string dialect : {"go", "js", "nim", "python", "rust", "dotnet"}) {
    INFO(dialect);
    std::vector<std::string> as_client = arguments;
    as_client.insert(as_client.end(), {"--dialect", dialect});
    const Ran ran = run_peer(as_client);
    CHECK(ran.errors.empty());
    CHECK(ran.status == 0);
  }
  arguments.back() = folder.file("none.pem");
  CHECK(run_peer(arguments).status == 2);
}

TEST_CASE("swage-peer: the access token is sent by those who can") {
  const Folder folder;
  const Server server(corefile("tls off\n  access-token " + folder.write("token", "open sesame\n")));
  for (const auto& [dialect, expected] :
       {std::pair{"go", 0}, {"js", 1}, {"nim", 1}, {"python", 1}, {"rust", 0}, {"dotnet", 1}}) {
    INFO(dialect);
    Command with =
        command(registering(server, challenge_value(1), {"--listen", std::string(kListen), "--dialect", dialect}));
    CHECK(run_peer(with).status == 1);
    with.environment = {{"FORGE_ACCESS_TOKEN", "open sesame"}};
    const Ran ran = run_peer(with);
    CHECK(ran.status == expected);
    if (expected == 1) CHECK(ran.errors.starts_with("swage-peer: 403 "));
  }
}

TEST_CASE("swage-peer: exit statuses") {
  const Server server(corefile());
  const Port nobody;
  const std::string dead = fmt::format("/ip4/127.0.0.1/tcp/{}", nobody.number());

  const Ran unreachable = run_peer(registering(server, challenge_value(1), {"--no-listen", "--announce", dead}));
  CHECK(unreachable.status == 1);
  CHECK(unreachable.errors.starts_with("swage-peer: 400 "));
  CHECK(unreachable.output.empty());

  const Ran bad_value = run_peer(registering(server, "not-a-digest", {"--listen", std::string(kListen)}));
  CHECK(bad_value.status == 1);
  CHECK(bad_value.errors.starts_with("swage-peer: 400 "));

  CHECK(run_peer({"--register"}).status == 2);
  CHECK(run_peer({"--listen", "/dns4/a.example/tcp/1"}).status != 0);
  CHECK(run_peer({"--id", "--key", server.folder().path()}).status == 2);
  const Ran nothing = run_peer({"--register", fmt::format("http://127.0.0.1:{}", nobody.number()), "--value", "x",
                                "--listen", std::string(kListen)});
  CHECK(nothing.status == 3);
  CHECK(run_peer({"--listen", fmt::format("/ip4/127.0.0.1/tcp/{}", server.second_port())}).status == 3);  // taken
  CHECK(run_peer({"--help"}).status == 0);
  CHECK(run_peer({"--version"}).output.starts_with("swage-peer-"));
}

// A socket that got the number of a closed stream ended the program in libuv, and could have been written to.
TEST_CASE("swage-peer: without standard streams") {
  const Server server(corefile());
  std::string line = "exec " + program();
  for (const std::string& argument : registering(server, challenge_value(1), {"--listen", std::string(kListen)})) {
    line += " '" + argument + "'";
  }
  CHECK(run_peer(Command{.arguments = {"sh", "-c", line + " <&- >&- 2>&-"}}).status == 0);
}
