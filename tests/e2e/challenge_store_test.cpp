// The challenge store of a running server: what is put into it is answered by every dns process at once, and is still
// answered when processes are killed, the configuration is read again, or the server is started anew; and no dns
// process can write it.
#include <signal.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <algorithm>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <map>
#include <thread>

#include <fmt/format.h>

#include "core/async/loop.h"
#include "core/descriptor.h"
#include "core/shm/segment.h"
#include "tests/support/broker/nodes.h"
#include "tests/support/broker/registrar.h"
#include "tests/support/memory_attack.h"
#include "tests/support/server.h"

#include <catch2/catch.hpp>  // last: its CHECK is the one that counts here

namespace {

namespace fs = std::filesystem;
using namespace swage;
using namespace swage::tests;
using namespace std::chrono_literals;

constexpr Milliseconds kLong{20000};

std::string corefile(const std::string& store) {
  return "libp2p.direct {\n    bind 127.0.0.1\n    errors\n    acme-txt {\n        store memory " + store +
         "\n    }\n    broker registration.libp2p.direct {\n        listen 127.0.0.1:@PORT2@\n        tls off\n"
         "        limit peer 1000/1m\n        limit client 1000/1m\n        dial {\n            allow 127.0.0.0/8\n"
         "        }\n    }\n    ipsubdomain\n    file zones/libp2p.direct\n}\n";
}

// A node that registers values with the server's broker.
class Node {
 public:
  // The status of the answer; a broker that is being replaced is asked again.
  int put(const Server& server, std::uint64_t number) {
    int status = 0;
    for (int tries = 0; tries < 100 && (status == 0 || status == 503); ++tries) {
      Registrar registrar(loop_, {*IpAddress::parse("127.0.0.1"), server.second_port(), 0},
                          "registration.libp2p.direct");
      const libp2p::PrivateKey key = Nodes::key(0);
      const std::string body = registration_body(challenge_value(number), {nodes_.address(0)});
      loop_.spawn(registers(*this, registrar, key, body, status));
      loop_.run();
      if (status == 0 || status == 503) std::this_thread::sleep_for(50ms);
    }
    return status;
  }
  static async::Task<> registers(Node& node, Registrar& registrar, const libp2p::PrivateKey& key, std::string body,
                                 int& status) {
    const http::Response response = co_await registrar.registers(key, std::move(body));
    status = response.status;
    node.loop_.stop();
  }
  static std::string text(std::uint64_t number) { return '"' + challenge_value(number) + "\" "; }

 private:
  async::Loop loop_;
  Nodes nodes_{loop_};
};

const std::string kPeer = Nodes::key(0).public_key().peer_id().to_base36();

// The TXT strings, or the rcode; from a new socket each time, so that in the end every dns process was asked.
std::string texts(const Server& server) {
  const Decoded answer = server.ask({.name = "_acme-challenge." + kPeer + ".libp2p.direct.", .type = "TXT"});
  if (answer.answer.empty()) return answer.rcode_text();
  std::string all;
  for (const std::string& record : answer.answer) all += record.substr(record.find('"')) + " ";
  return all;
}

bool all_say(const Server& server, const std::string& expected) {
  for (int i = 0; i < 32; ++i) {
    if (const std::string found = texts(server); found != expected) {
      UNSCOPED_INFO("instead of " << expected << ": " << found);
      return false;
    }
  }
  return true;
}

void replace(Server& server, const std::string& kind, std::size_t count) {
  const pid_t supervisor = server.process().pid();
  const std::vector<pid_t> before = children(supervisor, kind);
  REQUIRE(before.size() == count);
  for (const pid_t pid : before) REQUIRE(kill(pid, SIGKILL) == 0);
  REQUIRE(wait_until(
      [&] {
        const std::vector<pid_t> now = children(supervisor, kind);
        return now.size() == count &&
               std::ranges::none_of(now, [&](pid_t pid) { return std::ranges::find(before, pid) != before.end(); });
      },
      kLong));
  REQUIRE(wait_until([&] { return texts(server) != ""; }, kLong));
}

void reload(Server& server, const std::string& text) {
  const auto done = [&] {
    std::size_t count = 0;
    const std::string log = server.log();
    for (std::size_t at = 0; (at = log.find("Reloading complete", at)) != std::string::npos; ++at) ++count;
    return count;
  };
  const std::size_t before = done();
  server.write_corefile(text);
  server.process().signal(SIGUSR1);
  REQUIRE(wait_until([&] { return done() > before; }, kLong));
  REQUIRE(wait_until([&] { return children(server.process().pid(), "@dns").size() == 2; }, kLong));
  REQUIRE(wait_until([&] { return children(server.process().pid(), "@service").size() == 1; }, kLong));
}

}  // namespace

