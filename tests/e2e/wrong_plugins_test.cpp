// What a plugin does wrong is said in the log, so that its author, or the operator, knows where to look. $SWAGE is
// swage_wrong here (tests/support/wrong/plugins.cpp).
#include <poll.h>
#include <signal.h>
#include <sys/socket.h>

#include <thread>

#include <fmt/format.h>

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

// The body of GET PATH; empty where nobody answers.
std::string get(std::uint16_t port, std::string_view path) {
  TcpClient client({*IpAddress::parse("127.0.0.1"), port, 0});
  if (!client.connected() ||
      !client.send_raw(as_bytes(fmt::format("GET {} HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n", path)))) {
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

// A server block with these lines about `wrong`.
std::string corefile(std::string_view lines) {
  return "a.test {\n    bind 127.0.0.1\n" + std::string(lines) + "    whoami\n}\n";
}

// What a swage says that is started with this configuration and does not come up.
std::string refusal(const std::string& path, const std::vector<std::string>& more = {}) {
  const Port port;
  std::vector<std::string> arguments = {std::getenv("SWAGE"), "-conf", path, "-dns.port",
                                        std::to_string(port.number())};
  arguments.insert(arguments.end(), more.begin(), more.end());
  const Result<std::string> ran = run({.arguments = std::move(arguments)});
  REQUIRE_FALSE(ran);
  return ran.error().text();
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
  CHECK(wait_until([&] { return get(port, "/ready").ends_with("wrong"); }, kPatience));
  CHECK(server.process().wait_for("Corefile:6: wrong: failed 2 of 2 times; running it again in 2 s", kPatience));
  CHECK(wait_until([&] { return get(port, "/ready").ends_with("OK"); }, kPatience));
  CHECK(server.stop().clean());
}

TEST_CASE("wrong plugins: a metric whose name is not valid is an error that names it, and the directive") {
  const Folder folder;
  const std::string path = folder.write("Corefile", corefile("    wrong metric\n"));
  CHECK(refusal(path).find(path + ":3: wrong: 'not-a-name' is not a valid name of a metric\n") != std::string::npos);
}

TEST_CASE("wrong plugins: an error in setup() or prepare() keeps the server from starting, with its line") {
  const Folder folder;
  const std::string where = GENERATE("setup", "prepare");
  const std::string path = folder.write("Corefile", corefile("    wrong " + where + " error\n"));
  CHECK(refusal(path).find(path + ":3: wrong: it went wrong\n") != std::string::npos);
  CHECK(refusal(path, {"-check"}).find(path + ":3: wrong: it went wrong\n") != std::string::npos);
}

TEST_CASE("wrong plugins: a crash in setup() or prepare() keeps the server from starting, with its line") {
  const Folder folder;
  const std::string where = GENERATE("setup", "prepare");
  const std::string how = GENERATE("crash", "throw");
  CAPTURE(where, how);
  const std::string path = folder.write("Corefile", corefile("    wrong " + where + " " + how + "\n"));
  const std::string note = "[ERROR] " + path + ":3: wrong: crashed in " + where + "()\n";
  const std::string said = refusal(path);
  INFO(said);
  CHECK(said.find(note) != std::string::npos);
  CHECK(said.find("the process 'service' killed by signal 6 (Aborted) while it was set up") != std::string::npos);
  CHECK((said.find("thrown by a plugin") != std::string::npos) == (how == "throw"));
  CHECK(refusal(path, {"-check"}).find(note) != std::string::npos);
}

TEST_CASE("wrong plugins: what is wrong in setup() or prepare() after a reload changes nothing") {
  Server server(corefile(""));
  for (const char* const where : {"setup", "prepare"}) {
    for (const char* const how : {"error", "crash"}) {
      CAPTURE(where, how);
      const std::size_t before = server.log().size();
      server.write_corefile(corefile(fmt::format("    wrong {} {}\n", where, how)));
      server.process().signal(SIGUSR1);
      CHECK(
          wait_until([&] { return server.log().find("the configuration in force stays", before) != std::string::npos; },
                     kPatience));
      CHECK(answers(server));
    }
  }
  CHECK(server.stop().clean());
}

TEST_CASE("wrong plugins: an error in serve() is SERVFAIL, and a line of errors") {
  Server server(corefile("    errors\n    wrong\n"));
  CHECK(server.ask({.name = "error.a.test.", .type = "A"}).rcode_text() == "SERVFAIL");
  CHECK(server.process().wait_for("[ERROR] plugin/errors: 2 error.a.test. A: it went wrong", kPatience));
  CHECK(answers(server));
}

TEST_CASE("wrong plugins: whatever throws, crashes or blocks at a query ends one process, which is replaced") {
  const std::string where = GENERATE("serve", "accepts", "sent");
  Server server(corefile("    wrong " + where + "\n"));
  const std::string during = where == "sent" ? "while it sent the response to '{}.a.test. TXT'"
                             : where == "serve"
                                 ? "while it answered '{}.a.test. TXT' (the last directive asked was 'wrong')"
                                 : "while it answered '{}.a.test. TXT'";
  for (const char* const how : {"crash", "throw", "block"}) {
    CAPTURE(where, how);
    send_query(server, {.name = how + std::string(".a.test."), .type = "TXT"});
    CHECK(server.process().wait_for(fmt::format(fmt::runtime(during), how), 15s));
    CHECK(wait_until([&] { return answers(server); }, 10s));
  }
  CHECK(server.log().find("what():  thrown by a plugin") != std::string::npos);
}

TEST_CASE("wrong plugins: a process that leaks ends where its limit is, and is replaced") {
  const char* const options = std::getenv("ASAN_OPTIONS");
  const std::string limit =
      fmt::format("{}hard_rss_limit_mb=1200", options == nullptr ? "" : options + std::string(":"));
  Server server(corefile("    wrong\n"), {.environment = {{"ASAN_OPTIONS", limit}}});
  for (int i = 0; i < 40; ++i) send_query(server, {.name = "leak.a.test.", .type = "TXT"});
  CHECK(server.process().wait_for("the process 'dns 0' (pid ", 20s));
  CHECK(wait_until([&] { return answers(server); }, 10s));
}

TEST_CASE("wrong plugins: a service that throws or crashes ends the service process; queries are answered meanwhile") {
  const auto [where, how] = GENERATE(table<std::string, std::string>(
      {{"run", "throw"}, {"run", "crash"}, {"run", "block"}, {"work", "throw"}, {"work", "crash"}}));
  CAPTURE(where, how);
  Server server(corefile("    wrong " + where + " " + how + "\n"));
  CHECK(server.process().wait_for("the process 'service' (pid ", 15s));
  for (int i = 0; i < 20; ++i) CHECK(answers(server));
}

TEST_CASE("wrong plugins: a service that blocks another thread harms nobody") {
  Server server(corefile("    wrong work block\n"));
  std::this_thread::sleep_for(6s);
  CHECK(answers(server));
  CHECK(server.log().find("[ERROR]") == std::string::npos);
}

TEST_CASE("wrong plugins: a service that runs in circles is given a minute", "[.long]") {
  Server server(corefile("    wrong run hang\n"));
  const auto begun = std::chrono::steady_clock::now();
  CHECK(server.process().wait_for("is killed: it has made no progress for 6", 90s));
  CHECK(std::chrono::steady_clock::now() - begun > 55s);
  CHECK(answers(server));
}

TEST_CASE("wrong plugins: a setup() or prepare() that does not end is given five minutes", "[.long]") {
  const Folder folder;
  const std::string path =
      folder.write("Corefile", corefile("    wrong " + GENERATE(as<std::string>(), "setup", "prepare") + " hang\n"));
  const Port port;
  const Result<std::string> ran =
      run({.arguments = {std::getenv("SWAGE"), "-conf", path, "-dns.port", std::to_string(port.number())}}, 400s);
  REQUIRE_FALSE(ran);
  CHECK(ran.error().text().find("not set up within 5 minutes") != std::string::npos);
}

TEST_CASE("wrong plugins: what is never fetched, or cannot be, is SERVFAIL") {
  Server server(corefile("    errors\n    wrong fetch\n"));
  const auto begun = std::chrono::steady_clock::now();
  CHECK(server.ask({.name = "error.a.test.", .type = "A"}).rcode_text() == "SERVFAIL");
  CHECK(std::chrono::steady_clock::now() - begun < 1s);
  CHECK(server.ask({.name = "never.a.test.", .type = "A"}).rcode_text() == "SERVFAIL");
  CHECK(std::chrono::steady_clock::now() - begun > 1900ms);
  CHECK(server.process().wait_for("wrong: the answer was not fetched in time", kPatience));
}

TEST_CASE("wrong plugins: a crash in on_wanted() or measure() ends the service process, which is replaced") {
  const std::string where = GENERATE("fetch", "measure crash");
  CAPTURE(where);
  Server server(corefile("    prometheus 127.0.0.1:@PORT2@\n    wrong " + where + "\n"));
  send_query(server, {.name = "crash.a.test.", .type = "A"});
  if (where != "fetch") static_cast<void>(get(server.second_port(), "/metrics"));
  CHECK(server.process().wait_for("the process 'service' (pid ", 15s));
  CHECK(answers(server));
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
