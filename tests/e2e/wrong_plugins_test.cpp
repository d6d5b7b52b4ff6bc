// What a plugin does wrong is said in the log, so that its author, or the operator, knows where to look. $SWAGE is
// swage_wrong here (tests/support/wrong/plugins.cpp).
#include <poll.h>
#include <signal.h>
#include <sys/socket.h>

#include "core/server/work.h"
#include "tests/support/server.h"

#include <catch2/catch.hpp>  // last: its CHECK is the one that counts here

namespace {

using namespace swage;
using namespace swage::tests;
using namespace std::chrono_literals;

constexpr const char* kCorefile = "a.test {\n    bind 127.0.0.1\n    wrong\n    whoami\n}\n";

void send_query(const Server& server, const Question& question) {
  const UdpClient client(server.endpoint());
  client.send(encode(question));
}

bool answers(const Server& server) {
  const UdpClient client(server.endpoint());
  client.send(encode(Question{.name = "a.test.", .type = "A"}));
  return client.receive(100ms).has_value();
}

// The body of GET /ready; empty where nobody answers.
std::string ready(std::uint16_t port) {
  TcpClient client({*IpAddress::parse("127.0.0.1"), port, 0});
  if (!client.connected() ||
      !client.send_raw(as_bytes("GET /ready HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n"))) {
    return "";
  }
  std::string text(4096, '\0');
  std::size_t size = 0;
  for (ssize_t got = 1; got > 0 && size < text.size();) {
    pollfd readable{client.descriptor(), POLLIN, 0};
    if (poll(&readable, 1, 2000) != 1) break;
    got = recv(client.descriptor(), text.data() + size, text.size() - size, 0);
    size += static_cast<std::size_t>(std::max<ssize_t>(got, 0));
  }
  text.resize(size);
  return text.substr(std::min(text.find("\r\n\r\n"), text.size()));
}

}  // namespace

TEST_CASE("wrong plugins: a crash names the query and the directive") {
  Server server(kCorefile);
  send_query(server, {.name = "crash.a.test.", .type = "MX"});
  CHECK(server.process().wait_for(
      "killed by signal 6 (Aborted) while it answered 'crash.a.test. MX' (the last directive asked was 'wrong'); "
      "restarting it",
      kPatience));
  CHECK(wait_until([&] { return answers(server); }, 10s));
}

TEST_CASE("wrong plugins: a hang names the query and the directive; bytes of the query cannot forge a line") {
  Server server(kCorefile);
  send_query(server, {.name = "hang.x\\010\\027y.a.test.", .type = "TXT"});
  CHECK(server.process().wait_for(
      " s while it answered 'hang.x\\010\\027y.a.test. TXT' (the last directive asked was 'wrong')", 15s));
  CHECK(server.log().find("is killed: it has made no progress for ") != std::string::npos);
  CHECK(wait_until([&] { return answers(server); }, 10s));
}

TEST_CASE("wrong plugins: a process that is killed while it answers nothing is not blamed on a query") {
  Server server(kCorefile);
  CHECK(answers(server));
  REQUIRE(kill(children(server.process().pid(), "@dns").front(), SIGKILL) == 0);
  CHECK(server.process().wait_for("killed by signal 9 (Killed); restarting it", kPatience));
}

TEST_CASE("wrong plugins: a service that fails is started again, and is not ready meanwhile") {
  Server server(
      "a.test {\n    bind 127.0.0.1\n    ready 127.0.0.1:@PORT2@ {\n        monitor continuously\n    }\n"
      "    wrong service\n    whoami\n}\n");
  const std::uint16_t port = server.second_port();
  CHECK(server.process().wait_for("Corefile:6: wrong: failed 1 of 2 times; running it again in 1 s", kPatience));
  CHECK(wait_until([&] { return ready(port).ends_with("wrong"); }, kPatience));
  CHECK(server.process().wait_for("Corefile:6: wrong: failed 2 of 2 times; running it again in 2 s", kPatience));
  CHECK(wait_until([&] { return ready(port).ends_with("OK"); }, kPatience));
  CHECK(server.stop().clean());
}

TEST_CASE("wrong plugins: a metric whose name is not valid is an error that names it, and the directive") {
  const Folder folder;
  const Port port;
  const std::string path = folder.write("Corefile", "a.test {\n    bind 127.0.0.1\n    wrong metric\n    whoami\n}\n");
  const Result<std::string> ran =
      run({.arguments = {std::getenv("SWAGE"), "-conf", path, "-dns.port", std::to_string(port.number())}});
  REQUIRE_FALSE(ran);
  CHECK(ran.error().text().find(path + ":3: wrong: 'not-a-name' is not a valid name of a metric\n") !=
        std::string::npos);
}

TEST_CASE("wrong plugins: whatever a process leaves in its page is one short line") {
  using server::Work;
  alignas(Work) std::array<std::uint8_t, sizeof(Work)> memory{};
  const std::array<PluginType, 1> plugins = {{{"wrong", nullptr}}};
  std::uint64_t state = 1;
  std::size_t said = 0;
  for (int round = 0; round < 20'000; ++round) {
    for (std::uint8_t& byte : memory) {
      state = state * 6364136223846793005 + 1442695040888963407;
      byte = static_cast<std::uint8_t>(state >> 56);
      if (round % 2 == 0) byte &= 0x3F;  // more of them are names
    }
    memory[0] = static_cast<std::uint8_t>(round % 3);  // the stage
    const std::string text = server::describe_work(memory, plugins);
    said += text.empty() ? 0 : 1;
    REQUIRE(text.size() < 1200);
    for (const char c : text) REQUIRE((c >= ' ' && c < 0x7F));
  }
  CHECK(said > 10'000);
  CHECK(server::describe_work(Bytes(memory).first(10), plugins).empty());
}