TEST_CASE("challenge store: what is put is answered by every dns process at once, whoever is killed") {
  Server server(corefile("capacity 100"), {.workers = 2});
  CHECK(all_say(server, "\"not set yet\" "));
  Node node;
  std::string expected;
  std::uint64_t number = 0;
  const auto put = [&] {
    REQUIRE(node.put(server, ++number) == 200);
    expected = Node::text(number) + expected;
    CHECK(all_say(server, expected));
  };
  for (int i = 0; i < 3; ++i) put();
  replace(server, "@dns", 2);
  CHECK(all_say(server, expected));
  replace(server, "@service", 1);
  CHECK(all_say(server, expected));
  put();
  reload(server, corefile("capacity 100") + "other.test {\n bind 127.0.0.1\n whoami\n}\n");
  CHECK(all_say(server, expected));
  put();
  reload(server, corefile("capacity 200"));
  CHECK(all_say(server, expected));
  put();
  CHECK(server.log().find("1 peer of 200, in memory") != std::string::npos);
}

TEST_CASE("challenge store: a reload that fails leaves the store as it was") {
  Server server(corefile("capacity 100"), {.workers = 2});
  Node node;
  REQUIRE(node.put(server, 1) == 200);
  server.write_corefile(corefile("capacity 200") + "bad.test {\n file zones/nowhere\n}\n");
  server.process().signal(SIGUSR1);
  REQUIRE(
      wait_until([&] { return server.log().find("the configuration in force stays") != std::string::npos; }, kLong));
  REQUIRE(node.put(server, 2) == 200);
  CHECK(all_say(server, Node::text(2) + Node::text(1)));
}

TEST_CASE("challenge store: with a path it outlives the server, also one that is killed") {
  const Folder folder;
  const std::string path = folder.file("challenges");
  const std::string text = corefile(path + " capacity 100");
  Node node;
  {
    Server server(text, {.workers = 2});
    REQUIRE(node.put(server, 1) == 200);
    CHECK(all_say(server, Node::text(1)));
    CHECK(fs::exists(path));
  }
  {
    Server server(text, {.workers = 2});
    CHECK(all_say(server, Node::text(1)));
    REQUIRE(node.put(server, 2) == 200);
    server.process().signal(SIGKILL);
    static_cast<void>(server.stop());
  }
  std::string all = Node::text(2) + Node::text(1);
  {
    Server server(text, {.workers = 2});
    CHECK(all_say(server, all));
    reload(server, corefile(path + " capacity 50"));
    CHECK(all_say(server, all));
    REQUIRE(node.put(server, 3) == 200);
    replace(server, "@service", 1);
    REQUIRE(node.put(server, 4) == 200);
    all = Node::text(4) + Node::text(3) + all;
    CHECK(all_say(server, all));
  }
  Server server(corefile(path + " capacity 50"), {.workers = 2});
  CHECK(all_say(server, all));
  CHECK_FALSE(fs::exists(path + ".new"));
}

