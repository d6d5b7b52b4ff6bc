// What the processes of a server inherit of its environment: those that answer queries next to nothing, and not the
// broker's access token.
#include <signal.h>

#include <cstdlib>
#include <filesystem>

#include <fmt/format.h>

#include "tests/support/loopback.h"
#include "tests/support/server.h"

#include <catch2/catch.hpp>  // last: its CHECK is the one that counts here

namespace {

using namespace swage::tests;

constexpr const char* kCorefile = "a.test {\n bind 127.0.0.1\n whoami\n}\n";

// NAME=VALUE, each followed by a NUL: what the process was started with.
std::string environment_of(pid_t pid) { return read_file("/proc/" + std::to_string(pid) + "/environ"); }

bool has_token(pid_t pid) { return environment_of(pid).find("open sesame") != std::string::npos; }

void check(const Server& server, pid_t supervisor) {
  REQUIRE(wait_until([&] { return children(supervisor, "@dns").size() == 2; }, kPatience));
  for (const pid_t pid : children(supervisor, "@dns")) {
    CHECK_FALSE(has_token(pid));
    CHECK(environment_of(pid).find("SWAGE_TEST_OTHER") == std::string::npos);
    CHECK(environment_of(pid).find("TZ=UTC") != std::string::npos);
  }
  REQUIRE(children(supervisor, "@service").size() == 1);
  CHECK(has_token(children(supervisor, "@service").front()));
  CHECK(server.ask({.name = "a.test.", .type = "A"}).rcode_text() == "NOERROR");
}

}  // namespace

TEST_CASE("environment: the access token is the service process's alone, after a death and a reload, too") {
  Server server(kCorefile,
                {.workers = 2,
                 .environment = {{"FORGE_ACCESS_TOKEN", "open sesame"}, {"SWAGE_TEST_OTHER", "yes"}, {"TZ", "UTC"}}});
  const pid_t supervisor = server.process().pid();
  check(server, supervisor);
  for (const char* const kind : {"@dns", "@service"}) {
    const pid_t victim = children(supervisor, kind).front();
    kill(victim, SIGKILL);
    REQUIRE(wait_until(
        [&] {
          const auto now = children(supervisor, kind);
          return !now.empty() && std::find(now.begin(), now.end(), victim) == now.end();
        },
        kPatience));
    check(server, supervisor);
  }
  const pid_t before = children(supervisor, "@service").front();
  server.write_corefile("a.test {\n bind 127.0.0.1\n whoami\n errors\n}\n");
  server.process().signal(SIGUSR1);
  REQUIRE(wait_until(
      [&] {
        const auto now = children(supervisor, "@service");
        return now.size() == 1 && now.front() != before;
      },
      kPatience));
  check(server, supervisor);
}

TEST_CASE("environment: a token of the file .env stays out of dns processes, too") {
  const Folder folder;
  const Port port;
  static_cast<void>(folder.write(".env", "FORGE_ACCESS_TOKEN='open sesame'\n"));
  static_cast<void>(
      folder.write("Corefile", fmt::format("a.test:{} {{\n bind 127.0.0.1\n whoami\n}}\n", port.number())));
  auto process =
      Process::start({.arguments = {std::filesystem::absolute(std::getenv("SWAGE")).string(), "-workers", "2"},
                      .folder = folder.path()});
  REQUIRE(process);
  REQUIRE(wait_until([&] { return children(process->pid(), "@dns").size() == 2; }, kPatience));
  for (const pid_t pid : children(process->pid(), "@dns")) CHECK_FALSE(has_token(pid));
  process->signal(SIGTERM);
  CHECK(process->wait(kPatience).has_value());
}
