// What an operator meets at the command line: all errors of a Corefile, what -check tries, -reload and its result, logs
// in JSON, a machine without IPv6.
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <cstddef>
#include <filesystem>
#include <nlohmann/json.hpp>
#include <set>
#include <sstream>
#include <thread>

#include "core/descriptor.h"
#include "tests/support/dns_client.h"
#include "tests/support/dns_message.h"
#include "tests/support/loopback.h"
#include "tests/support/process.h"
#include "tests/support/server.h"

#include <catch2/catch.hpp>

namespace {

using namespace swage::tests;
using namespace std::chrono_literals;

constexpr auto kLong = 20s;

std::string binary() {
  const char* const path = std::getenv("SWAGE");
  return path == nullptr ? "build/asan/swage" : path;
}

struct Outcome {
  int status;
  std::string output, errors;
};

Outcome run_swage(std::vector<std::string> arguments) {
  arguments.insert(arguments.begin(), binary());
  auto process = Process::start({.arguments = arguments});
  REQUIRE(process);
  const auto status = process->wait(kLong);
  REQUIRE(status);
  CHECK_FALSE(status->signalled);
  return {status->code, process->output(), process->errors()};
}

std::size_t count_lines(const std::string& text) { return static_cast<std::size_t>(std::ranges::count(text, '\n')); }

// A socket of this program's own. What an earlier connection left in TIME_WAIT on the port does not count, as for
// servers.
swage::Descriptor bind_to(const swage::Endpoint& endpoint, int type) {
  swage::Descriptor fd(socket(AF_INET, type | SOCK_CLOEXEC, 0));
  const int yes = 1;
  if (type == SOCK_STREAM) REQUIRE(setsockopt(fd.get(), SOL_SOCKET, SO_REUSEADDR, &yes, sizeof yes) == 0);
  sockaddr_storage address;
  const socklen_t size = endpoint.to_sockaddr(address);
  REQUIRE(bind(fd.get(), reinterpret_cast<const sockaddr*>(&address), size) == 0);
  return fd;
}

// Sockets of IPv6 are refused to this thread and what it starts, as RestrictAddressFamilies=AF_INET does it.
void refuse_ipv6() {
  sock_filter steps[] = {
      BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(seccomp_data, nr)),
      BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, __NR_socket, 0, 3),
      BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(seccomp_data, args[0])),
      BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, AF_INET6, 0, 1),
      BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ERRNO | EAFNOSUPPORT),
      BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW),
  };
  const sock_fprog program{static_cast<unsigned short>(std::size(steps)), steps};
  REQUIRE(prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) == 0);
  REQUIRE(prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &program) == 0);
}

}  // namespace

TEST_CASE("operating: all errors of a Corefile at once, by -check, at the start and at a reload") {
  const Folder folder;
  const std::string snippet = folder.write("common.conf", "autopath 30\nlog {\n    class everything\n}\n");
  const std::string corefile = folder.write("Corefile", R"(example.org {
    grpc . 192.0.2.53
    file /nowhere/example.org
    file /nowhere/b.example.org b.example.org
    import common.conf
    template IN A {
        answer "{{ .Name }} 60 IN A 192.0.2.300"
    }
}
example.net {
    prometheus coredns:9253
    auto {
        directory zones (.*) {2}
    }
    acme-txt {
        store memory /nowhere/store
    }
}
)");
  // By file and line, without a false one: from `prepare()` of services too.
  const std::vector<std::string> expected = {
      corefile + ":2: unknown directive 'grpc'",
      corefile + ":3: file: /nowhere/example.org: No such file",
      corefile + ":4: file: /nowhere/b.example.org: No such file",
      corefile + ":7: template: ",
      corefile + ":11: prometheus: 'coredns:9253' is not [ADDRESS]:PORT: names of hosts are not looked up",
      corefile + ":13: auto: directory: '{2}': the regular expression has 1 group",
      corefile + ":15: acme-txt: /nowhere/store: no store can be made there: ",
      snippet + ":1: unknown directive 'autopath'",
      snippet + ":3: log: class: expected 'success', 'denial', 'error' or 'all', not 'everything'",
  };
  const auto check = [&](const std::string& text, std::string_view prefix) {
    INFO(text);
    std::istringstream lines(text);
    std::size_t at = 0;
    for (std::string line; std::getline(lines, line);) {
      if (!line.starts_with(prefix) || line.find("all this is wrong") != std::string::npos) continue;
      REQUIRE(at < expected.size());
      CHECK(line.substr(prefix.size()).starts_with(expected[at]));
      ++at;
    }
    CHECK(at == expected.size());
  };
  const Outcome checked = run_swage({"-check", "-conf", corefile});
  CHECK(checked.status == 1);
  check(checked.errors, "");
  CHECK(checked.output.find("OK") == std::string::npos);
  const Outcome started = run_swage({"-conf", corefile, "-workers", "1"});
  CHECK(started.status == 1);
  check(started.errors, "");
  CHECK(started.errors == checked.errors);

  const std::string wrong = read_file(corefile);
  const Port port;
  static_cast<void>(folder.write("Corefile", ". {\n    bind 127.0.0.1\n    whoami\n}\n"));
  auto process = Process::start(
      {.arguments = {binary(), "-conf", corefile, "-workers", "1", "-p", std::to_string(port.number())}});
  REQUIRE(process);
  REQUIRE(process->wait_for("dns process", kLong));
  static_cast<void>(folder.write("Corefile", wrong));
  process->signal(SIGUSR1);
  REQUIRE(process->wait_for("[ERROR] Restart failed: all this is wrong; the configuration in force stays\n", kLong));
  check(process->output(), "[ERROR] Restart failed: ");
  CHECK(ask_udp(port.v4(), encode({.name = "any.name.", .type = "A"})));
}