TEST_CASE("challenge store: a file that is cut short under the server changes no answer") {
  const Folder folder;
  const std::string path = folder.file("challenges");
  Server server(corefile(path + " capacity 100"), {.workers = 2});
  Node node;
  REQUIRE(node.put(server, 1) == 200);
  const std::vector<pid_t> before = children(server.process().pid(), "@");
  fs::resize_file(path, 100);
  CHECK(all_say(server, Node::text(1)));
  REQUIRE(node.put(server, 2) == 200);
  CHECK(all_say(server, Node::text(2) + Node::text(1)));
  CHECK(children(server.process().pid(), "@") == before);
}

namespace {

// What a process has to write: what it counts, and that it is alive, which no other dns process has; and its piece of
// memory that the others read (core/server/worker_pieces_test.cpp).
bool is_its_own(std::string_view memory) {
  return memory.contains("metrics") || memory.contains("pulse") || memory.contains(" of dns");
}

// What the supervisor holds and hands to dns processes: the very descriptors.
std::map<std::string, Descriptor> handed_to_dns_processes(pid_t supervisor) {
  std::map<std::string, Descriptor> found;
  const Descriptor process(static_cast<int>(syscall(SYS_pidfd_open, supervisor, 0)));
  REQUIRE(process.exists());
  for (const auto& each : fs::directory_iterator("/proc/" + std::to_string(supervisor) + "/fd")) {
    std::error_code error;
    const std::string target = fs::read_symlink(each.path(), error).string();
    const bool is_kept_back = target.find("gate of") != std::string::npos || target.find("secret") != std::string::npos;
    if (!target.starts_with("/memfd:swage") || is_kept_back || is_its_own(target)) continue;
    const int number = std::stoi(each.path().filename());
    found[target] = Descriptor(static_cast<int>(syscall(SYS_pidfd_getfd, process.get(), number, 0)));
    REQUIRE(found[target].exists());
  }
  return found;
}

}  // namespace

// As a dns process that was taken over: it has the descriptors that the supervisor sends to it.
TEST_CASE("challenge store: a dns process can write none of the memory that it reads") {
  const Folder folder;
  const std::string path = folder.file("challenges");
  Server server(corefile(GENERATE(true, false) ? path + " capacity 100" : "capacity 100"), {.workers = 2});
  Node node;
  std::string expected;
  const auto attack = [&](std::uint64_t number) {
    REQUIRE(node.put(server, number) == 200);
    expected = Node::text(number) + expected;
    const auto memories = handed_to_dns_processes(server.process().pid());
    std::size_t stores = 0;
    for (const auto& [name, memory] : memories) {
      INFO(name);
      stores += name.find("challenges") != std::string::npos ? 1 : 0;
      const shm::Mapping mapped = *shm::Mapping::open_sealed(*memory.duplicate(), shm::Seal::elsewhere);
      const Attack attacked = attack_memory({.fd = memory.get(), .mapping = mapped.bytes()}, mapped);
      CHECK(attacked.worked.empty());
      CHECK(attacked.tried > 30);
    }
    CHECK(stores == 1);
    CHECK(memories.size() >= 3);  // the store, the zone, the Corefile
    CHECK(all_say(server, expected));
  };
  attack(1);
  replace(server, "@service", 1);
  attack(2);
  reload(server, corefile("capacity 70"));
  attack(3);

  // And what dns processes have mapped, or open, is that, and no more than that is writable: what is their own.
  for (const pid_t pid : children(server.process().pid(), "@dns")) {
    std::ifstream maps("/proc/" + std::to_string(pid) + "/smaps");
    std::string line, mapping;
    std::size_t shared = 0;
    while (std::getline(maps, line)) {
      if (line.find("-") < 20 && line.find(" r") != std::string::npos) mapping = line;
      if (!line.starts_with("VmFlags:") || mapping.find("/memfd:swage") == std::string::npos) continue;
      if (is_its_own(mapping)) continue;
      ++shared;
      INFO(mapping << "\n" << line);
      CHECK(line.find(" wr") == std::string::npos);
      CHECK(line.find(" mw") == std::string::npos);  // may be made writable
    }
    CHECK(shared >= 2);
    for (const auto& each : fs::directory_iterator("/proc/" + std::to_string(pid) + "/fd")) {
      std::error_code error;
      const std::string target = fs::read_symlink(each.path(), error).string();
      CHECK(target.find("challenges") == std::string::npos);
    }
  }
}

