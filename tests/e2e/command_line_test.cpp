// The program as an operator meets it: flags, -check, errors, the default Corefile, the pid file.
#include <unistd.h>

#include <csignal>
#include <filesystem>
#include <fstream>
#include <set>
#include <sstream>

#include "tests/support/dns_client.h"
#include "tests/support/dns_message.h"
#include "tests/support/loopback.h"
#include "tests/support/notify_socket.h"
#include "tests/support/process.h"

#include <catch2/catch.hpp>

namespace {

using namespace swage::tests;
using namespace std::chrono_literals;

struct Outcome {
  int status;
  std::string output, errors;
};

std::string binary() {
  const char* const path = std::getenv("SWAGE");
  return path == nullptr ? "build/asan/swage" : path;
}

Outcome run_swage(std::vector<std::string> arguments, const std::string& folder = {}) {
  arguments.insert(arguments.begin(), binary());
  auto process = Process::start({.arguments = arguments, .folder = folder});
  REQUIRE(process);
  const auto status = process->wait(20s);
  REQUIRE(status);
  CHECK_FALSE(status->signalled);
  return {status->code, process->output(), process->errors()};
}

}  // namespace

TEST_CASE("command line: -help, -version, -plugins") {
  const Outcome help = run_swage({"-help"});
  CHECK(help.status == 0);
  for (const char* const flag :
       {"-conf FILE", "-dns.port N", "-p N", "-workers N", "-pidfile FILE", "-quiet", "-check", "-ports",
        "-reload PIDFILE", "-log-format text|json", "-log-time", "-plugins", "-version"}) {
    INFO(flag);
    CHECK(help.output.find(flag) != std::string::npos);
  }
  const Outcome version = run_swage({"--version"});
  CHECK(version.status == 0);
  CHECK(version.output.starts_with("swage-"));
  CHECK((version.output.find("\ng++ ") != std::string::npos || version.output.find("\nclang ") != std::string::npos));
  const Outcome plugins = run_swage({"-plugins"});
  CHECK(plugins.status == 0);
  CHECK(plugins.output.find("ipsubdomain\nsign\nfile\n") != std::string::npos);
}

TEST_CASE("command line: a wrong flag is status 2") {
  const Outcome outcome = run_swage({"-cnof", "x"});
  CHECK(outcome.status == 2);
  CHECK(outcome.errors == "swage: unknown flag -cnof; did you mean 'conf'?; -help lists them\n");
}

TEST_CASE("command line: -check says what would be served, or what is wrong, and opens nothing") {
  const Outcome good = run_swage({"-conf", "Corefile.example", "-check", "-dns.port", "53"});
  INFO(good.errors);
  CHECK(good.status == 0);
  CHECK(good.output.find("dns://0.0.0.0:53 libp2p.direct.\n") != std::string::npos);
  CHECK(good.output.find("file libp2p.direct. zones/libp2p.direct: ") != std::string::npos);

  const Folder folder;
  const auto check = [&](const std::string& corefile) {
    return run_swage({"-check", "-conf", folder.write("Corefile", corefile)});
  };
  const std::string path = folder.file("Corefile");
  Outcome bad = check("example.org {\n    fiel zones/example.org\n}\n");
  CHECK(bad.status == 1);
  CHECK(bad.errors == path + ":2: unknown directive 'fiel'; did you mean 'file'?\n");
  bad = check("example.org {\n    file " + folder.file("zone") + "\n}\n");
  CHECK(bad.status == 1);
  CHECK(bad.errors.starts_with(path + ":2: file: " + folder.file("zone") + ": "));
  static_cast<void>(folder.write("zone", "@ SOA a b 1 2 3 4 5\n@ NS ns\nns A 192.0.2.256\n"));
  bad = check("example.org {\n    file " + folder.file("zone") + "\n}\n");
  CHECK(bad.status == 1);
  CHECK(bad.errors.starts_with(path + ":2: file: " + folder.file("zone") + ":3: "));
  bad = check("a.org {\n whoami\n prometheus 127.0.0.1:9153\n health :9153\n}\n");
  CHECK(bad.status == 1);
  CHECK(bad.errors ==
        path + ":3: prometheus: 127.0.0.1:9153 is within 0.0.0.0:9153, which is already that of " + path + ":4\n");
  bad = check("a.org {\n whoami\n prometheus [::1]:9153\n}\nb.org {\n whoami\n prometheus [::]:9153\n}\n");
  CHECK(bad.status == 1);
  CHECK(bad.errors ==
        path + ":7: prometheus: [::]:9153 includes [::1]:9153, which is already that of " + path + ":3\n");
  bad = check("a.org:9153 {\n whoami\n prometheus 127.0.0.1:9153\n}\n");
  CHECK(bad.status == 1);
  CHECK(bad.errors ==
        path + ":3: prometheus: 127.0.0.1:9153: DNS is served on 0.0.0.0:9153 already, by " + path + ":1\n");
  bad = run_swage({"-check", "-conf", folder.file("nowhere")});
  CHECK(bad.status == 1);
  CHECK(bad.errors.starts_with(folder.file("nowhere") + ": "));
}

