// What happens under load when processes are killed, the configuration is read again, or the server is told to stop.
#include <signal.h>
#include <sys/stat.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>
#include <sstream>

#include "tests/support/load.h"
#include "tests/support/server.h"

#include <catch2/catch.hpp>  // last: its CHECK is the one that counts here

namespace {

using namespace swage::tests;
using namespace std::chrono_literals;

constexpr const char* kForge = R"(libp2p.direct {
    bind 127.0.0.1
    errors
    ipsubdomain
    file zones/libp2p.direct
}
)";
constexpr Milliseconds kTry{2000};  // long enough for a process to be replaced on a busy machine
constexpr std::size_t kClients = 8;
constexpr std::size_t kBatch = 64;  // queries that a dns process has in hand at most

struct Child {
  pid_t pid;
  std::string kind;  // "@dns", "@service", "@fetch"
};

// The processes that the supervisor started.
std::vector<Child> children(pid_t supervisor) {
  std::vector<Child> found;
  std::ifstream list("/proc/" + std::to_string(supervisor) + "/task/" + std::to_string(supervisor) + "/children");
  for (pid_t pid; list >> pid;) {
    std::ifstream arguments("/proc/" + std::to_string(pid) + "/cmdline");
    std::string program, kind;
    std::getline(arguments, program, '\0');
    std::getline(arguments, kind, '\0');
    found.push_back({pid, kind});
  }
  return found;
}

std::vector<pid_t> of_kind(pid_t supervisor, const std::string& kind) {
  std::vector<pid_t> pids;
  for (const Child& child : children(supervisor)) {
    if (child.kind == kind) pids.push_back(child.pid);
  }
  return pids;
}

// Which clients get no answer while `pid` is stopped: those whose packets the kernel gives to it.
std::vector<bool> clients_of(pid_t pid, const Load& load) {
  kill(pid, SIGSTOP);
  std::this_thread::sleep_for(200ms);  // what was under way has arrived
  std::vector<std::uint64_t> before;
  for (std::size_t i = 0; i < load.size(); ++i) before.push_back(load.client(i).answered);
  std::this_thread::sleep_for(300ms);
  std::vector<bool> silent;
  for (std::size_t i = 0; i < load.size(); ++i) silent.push_back(load.client(i).answered == before[i]);
  kill(pid, SIGCONT);
  return silent;
}

}  // namespace

TEST_CASE(
    "faults: kill -9 of a dns process is noticed by its own clients alone, and they get every answer at the first "
    "retry") {
  Server server(kForge, {.workers = 2});
  Load load(server.endpoint(), kClients, kTry);
  REQUIRE(load.wait_for_answers(200));
  for (int round = 0; round < 3; ++round) {
    const std::vector<pid_t> before = of_kind(server.process().pid(), "@dns");
    REQUIRE(before.size() == 2);
    const pid_t victim = before[static_cast<std::size_t>(round) % 2];
    const std::vector<bool> its_own = clients_of(victim, load);
    REQUIRE(load.wait_for_answers(200));
    std::vector<std::uint64_t> retried;
    for (std::size_t i = 0; i < kClients; ++i) retried.push_back(load.client(i).retried);

    REQUIRE(kill(victim, SIGKILL) == 0);
    REQUIRE(wait_until(
        [&] {
          const std::vector<pid_t> now = of_kind(server.process().pid(), "@dns");
          return now.size() == 2 && std::find(now.begin(), now.end(), victim) == now.end();
        },
        kPatience));
    REQUIRE(load.wait_for_answers(500));
    std::this_thread::sleep_for(kTry);  // for retries
    for (std::size_t i = 0; i < kClients; ++i) {
      if (!its_own[i]) CHECK(load.client(i).retried == retried[i]);
    }
  }
  load.stop();
  CHECK(load.lost() == 0);
  CHECK(load.wrong() == 0);
  CHECK(load.retried() <= 3 * kBatch);
  CHECK(server.log().find("killed by signal 9") != std::string::npos);
  WARN("answered " << load.answered() << ", at the first retry " << load.retried() << ", lost " << load.lost());
}

TEST_CASE("faults: kill -9 of the service process, or of the fetch process, delays no answer, and it is replaced") {
  const std::string kind = GENERATE("@service", "@fetch");
  Server server(std::string(kForge) + "example.net {\n    bind 127.0.0.1\n    forward . 127.0.0.1:1\n}\n",
                {.workers = 2});
  Load load(server.endpoint(), kClients, kTry);
  REQUIRE(load.wait_for_answers(200));
  const std::vector<pid_t> before = of_kind(server.process().pid(), kind);
  REQUIRE(before.size() == 1);
  REQUIRE(kill(before[0], SIGKILL) == 0);
  REQUIRE(wait_until(
      [&] {
        const std::vector<pid_t> now = of_kind(server.process().pid(), kind);
        return now.size() == 1 && now[0] != before[0];
      },
      kPatience));
  REQUIRE(load.wait_for_answers(500));
  load.stop();
  CHECK(load.retried() + load.lost() + load.wrong() == 0);
}