TEST_CASE("challenge store: a file that is none is refused by name") {
  const Folder folder;
  const std::string path = folder.write("challenges", std::string(9000, 'x'));
  const Port port, of_broker;
  std::string text = corefile(path);
  text.replace(text.find("@PORT2@"), std::string_view("@PORT2@").size(), std::to_string(of_broker.number()));
  const std::string config = folder.write("Corefile", text);
  for (const std::string& flag : {std::string("-quiet"), std::string("-check")}) {
    const auto refused =
        run({.arguments = {std::getenv("SWAGE"), "-conf", config, "-dns.port", std::to_string(port.number()), flag}});
    REQUIRE_FALSE(refused);
    CHECK(refused.error().text().find(path + ": not a usable store of challenges: it was not written by swage") !=
          std::string::npos);
  }
}

TEST_CASE("challenge store: reloads one right after the other do not find the file in use by their own server") {
  const Folder folder;
  Server server(corefile(folder.file("challenges")));
  const std::string pidfile = server.folder().file("pid");
  const std::string swage = fs::absolute(std::getenv("SWAGE")).string();
  for (int i = 0; i < 20; ++i) {
    const auto reloaded = run({.arguments = {swage, "-reload", pidfile}}, kLong);
    INFO("reload " << i << ": " << (reloaded ? *reloaded : reloaded.error().text()));
    CHECK(reloaded);
  }
}

TEST_CASE("challenge store: an empty file, as a power failure may leave it, is no reason not to start or to reload") {
  const Folder folder;
  const std::string path = folder.write("challenges", "");
  Server server(corefile(path));
  const std::string pidfile = server.folder().file("pid");
  CHECK(server.log().find("challenges: an empty file, which is not a store of challenges; begun anew") !=
        std::string::npos);
  REQUIRE(wait_until([&] { return fs::file_size(path) > 0; }, kLong));
  fs::resize_file(path, 0);  // while it runs
  const std::string swage = fs::absolute(std::getenv("SWAGE")).string();
  const auto reloaded = run({.arguments = {swage, "-reload", pidfile}}, kLong);
  INFO((reloaded ? *reloaded : reloaded.error().text()));
  CHECK(reloaded);
  CHECK(wait_until([&] { return fs::file_size(path) > 0; }, kLong));
}

TEST_CASE("challenge store: a service process that cannot make its file says so to whoever asks, and tries again") {
  const Folder folder;
  const std::string path = folder.file("challenges");
  Server server(corefile(path));
  const std::string health = fmt::format("http://127.0.0.1:{}/v1/health", server.second_port());
  const auto status = [&] {
    const auto got = run({.arguments = {"curl", "-s", "-o", "/dev/null", "-w", "%{http_code}", health}}, kLong);
    return got ? *got : got.error().text();
  };
  REQUIRE(wait_until([&] { return status() == "204"; }, kLong));
  const std::vector<std::string> in_the_way = {path + ".new", path + ".new2", path + ".new3", path + ".new4"};
  for (const std::string& each : in_the_way) fs::create_directory(each);
  replace(server, "@service", 1);
  CHECK(wait_until([&] { return status() == "503"; }, kLong));
  CHECK(texts(server) == "\"not set yet\" ");  // what there is is answered
  for (const std::string& each : in_the_way) fs::remove(each);
  CHECK(wait_until([&] { return status() == "204"; }, kLong));
}