TEST_CASE("command line: -check refuses what a directive does not know, with file and line") {
  const Folder folder;
  const std::string path = folder.file("Corefile");
  const std::set<std::string> with_words = {"metadata",    "nsid", "chaos", "log",  "acl", "acme-txt",
                                            "ipsubdomain", "auto", "cache", "tsig", "rrl"};  // zones, or any text
  std::istringstream names(run_swage({"-plugins"}).output);
  std::size_t count = 0;
  for (std::string name; names >> name; ++count) {
    INFO(name);
    const auto errors = [&](const std::string& behind) {
      static_cast<void>(folder.write("Corefile", ".:1053 {\n " + name + behind + "\n}\n"));
      const Outcome outcome = run_swage({"-check", "-conf", path});
      CHECK(outcome.status == 1);
      std::string_view text = outcome.errors;
      while (text.starts_with("warning: ")) text.remove_prefix(text.find('\n') + 1);
      return std::string(text);
    };
    CHECK(errors(" {\n nonsense x\n }").starts_with(path + ":"));
    if (!with_words.contains(name) && name != "hosts") CHECK(errors(" a b c d e f g").starts_with(path + ":2: "));
  }
  CHECK(count > 30);
}

TEST_CASE("command line: without a Corefile whoami answers; the pid file is there while it runs") {
  const Folder folder;
  const Port port;
  auto process = Process::start({.arguments = {std::filesystem::absolute(binary()).string(), "-dns.port",
                                               std::to_string(port.number()), "-workers", "1", "-pidfile", "swage.pid"},
                                 .folder = folder.path()});
  REQUIRE(process);
  REQUIRE(process->wait_for("1 dns process and 1 stream process,", 20s));
  CHECK(read_file(folder.file("swage.pid")) == std::to_string(process->pid()) + "\n");
  const auto answer = ask_udp(port.v4(), encode({.name = "any.name.", .type = "A"}));
  REQUIRE(answer);
  CHECK(decode(*answer)->additional.size() == 2);
  CHECK(process->wait_for("[INFO] 127.0.0.1:", 5s));  // its log
  process->signal(SIGINT);
  const auto status = process->wait(20s);
  REQUIRE(status);
  CHECK(status->clean());
  CHECK(access(folder.file("swage.pid").c_str(), F_OK) != 0);
}

TEST_CASE("command line: the service manager is told when queries are answered, of reloads, and when the server ends") {
  const Folder folder;
  const Port port;
  const NotifySocket manager(20s);
  const std::string corefile = folder.write("Corefile", ". {\n    whoami\n}\n");
  const std::string in_force = "READY=1\nSTATUS=" + corefile + " is in force";
  auto process = Process::start(
      {.arguments = {binary(), "-conf", corefile, "-workers", "1", "-dns.port", std::to_string(port.number())},
       .environment = {{"NOTIFY_SOCKET", manager.path()}}});
  REQUIRE(process);
  CHECK(manager.told() == in_force);
  CHECK(ask_udp(port.v4(), encode({.name = "any.name.", .type = "A"})));
  process->signal(SIGHUP);
  CHECK(manager.told().starts_with("RELOADING=1\nMONOTONIC_USEC="));
  CHECK(manager.told() == in_force);
  for (const std::string wrong : {". {", ". {\n    file nowhere\n}\n"}) {  // the supervisor sees it, a child does
    static_cast<void>(folder.write("Corefile", wrong));
    process->signal(SIGHUP);
    CHECK(manager.told().starts_with("RELOADING=1\n"));
    CHECK(manager.told().starts_with("READY=1\nSTATUS=the last reload failed: " + corefile + ":"));
  }
  process->signal(SIGTERM);
  CHECK(manager.told() == "STOPPING=1");
  CHECK(process->wait(20s)->clean());
}

TEST_CASE("command line: an address that somebody else has is an error, not shared") {
  const Folder folder;
  const Port port;
  const std::vector<std::string> arguments = {binary(),
                                              "-conf",
                                              folder.write("Corefile", ". {\n    bind 127.0.0.1\n    whoami\n}\n"),
                                              "-workers",
                                              "1",
                                              "-dns.port",
                                              std::to_string(port.number())};
  auto first = Process::start({.arguments = arguments});
  REQUIRE(first);
  REQUIRE(first->wait_for("dns process", 20s));
  std::vector<std::string> again(arguments.begin() + 1, arguments.end());
  const std::string pidfile = folder.write("swage.pid", "the first one's\n");
  again.insert(again.end(), {"-pidfile", pidfile});
  const Outcome second = run_swage(again);
  CHECK(second.status == 1);
  CHECK(read_file(pidfile) == "the first one's\n");
  CHECK(std::distance(std::filesystem::directory_iterator(folder.path()), {}) == 2);  // nothing else is left behind
  CHECK(second.errors.find("cannot listen on 127.0.0.1:" + std::to_string(port.number()) +
                           " (udp): Address already in use, by swage") != std::string::npos);
}