TEST_CASE("operating: errors of a Corefile are bounded") {
  const Folder folder;
  std::string corefile = ". {\n";
  for (int i = 0; i < 25; ++i) corefile += "    file /nowhere/" + std::to_string(i) + " z" + std::to_string(i) + "\n";
  const Outcome outcome = run_swage({"-check", "-conf", folder.write("Corefile", corefile + "}\n")});
  CHECK(outcome.status == 1);
  CHECK(count_lines(outcome.errors) == 21);
  CHECK(outcome.errors.ends_with("\nand 5 more errors\n"));
}

TEST_CASE("operating: -check tries where the store is kept, and makes nothing") {
  const Folder folder;
  const auto corefile = [&](const std::string& path, const std::string& more = "") {
    return folder.write("Corefile", "a.test {\n    acme-txt {\n        store memory " + path + more + "\n    }\n}\n");
  };
  const std::string start = folder.file("Corefile") + ":2: acme-txt: ";
  const Outcome good = run_swage({"-check", "-conf", corefile(folder.file("store"))});
  INFO(good.errors);
  CHECK(good.status == 0);
  CHECK(good.output.find("\nOK: ") != std::string::npos);
  CHECK(good.output.find("acme-txt: a.test.: up to 100000 peers, in " + folder.file("store")) != std::string::npos);
  CHECK(std::distance(std::filesystem::directory_iterator(folder.path()), {}) == 1);

  const auto refused = [&](const std::string& path, const std::string& more = "") {
    const Outcome outcome = run_swage({"-check", "-conf", corefile(path, more)});
    CHECK(outcome.status == 1);
    return outcome.errors;
  };
  const std::string nowhere = folder.file("nowhere/store");
  CHECK(refused(nowhere) ==
        start + nowhere + ": no store can be made there: " + folder.file("nowhere") + ": No such file or directory\n");
  const std::string below_file = folder.file("Corefile/store");
  CHECK(refused(below_file).starts_with(start + below_file + ": no store can be made there: "));
  CHECK(refused("/proc/store").starts_with(start + "/proc/store: "));
  CHECK(refused(folder.path()).starts_with(start + folder.path() + ": "));
  CHECK(refused(folder.write("text", "no store\n")).starts_with(start + folder.file("text") + ": not a usable store"));
  CHECK(refused(folder.file("big"), " capacity 1000000000000").starts_with(folder.file("Corefile") + ":3: "));
  // A server that has it: nothing is wrong with that.
  Server server(". {\n    whoami\n}\na.test {\n    acme-txt {\n        store memory @FOLDER@/store\n    }\n}\n");
  const Outcome beside = run_swage({"-check", "-conf", server.folder().file("Corefile")});
  CHECK(beside.status == 0);
  CHECK(beside.output.find("in use") != std::string::npos);
}

TEST_CASE("operating: -check knows whether there is the user that the Corefile names") {
  const Folder folder;
  const auto checked = [&](const std::string& user) {
    return run_swage({"-check", "-conf", folder.write("Corefile", ". {\n    user " + user + "\n    whoami\n}\n")});
  };
  CHECK(checked("root").status == 0);
  const Outcome outcome = checked("nobody-of-this-name");
  CHECK(outcome.status == 1);
  CHECK(outcome.errors ==
        folder.file("Corefile") + ":2: user: there is no user 'nobody-of-this-name' on this machine\n");
}

