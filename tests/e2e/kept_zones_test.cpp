// What `auto` served stays in force while its file cannot be read: when the service process dies, and at a reload. And
// what `swage -check` says of such a folder. And compiled zones that `file` keeps for the next start.
#include <signal.h>

#include <cstdlib>
#include <filesystem>
#include <functional>
#include <thread>

#include <fmt/format.h>

#include "tests/support/server.h"

#include <catch2/catch.hpp>  // last: its CHECK is the one that counts here

namespace {

using namespace swage::tests;
using namespace std::chrono_literals;

constexpr const char* kAuto = "org {\n bind 127.0.0.1\n auto {\n  directory @FOLDER@/zones\n  reload 50ms\n }\n}\n";
constexpr const char* kStays = "; the zone stays as it was\n";

std::string zone(int last) { return fmt::format("$TTL 60\n@ SOA ns h 1 2 3 4 5\n@ NS ns\nns A 192.0.2.{}\n", last); }

// A server of the zones a.org and b.org.
struct Running {
  Running() {
    std::filesystem::create_directories(path("deeper"));
    write("db.a.org", zone(1));
    write("deeper/db.b.org", zone(1));
    REQUIRE(wait_until([&] { return served() == "1 1"; }, kPatience));
  }

  [[nodiscard]] std::string path(const std::string& name) const { return server.folder().file("zones/" + name); }
  // A file that is whole whenever it is read.
  void write(const std::string& name, const std::string& text) const {
    std::filesystem::rename(server.folder().write("new", text), path(name));
  }
  // The last numbers of the addresses of both zones' name servers, or RCODEs.
  [[nodiscard]] std::string served() const {
    std::string all;
    for (const char* const name : {"ns.a.org.", "ns.b.org."}) {
      const Decoded response = server.ask({.name = name, .type = "A"});
      const std::string record = response.answer.empty() ? "." + response.rcode_text() : response.answer.front();
      all += (all.empty() ? "" : " ") + record.substr(record.rfind('.') + 1);
    }
    return all;
  }
  [[nodiscard]] std::size_t count(std::string_view text) const {
    const std::string log = server.log();
    std::size_t found = 0;
    for (std::size_t at = 0; (at = log.find(text, at)) != std::string::npos; ++at) ++found;
    return found;
  }
  // Until the log has `text` once more.
  void wait_for_one_more(std::string_view text, const std::function<void()>& act) const {
    const std::size_t before = count(text);
    act();
    REQUIRE(wait_until([&] { return count(text) > before; }, 20s));
  }
  void kill_service() { REQUIRE(kill(children(server.process().pid(), "@service").at(0), SIGKILL) == 0); }
  void reload() {
    wait_for_one_more("Reloading complete", [&] { server.process().signal(SIGUSR1); });
  }

  Server server{kAuto};
};

}  // namespace

TEST_CASE("kept zones: one whose file is broken survives the service process and reloads, twice each") {
  Running running;
  running.wait_for_one_more(kStays, [&] { running.write("db.a.org", "no zone\n"); });
  for (int round = 0; round < 2; ++round) {
    running.wait_for_one_more(kStays, [&] { running.kill_service(); });
    CHECK(running.served() == "1 1");
  }
  for (int round = 0; round < 2; ++round) {
    running.wait_for_one_more(kStays, [&] { running.reload(); });
    CHECK(running.served() == "1 1");
  }
  std::this_thread::sleep_for(300ms);  // it is not said at every look
  CHECK(running.count(kStays) == 5);
  running.write("deeper/db.b.org", zone(2));
  CHECK(wait_until([&] { return running.served() == "1 2"; }, kPatience));
  running.write("db.a.org", zone(3));
  CHECK(wait_until([&] { return running.served() == "3 2"; }, kPatience));
}

TEST_CASE("kept zones: those of a folder that is away, or whose files cannot be read, survive both too") {
  Running running;
  running.server.write_corefile(std::string("# a line more\n") + kAuto);
  const std::string away = running.server.folder().file("away");
  constexpr const char* kStay = "; its zones stay as they were\n";
  running.wait_for_one_more(kStay, [&] { std::filesystem::rename(running.path(""), away); });
  running.wait_for_one_more(kStay, [&] { running.kill_service(); });
  CHECK(running.served() == "1 1");
  running.wait_for_one_more(kStay, [&] { running.reload(); });
  CHECK(running.served() == "1 1");
  CHECK(running.count("it has no zones until the folder is there") == 1);  // at the start
  std::filesystem::remove(away + "/db.a.org");                             // is really gone when the folder is back
  std::filesystem::rename(away, running.path(""));
  CHECK(wait_until([&] { return running.served() == "REFUSED 1"; }, kPatience));
}