TEST_CASE("faults: SIGUSR1 with a good Corefile loses no query, and the new configuration serves") {
  Server server(kForge, {.workers = 2});
  Load load(server.endpoint(), kClients, kTry);
  REQUIRE(load.wait_for_answers(200));
  for (int round = 0; round < 5; ++round) {
    const std::string zone = "round" + std::to_string(round) + ".test.";
    CHECK(server.ask({.name = zone, .type = "A"}).rcode_text() == "REFUSED");
    server.write_corefile(kForge + zone + " {\n    bind 127.0.0.1\n    whoami\n}\n");
    server.process().signal(SIGUSR1);
    REQUIRE(wait_until([&] { return server.ask({.name = zone, .type = "A"}).rcode_text() == "NOERROR"; }, 20s));
  }
  REQUIRE(load.wait_for_answers(500));
  load.stop();
  CHECK(load.retried() + load.lost() + load.wrong() == 0);
  REQUIRE(wait_until([&] { return of_kind(server.process().pid(), "@service").size() == 1; }, 10s));
  REQUIRE(wait_until([&] { return of_kind(server.process().pid(), "@dns").size() == 2; }, 10s));
  WARN("5 reloads: answered " << load.answered() << ", lost " << load.lost());
}

TEST_CASE("faults: SIGUSR1 with a bad Corefile changes nothing and says file and line") {
  Server server(kForge, {.workers = 2});
  Load load(server.endpoint(), kClients, kTry);
  REQUIRE(load.wait_for_answers(200));
  struct Case {
    std::string corefile, message;
  };
  const std::string path = server.folder().file("Corefile");
  const std::vector<Case> cases = {
      {"libp2p.direct {\n    ipsubdomian\n}\n",
       path + ":2: unknown directive 'ipsubdomian'; did you mean 'ipsubdomain'?"},
      {"libp2p.direct {\n    file zones/nowhere\n}\n", "zones/nowhere: "},
      {"libp2p.direct {\n", path + ":1: "},
      {std::string(kForge) + "other.test {\n    bind 192.0.2.77\n    whoami\n}\n", "cannot listen on 192.0.2.77:"},
      {"", path + ": no server block"},
  };
  for (const Case& bad : cases) {
    INFO(bad.corefile);
    const auto seen = [&] {
      const std::string log = server.log();
      const std::size_t at = log.rfind("[ERROR] Restart failed: ");
      return at != std::string::npos && log.find(bad.message, at) != std::string::npos;
    };
    server.write_corefile(bad.corefile);
    server.process().signal(SIGUSR1);
    CHECK(wait_until(seen, 20s));
    CHECK(server.ask({.name = "libp2p.direct.", .type = "SOA"}).rcode_text() == "NOERROR");
  }
  REQUIRE(load.wait_for_answers(200));
  load.stop();
  CHECK(load.retried() + load.lost() + load.wrong() == 0);
}

TEST_CASE("faults: a reload from one address to all of them leaves no deaf socket behind") {
  Server server(kForge, {.workers = 2});
  TcpClient idle(server.endpoint());  // keeps an old process for a while
  REQUIRE(idle.connected());
  REQUIRE(idle.send(encode({.name = "libp2p.direct.", .type = "SOA"})));
  REQUIRE(idle.receive());
  Load load(server.endpoint(), kClients, kTry);
  REQUIRE(load.wait_for_answers(200));
  server.write_corefile("libp2p.direct {\n ipsubdomain\n file zones/libp2p.direct\n}\n");
  server.process().signal(SIGUSR1);
  REQUIRE(server.process().wait_for("Reloading complete", 20s));
  REQUIRE(load.wait_for_answers(2000));
  std::this_thread::sleep_for(kTry);
  load.stop();
  // What had arrived at the old socket in the moment it was closed is asked again; nobody is left waiting.
  CHECK(load.retried() <= kClients);
  CHECK(load.lost() + load.wrong() == 0);
}

TEST_CASE("faults: a Corefile that has become a pipe is refused, and the server goes on") {
  Server server(kForge, {.workers = 1});
  const std::string path = server.folder().file("Corefile");
  REQUIRE(unlink(path.c_str()) == 0);
  REQUIRE(mkfifo(path.c_str(), 0600) == 0);
  server.process().signal(SIGUSR1);
  CHECK(server.process().wait_for(path + ": is not a regular file", 10s));
  for (const pid_t pid : of_kind(server.process().pid(), "@dns")) kill(pid, SIGKILL);
  CHECK(wait_until(
      [&] { return ask_udp(server.endpoint(), encode({.name = "libp2p.direct.", .type = "SOA"})).has_value(); }, 10s));
}