TEST_CASE("operating: -check -ports tries the ports") {
  const Folder folder;
  const Port port, other;
  const std::string corefile = folder.write("Corefile", ". {\n    bind 127.0.0.1\n    whoami\n    health 127.0.0.1:" +
                                                            std::to_string(other.number()) + "\n}\n");
  const std::vector<std::string> arguments = {"-check", "-ports", "-conf",
                                              corefile, "-p",     std::to_string(port.number())};
  Outcome outcome = run_swage(arguments);
  INFO(outcome.errors);
  CHECK(outcome.status == 0);
  CHECK(outcome.output.ends_with(", and the ports\n"));

  {  // this program has both
    const swage::Descriptor udp = bind_to(port.v4(), SOCK_DGRAM);
    const swage::Descriptor tcp = bind_to(other.v4(), SOCK_STREAM);
    REQUIRE(listen(tcp.get(), 1) == 0);
    outcome = run_swage(arguments);
    CHECK(outcome.status == 1);
    CHECK(count_lines(outcome.errors) == 2);
    const std::string owner = "Address already in use, by operating_test (pid " + std::to_string(getpid()) + ")\n";
    CHECK(outcome.errors.starts_with(corefile + ":1: cannot listen on 127.0.0.1:" + std::to_string(port.number()) +
                                     " (udp): " + owner));
    CHECK(outcome.errors.ends_with(corefile + ":4: cannot listen on 127.0.0.1:" + std::to_string(other.number()) +
                                   " (tcp): " + owner));
  }
  auto running = Process::start(
      {.arguments = {binary(), "-conf", corefile, "-workers", "1", "-p", std::to_string(port.number())}});
  REQUIRE(running);
  REQUIRE(running->wait_for("dns process", kLong));
  outcome = run_swage(arguments);
  CHECK(outcome.status == 0);
  CHECK(outcome.output.find("is in use by a swage that is running") != std::string::npos);
  CHECK(run_swage({"-ports"}).status == 2);
}

TEST_CASE("operating: an address that nobody can have, or only root, comes with what to do") {
  const Folder folder;
  const Outcome nowhere =
      run_swage({"-conf", folder.write("Corefile", ".:5399 {\n    bind 192.0.2.1\n    whoami\n}\n")});
  CHECK(nowhere.status == 1);
  CHECK(nowhere.errors ==
        folder.file("Corefile") +
            ":1: cannot listen on 192.0.2.1:5399 (udp): Cannot assign requested address; no interface "
            "of this machine has that address\n");
}

TEST_CASE("operating: -reload waits for the result, and fails where the reload does") {
  const Folder folder;
  const Port port;
  const std::string corefile = folder.write("Corefile", ". {\n    bind 127.0.0.1\n    whoami\n}\n");
  const std::string pidfile = folder.file("swage.pid");
  const auto reload = [&] { return run_swage({"-reload", pidfile}); };
  CHECK(reload().status == 1);
  CHECK(reload().errors == pidfile + ": No such file or directory\n");
  {
    auto process = Process::start({.arguments = {binary(), "-conf", corefile, "-workers", "1", "-p",
                                                 std::to_string(port.number()), "-pidfile", pidfile}});
    REQUIRE(process);
    REQUIRE(process->wait_for("dns process", kLong));
    REQUIRE(wait_until([&] { return std::filesystem::exists(pidfile); }, kLong));
    Outcome outcome = reload();
    CHECK(outcome.status == 0);
    CHECK(outcome.output == "reloaded\n");
    CHECK(process->output().find("[INFO] Reloading complete") != std::string::npos);

    static_cast<void>(folder.write("Corefile", ". {\n    file /nowhere/a a\n    file /nowhere/b b\n}\n"));
    outcome = reload();
    CHECK(outcome.status == 1);
    CHECK(outcome.errors == corefile + ":2: file: /nowhere/a: No such file or directory\n" + corefile +
                                ":3: file: /nowhere/b: No such file or directory\n");
    // What -check cannot know: another program has the address by now.
    const Port taken;
    const swage::Descriptor udp = bind_to(taken.v4(), SOCK_DGRAM);
    static_cast<void>(
        folder.write("Corefile", ".:" + std::to_string(taken.number()) + " {\n    bind 127.0.0.1\n    whoami\n}\n"));
    outcome = reload();
    CHECK(outcome.status == 1);
    CHECK(outcome.errors.find("Address already in use, by operating_test") != std::string::npos);

    // Two at once: each hears of a reload that began after it asked.
    static_cast<void>(folder.write("Corefile", ". {\n    bind 127.0.0.1\n    whoami\n}\n"));
    auto first = Process::start({.arguments = {binary(), "-reload", pidfile}});
    auto second = Process::start({.arguments = {binary(), "-reload", pidfile}});
    REQUIRE((first && second));
    CHECK(first->wait(kLong)->clean());
    CHECK(second->wait(kLong)->clean());

    process->signal(SIGKILL);
    REQUIRE(process->wait(kLong));
    outcome = reload();
    CHECK(outcome.status == 1);
    CHECK(outcome.errors.find("there is no process") != std::string::npos);
  }
  // A pid file that was left behind, and whose process is another program by now.
  static_cast<void>(folder.write("swage.pid", std::to_string(getpid()) + "\n"));
  const Outcome foreign = reload();
  CHECK(foreign.status == 1);
  CHECK(foreign.errors.find("is operating_test, not swage") != std::string::npos);
}

