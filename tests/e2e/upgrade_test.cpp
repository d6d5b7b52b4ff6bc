// A new program takes the place of the one that serves (SIGUSR2), under load: no query is lost, what was counted and
// registered stays, and a new program that fails changes nothing. And sockets that a service manager has opened.
#include <signal.h>
#include <sys/stat.h>

#include <cstdlib>
#include <filesystem>
#include <fstream>

#include <fmt/format.h>

#include "tests/support/load.h"
#include "tests/support/loopback.h"
#include "tests/support/process.h"
#include "tests/support/server.h"

#include <catch2/catch.hpp>

namespace {

using namespace swage::tests;
using namespace std::chrono_literals;
namespace fs = std::filesystem;

constexpr auto kLong = 60s;
constexpr const char* kCorefile = R"(. {
    bind 127.0.0.1
    whoami
    prometheus 127.0.0.1:@PORT2@
}
libp2p.direct {
    bind 127.0.0.1
    prometheus 127.0.0.1:@PORT2@
    ipsubdomain
}
)";

// A program of its own, which a test may replace: $SWAGE names it while this lives.
class Program {
 public:
  Program() : original_(std::getenv("SWAGE")) {
    place();
    setenv("SWAGE", path().c_str(), 1);
  }
  ~Program() { setenv("SWAGE", original_.c_str(), 1); }

  [[nodiscard]] std::string path() const { return folder_.file("swage"); }
  // As a package does it: under another name, and then in place of the old one.
  void place() const {
    std::error_code error;
    fs::create_hard_link(original_, folder_.file("new"), error);
    if (error) fs::copy_file(original_, folder_.file("new"));
    fs::rename(folder_.file("new"), path());
  }
  void replace_by(std::string_view script) const {
    chmod(folder_.write("new", script).c_str(), 0755);
    fs::rename(folder_.file("new"), path());
  }

 private:
  std::string original_;
  Folder folder_;
};

// The process that the pid file names, which no longer is a child of this one.
class Successor {
 public:
  explicit Successor(const Server& server) : pid_(std::atoi(read_file(server.folder().file("pid")).c_str())) {}
  ~Successor() {
    if (pid_ <= 1 || kill(pid_, SIGTERM) != 0) return;
    CHECK(wait_until([this] { return kill(pid_, 0) != 0; }, kLong));
  }

  [[nodiscard]] pid_t pid() const { return pid_; }

 private:
  pid_t pid_;
};

void upgrade(Server& server) {
  server.process().signal(SIGUSR2);
  const auto status = server.process().wait(kLong);
  INFO(server.log());
  REQUIRE(status);
  REQUIRE(status->clean());
}

double count_queries(const Server& server) {
  double sum = 0;
  const std::string text = server.metrics();
  for (std::size_t at = 0; (at = text.find("\ncoredns_dns_requests_total{", at)) != std::string::npos; ++at) {
    sum += std::strtod(text.c_str() + text.find("} ", at) + 2, nullptr);
  }
  return sum;
}

}  // namespace

TEST_CASE("upgrade: no query is lost, and counters go on") {
  const Program program;
  Server server(kCorefile, {.workers = 2});
  const double counted = count_queries(server);
  const pid_t before = server.process().pid();
  Load load(server.endpoint(), 4, 10s);
  REQUIRE(load.wait_for_answers(200));
  program.place();
  upgrade(server);
  const Successor successor(server);
  CHECK(successor.pid() != before);
  CHECK(load.wait_for_answers(200));
  load.stop();
  INFO(server.log());
  CHECK(load.lost() == 0);
  CHECK(load.retried() == 0);
  CHECK(load.wrong() == 0);
  CHECK(count_queries(server) == counted + static_cast<double>(load.answered()));
  CHECK(server.log().find(fmt::format("Upgrade: pid {} serves", successor.pid())) != std::string::npos);
}

TEST_CASE("upgrade: one after the other") {
  const Program program;
  Server server(kCorefile);
  upgrade(server);
  const Successor second(server);
  kill(second.pid(), SIGUSR2);
  INFO(server.log());
  REQUIRE(wait_until([&] { return kill(second.pid(), 0) != 0; }, kLong));
  const Successor third(server);
  CHECK(third.pid() != second.pid());
  kill(third.pid(), SIGHUP);
  CHECK(wait_until([&] { return server.log().find("Reloading complete") != std::string::npos; }, kLong));
  CHECK(server.ask({.name = "example.org.", .type = "A"}).rcode == 0);
}