TEST_CASE("faults: a broken zone and a lost service process do not stop the other zones") {
  const Folder folder;
  const auto zone = [](int serial) {
    return "$TTL 60\n@ SOA ns hostmaster " + std::to_string(serial) + " 1 2 3 4\n@ NS ns\nns A 192.0.2.1\n";
  };
  const std::string bad = folder.write("bad", zone(1)), good = folder.write("good", zone(1));
  Server server("a.test {\n bind 127.0.0.1\n file " + bad + "\n}\nb.test {\n bind 127.0.0.1\n file " + good +
                " {\n  reload 100ms\n }\n}\n");
  static_cast<void>(folder.write("bad", "broken\n"));
  for (const pid_t pid : of_kind(server.process().pid(), "@service")) kill(pid, SIGKILL);
  REQUIRE(server.process().wait_for("bad:1: ", 10s));
  static_cast<void>(folder.write("good", zone(2)));
  CHECK(wait_until(
      [&] {
        const Decoded answer = server.ask({.name = "b.test.", .type = "SOA"});
        return answer.answer.size() == 1 && answer.answer[0].find(" 2 1 2 3 4") != std::string::npos;
      },
      10s));
  CHECK(server.ask({.name = "a.test.", .type = "SOA"}).answer.size() == 1);
}

TEST_CASE("faults: SIGTERM answers what has arrived, then ends with 0") {
  Server server(kForge, {.workers = 2});
  const UdpClient client(server.endpoint());
  TcpClient tcp(server.endpoint());
  REQUIRE(tcp.connected());
  constexpr std::size_t kQueries = 200;  // their answers fit into the client's socket
  for (std::size_t i = 0; i < kQueries; ++i) {
    client.send(encode({.name = "libp2p.direct.", .type = "SOA", .id = static_cast<std::uint16_t>(i)}));
  }
  REQUIRE(tcp.send(encode({.name = "libp2p.direct.", .type = "NS"})));
  server.process().signal(SIGTERM);
  std::size_t answers = 0;
  while (answers < kQueries && client.receive(2000ms)) ++answers;
  CHECK(answers == kQueries);
  CHECK(tcp.receive());
  CHECK(server.stop().clean());
}

TEST_CASE("faults: SIGTERM during a reload, and twice, ends everything") {
  Server server(kForge, {.workers = 2});
  const pid_t supervisor = server.process().pid();
  const std::vector<Child> all = children(supervisor);
  server.process().signal(SIGUSR1);
  server.process().signal(SIGTERM);
  server.process().signal(SIGTERM);
  CHECK(server.stop().clean());
  for (const Child& child : all) CHECK(kill(child.pid, 0) != 0);
}

TEST_CASE("faults: children end when the supervisor is killed") {
  std::vector<Child> all;
  {
    Server server(kForge, {.workers = 2});
    all = children(server.process().pid());
    REQUIRE(all.size() == 5);
    server.process().signal(SIGKILL);
    REQUIRE(wait_until(
        [&] { return std::all_of(all.begin(), all.end(), [](const Child& child) { return kill(child.pid, 0) != 0; }); },
        kPatience));
    static_cast<void>(server.stop());
  }
}

TEST_CASE("faults: a changed zone file is read again without losing a query; a broken one keeps the old zone") {
  const auto zone = [](int serial, const std::string& extra) {
    return "$TTL 60\n@ SOA ns hostmaster " + std::to_string(serial) + " 3600 600 86400 60\n@ NS ns\nns A 192.0.2.1\n" +
           "203-0-113-1.k51qzi5uqu5dgf513xbrfjl4smgo2eh1x8p8y6grzsf1oz0reiy56p65tds3s6 A 203.0.113.1\n" + extra;
  };
  Folder folder;
  const std::string path = folder.write("zone", zone(1, ""));
  Server server("libp2p.direct {\n bind 127.0.0.1\n file " + path + " {\n reload 100ms\n }\n}\n", {.workers = 2});
  Load load(server.endpoint(), kClients, kTry);
  REQUIRE(load.wait_for_answers(100));
  const Question soa{.name = "libp2p.direct.", .type = "SOA"};
  const auto serial_is = [&](const std::string& serial) {
    const Decoded answer = server.ask(soa);
    return answer.answer.size() == 1 && answer.answer[0].find(" " + serial + " ") != std::string::npos;
  };
  for (int serial = 2; serial < 6; ++serial) {
    static_cast<void>(folder.write("zone", zone(serial, "")));
    REQUIRE(wait_until([&] { return serial_is(std::to_string(serial)); }, 10s));
  }
  static_cast<void>(folder.write("zone", zone(99, "www AAA 192.0.2.1\n")));
  REQUIRE(wait_until([&] { return server.log().find(path + ":6: ") != std::string::npos; }, 10s));
  CHECK(serial_is("5"));
  REQUIRE(load.wait_for_answers(200));
  load.stop();
  CHECK(load.retried() + load.lost() + load.wrong() == 0);
}