TEST_CASE("operating: -log-format json makes an object of every line, of all processes") {
  const Folder folder;
  const Port port;
  const std::string corefile = folder.write("Corefile", ". {\n    bind 127.0.0.1\n    whoami\n    log\n}\n");
  auto process = Process::start({.arguments = {binary(), "-conf", corefile, "-workers", "1", "-log-format=json", "-p",
                                               std::to_string(port.number())}});
  REQUIRE(process);
  REQUIRE(process->wait_for("dns process", kLong));
  REQUIRE(ask_udp(port.v4(), encode({.name = "any.name.", .type = "A"})));
  static_cast<void>(folder.write("Corefile", ". {\n    nonsense\n}\n"));
  process->signal(SIGUSR1);
  REQUIRE(process->wait_for("Restart failed", kLong));
  process->signal(SIGTERM);
  REQUIRE(process->wait(kLong));
  std::istringstream lines(process->output());
  std::set<std::string> levels, plugins;
  for (std::string line; std::getline(lines, line);) {
    INFO(line);
    const auto object = nlohmann::json::parse(line);
    CHECK(object["time"].get<std::string>().ends_with("Z"));
    CHECK(object.contains("msg"));
    levels.insert(object["level"].get<std::string>());
    if (object.contains("plugin")) plugins.insert(object["plugin"].get<std::string>());
  }
  CHECK(levels == std::set<std::string>{"INFO", "ERROR"});
  CHECK(process->output().find("any.name.") != std::string::npos);

  const Outcome failed = run_swage({"-conf", corefile, "-log-format", "json"});
  CHECK(failed.status == 1);
  CHECK(nlohmann::json::parse(failed.errors)["level"] == "FATAL");
  const Outcome checked = run_swage({"-check", "-conf", corefile, "-log-format", "json"});
  CHECK(checked.status == 1);
  CHECK(nlohmann::json::parse(checked.errors)["level"] == "ERROR");
  CHECK(run_swage({"-log-format", "xml"}).status == 2);

  static_cast<void>(folder.write("Corefile", ". {\n    bind 127.0.0.1\n    whoami\n}\n"));
  auto timed = Process::start(
      {.arguments = {binary(), "-conf", corefile, "-workers", "1", "-log-time", "-p", std::to_string(port.number())}});
  REQUIRE(timed);
  REQUIRE(timed->wait_for("dns process", kLong));
  const std::string output = timed->output();
  CHECK(output.substr(0, 2) == "20");
  CHECK(output.substr(26, 2) == "Z ");
}

TEST_CASE("operating: a machine without IPv6 is served over IPv4 alone, with a warning") {
  const Folder folder;
  const Port port;
  std::thread([&] {
    refuse_ipv6();
    auto process = Process::start({.arguments = {std::filesystem::absolute(binary()).string(), "-workers", "1", "-p",
                                                 std::to_string(port.number())},
                                   .folder = folder.path()});
    REQUIRE(process);
    CHECK(process->wait_for("dns process", kLong));
    INFO(process->log());
    CHECK(process->output().find("[WARNING] this machine has no IPv6: [::] is left out") != std::string::npos);
    CHECK(process->output().find("dns://[::]") == std::string::npos);
    CHECK(ask_udp(port.v4(), encode({.name = "any.name.", .type = "A"})));
    process->signal(SIGTERM);
    CHECK(process->wait(kLong)->clean());
    const Outcome named = run_swage(
        {"-conf", folder.write("Corefile", ". {\n    bind ::1\n    whoami\n}\n"), "-p", std::to_string(port.number())});
    CHECK(named.status == 1);
    CHECK(named.errors.find("Address family not supported by protocol; this machine has no IPv6") != std::string::npos);
  }).join();
}