TEST_CASE("upgrade: a new program that fails changes nothing") {
  const Program program;
  Server server(kCorefile);
  const auto tries = [&server](const char* sentence) {
    server.process().signal(SIGUSR2);
    INFO(server.log());
    CHECK(wait_until([&] { return server.log().find(sentence) != std::string::npos; }, kLong));
    CHECK(server.ask({.name = "example.org.", .type = "A"}).rcode == 0);
  };
  program.replace_by("#!/bin/sh\nexit 3\n");
  tries("exited with status 3; this program serves on");
  program.replace_by("no program\n");
  tries("cannot be started: Exec format error; this program serves on");
  fs::remove(program.path());
  tries("cannot be started: No such file or directory; this program serves on");
  program.place();
  server.write_corefile(". {\n    nonsense\n}\n");
  tries("exited with status 1; this program serves on");
  // One that is killed while it is set up, by whoever.
  program.replace_by("#!/bin/sh\nkill -9 $$\n");
  tries("killed by signal 9 (Killed); this program serves on");
  // One that hangs does not keep the server from ending.
  program.replace_by("#!/bin/sh\nexec sleep 1000\n");
  server.process().signal(SIGUSR2);
  CHECK(wait_until([&] { return !children(server.process().pid(), "sleep").empty(); }, kLong));
  CHECK(server.stop().clean());
}

TEST_CASE("upgrade: swagectl waits for it, and says how it ended") {
  const std::string original = std::getenv("SWAGE");
  const Program program;
  const Folder place;
  const std::string socket = place.file("control");
  Server server(kCorefile, {.arguments = {"-control", socket}});
  const auto swagectl = [&](std::vector<std::string> words) {
    words.insert(words.begin(), {original.substr(0, original.rfind('/') + 1) + "swagectl", "-s", socket});
    auto process = Process::start({.arguments = words});
    REQUIRE(process);
    REQUIRE(process->wait(kLong));
    return *std::move(process);
  };
  program.replace_by("#!/bin/sh\nexit 3\n");
  Process failed = swagectl({"upgrade"});
  CHECK(failed.wait(kLong)->code == 1);
  CHECK(failed.errors().find("exited with status 3; the program before serves on") != std::string::npos);
  CHECK(server.ask({.name = "example.org.", .type = "A"}).rcode == 0);
  program.place();
  const Process done = swagectl({"upgrade"});
  INFO(done.errors());
  const auto status = server.process().wait(kLong);
  REQUIRE(status);
  CHECK(status->clean());
  const Successor second(server);
  CHECK(done.output() == fmt::format("upgraded: pid {} serves\n", second.pid()));
  CHECK(server.ask({.name = "example.org.", .type = "A"}).rcode == 0);
}

TEST_CASE("upgrade: the supervisor in force is killed in the middle") {
  const Program program;
  Server server(kCorefile);
  const std::string killer = fmt::format("#!/bin/sh\nkill -9 {}\nexec {} \"$@\"\n", server.process().pid(),
                                         std::string(fs::canonical(program.path())) + ".real");
  fs::rename(program.path(), program.path() + ".real");
  program.replace_by(killer);
  server.process().signal(SIGUSR2);
  REQUIRE(server.process().wait(kLong));
  CHECK(server.stop().signalled);
  INFO(server.log());
  const std::string before = fmt::format("{}\n", server.process().pid());
  REQUIRE(wait_until([&] { return read_file(server.folder().file("pid")) != before; }, kLong));
  const Successor successor(server);
  CHECK(server.ask({.name = "example.org.", .type = "A"}).rcode == 0);
}

TEST_CASE("activation: sockets of the service manager are used, and what waits in them is answered") {
  const Folder folder;
  const Port port;
  const std::string corefile = folder.write("Corefile", ". {\n    bind 127.0.0.1\n    whoami\n}\n");
  const std::string starter = folder.write("start.py", R"(import os, socket, sys
port = int(sys.argv[1])
udp = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
udp.bind(("127.0.0.1", port))
tcp = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
tcp.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
tcp.bind(("127.0.0.1", port))
tcp.listen(16)
udp, tcp = os.dup2(udp.fileno(), 10), os.dup2(tcp.fileno(), 11)
os.dup2(udp, 3)
os.dup2(tcp, 4)
os.close(10)
os.close(11)
print("open", flush=True)
os.read(os.open(sys.argv[2], os.O_RDONLY), 1)
os.environ.update(LISTEN_PID=str(os.getpid()), LISTEN_FDS="2")
os.execv(sys.argv[3], sys.argv[3:])
)");
  const std::string gate = folder.file("gate");
  REQUIRE(mkfifo(gate.c_str(), 0600) == 0);
  auto process =
      Process::start({.arguments = {"python3", starter, std::to_string(port.number()), gate, std::getenv("SWAGE"),
                                    "-conf", corefile, "-dns.port", std::to_string(port.number()), "-workers", "2"}});
  REQUIRE(process);
  REQUIRE(process->wait_for("open", kLong));
  const UdpClient udp(port.v4());
  udp.send(encode({.name = "early.example.", .type = "A"}));
  TcpClient tcp(port.v4());
  REQUIRE(tcp.connected());
  REQUIRE(tcp.send(encode({.name = "early.example.", .type = "A"})));
  std::ofstream(gate) << "g";
  INFO(process->log());
  CHECK(udp.receive(kLong));
  CHECK(tcp.receive(kLong));
  process->signal(SIGTERM);
  CHECK(process->wait(kLong)->clean());
}