TEST_CASE("kept zones: a hosts file that is gone keeps its entries through the same") {
  const char* const corefile =
      "hosts.test {\n bind 127.0.0.1\n hosts @FOLDER@/hosts {\n  10.0.0.1 own.hosts.test\n  reload 50ms\n }\n}\n";
  Server server(corefile);
  const auto serves = [&] {
    const Decoded response = server.ask({.name = "a.hosts.test.", .type = "A"});
    return response.answer == std::vector<std::string>{"a.hosts.test. 3600 IN A 10.0.0.2"};
  };
  const std::string path = server.folder().write("hosts", "10.0.0.2 a.hosts.test\n");
  REQUIRE(wait_until(serves, kPatience));
  std::filesystem::remove(path);
  REQUIRE(server.process().wait_for(path + ": No such file or directory; the entries stay as they were", 20s));
  REQUIRE(kill(children(server.process().pid(), "@service").at(0), SIGKILL) == 0);
  REQUIRE(server.process().wait_for(path + " does not exist; the entries stay as they were", 20s));
  CHECK(serves());
  server.process().signal(SIGUSR1);
  REQUIRE(server.process().wait_for("Reloading complete", 20s));
  CHECK(serves());
  static_cast<void>(server.folder().write("hosts", "10.0.0.3 b.hosts.test\n"));
  CHECK(wait_until([&] { return !serves(); }, kPatience));
}

TEST_CASE("kept zones: at a first start the broken one is said and not served, and -check fails") {
  const Folder folder;
  std::filesystem::create_directory(folder.file("zones"));
  static_cast<void>(folder.write("zones/db.a.org", zone(1)));
  const std::string corefile =
      folder.write("Corefile", "org:1053 {\n auto {\n  directory " + folder.file("zones") + "\n }\n}\n");
  const auto check = [&] {
    auto swage = Process::start({{std::getenv("SWAGE"), "-check", "-conf", corefile}});
    REQUIRE(swage);
    const auto status = swage->wait(20s);
    REQUIRE(status);
    return std::pair(status->to_string(), swage->log());
  };
  CHECK(check().first == "exit 0");
  const std::string broken = folder.write("zones/db.b.org", "no zone\n");
  const auto [status, said] = check();
  INFO(said);
  CHECK(status == "exit 1");
  CHECK(said.find("[ERROR] plugin/auto: " + broken + ":1: ") != std::string::npos);
  CHECK(said.find("; b.org. is not served\n") != std::string::npos);
  CHECK(said.find(corefile + ": 1 error above: the server would start without what it names\n") != std::string::npos);
  CHECK(said.find("OK: ") == std::string::npos);
}

TEST_CASE("kept zones: a compiled zone outlives the server, and is read anew where it is damaged") {
  const Folder folder;
  const std::string images = folder.file("images");
  std::filesystem::create_directory(images);
  std::filesystem::permissions(images, std::filesystem::perms::owner_all);
  static_cast<void>(folder.write("db", zone(7)));
  std::this_thread::sleep_for(150ms);  // its time tells a change
  const auto run = [&] {
    Server server("a.org {\n bind 127.0.0.1\n file " + folder.file("db") + " {\n  images " + images + "\n }\n}\n");
    CHECK(server.ask({.name = "ns.a.org.", .type = "A"}).answer ==
          std::vector<std::string>{"ns.a.org. 60 IN A 192.0.2.7"});
    CHECK(wait_until([&] { return !std::filesystem::is_empty(images); }, kPatience));
    server.stop();
    return server.log();
  };
  CHECK(run().find("as it was kept") == std::string::npos);
  const std::string file = std::filesystem::directory_iterator(images)->path().string();
  CHECK(run().find("as it was kept") != std::string::npos);
  std::filesystem::resize_file(file, std::filesystem::file_size(file) - 1);
  CHECK(run().find(file + ": is cut short; ") != std::string::npos);
  CHECK(run().find("as it was kept") != std::string::npos);
}
