// The challenge store of a running server: what is put into it is answered by every dns process at once, and is still
// answered when processes are killed, the configuration is read again, or the server is started anew. This process
// plays the broker: it writes into the server's own memory.
#include <fcntl.h>
#include <signal.h>

#include <algorithm>
#include <cstdlib>
#include <ctime>
#include <filesystem>
#include <fstream>

#include "core/libp2p/peer_id.h"
#include "core/shm/segment.h"
#include "core/shm/table.h"
#include "tests/support/load.h"
#include "tests/support/server.h"

#include <catch2/catch.hpp>  // last: its CHECK is the one that counts here

namespace {

namespace fs = std::filesystem;
using namespace swage;
using namespace swage::tests;
using namespace std::chrono_literals;

constexpr std::string_view kPeer = "k51qzi5uqu5dgf513xbrfjl4smgo2eh1x8p8y6grzsf1oz0reiy56p65tds3s6";
constexpr Milliseconds kLong{20000};

std::string corefile(const std::string& store) {
  return "libp2p.direct {\n    bind 127.0.0.1\n    errors\n    acme-txt {\n        store memory " + store +
         "\n    }\n    ipsubdomain\n    file zones/libp2p.direct\n}\n";
}

// The memory of the running server, as its service process has it.
shm::Segment store_of(Server& server) {
  const std::vector<pid_t> services = children(server.process().pid(), "@service");
  REQUIRE(services.size() == 1);
  for (const auto& each : fs::directory_iterator("/proc/" + std::to_string(services[0]) + "/fd")) {
    std::error_code error;
    const std::string target = fs::read_symlink(each.path(), error).string();
    if (target.find("challenges") == std::string::npos || target.find("(deleted) ") != std::string::npos) continue;
    return *shm::Segment::attach(open(each.path().c_str(), O_RDWR | O_CLOEXEC), shm::Segment::Access::write);
  }
  FAIL("the service process has no store");
  return {};
}

std::expected<void, shm::PutError> put(shm::Segment& store, std::string_view value) {
  const std::int64_t now = std::int64_t{std::time(nullptr)} * 1000;
  shm::TableWriter writer(store.writable_bytes());
  return writer.put(libp2p::PeerId::from_label(as_bytes(kPeer))->multihash(), value, now + writer.lifetime(), now);
}

// The TXT strings, or the rcode; from a new socket each time, so that in the end every dns process was asked.
std::string texts(const Server& server) {
  const Decoded answer =
      server.ask({.name = "_acme-challenge." + std::string(kPeer) + ".libp2p.direct.", .type = "TXT"});
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
  shm::Segment store = store_of(server);
  std::string expected;
  for (int i = 0; i < 4; ++i) {
    REQUIRE(put(store, "value" + std::to_string(i)));
    expected = "\"value" + std::to_string(i) + "\" " + expected;
    CHECK(all_say(server, expected));
  }
  replace(server, "@dns", 2);
  CHECK(all_say(server, expected));
  replace(server, "@service", 1);
  CHECK(all_say(server, expected));
  REQUIRE(put(store, "later"));
  expected = "\"later\" " + expected;
  CHECK(all_say(server, expected));

  reload(server, corefile("capacity 100") + "other.test {\n bind 127.0.0.1\n whoami\n}\n");
  CHECK(all_say(server, expected));
  REQUIRE(put(store, "the same memory"));
  expected = "\"the same memory\" " + expected;
  CHECK(all_say(server, expected));

  reload(server, corefile("capacity 200"));
  CHECK(all_say(server, expected));
  REQUIRE(wait_until([&] { return !put(store, "too late"); }, kLong));
  shm::Segment larger = store_of(server);
  CHECK(shm::Table(larger.bytes()).capacity() == 200);
  REQUIRE(put(larger, "in the larger one"));
  CHECK(texts(server).starts_with("\"in the larger one\" "));
}

TEST_CASE("challenge store: a reload that fails leaves the store as it was") {
  Server server(corefile("capacity 100"), {.workers = 2});
  shm::Segment store = store_of(server);
  REQUIRE(put(store, "one"));
  server.write_corefile(corefile("capacity 200") + "bad.test {\n file zones/nowhere\n}\n");
  server.process().signal(SIGUSR1);
  REQUIRE(
      wait_until([&] { return server.log().find("the configuration in force stays") != std::string::npos; }, kLong));
  REQUIRE(put(store, "two"));
  CHECK(all_say(server, "\"two\" \"one\" "));
}

TEST_CASE("challenge store: with a path it outlives the server, also one that is killed") {
  const Folder folder;
  const std::string path = folder.file("challenges");
  const std::string text = corefile(path + " capacity 100");
  {
    Server server(text, {.workers = 2});
    REQUIRE(wait_until([&] { return fs::exists(path); }, kLong));
    shm::Segment store = store_of(server);
    REQUIRE(put(store, "one"));
    CHECK(all_say(server, "\"one\" "));
  }
  {
    Server server(text, {.workers = 2});
    CHECK(all_say(server, "\"one\" "));
    shm::Segment store = store_of(server);
    REQUIRE(put(store, "two"));
    server.process().signal(SIGKILL);
    static_cast<void>(server.stop());
  }
  {
    Server server(text, {.workers = 2});
    CHECK(all_say(server, "\"two\" \"one\" "));
    reload(server, corefile(path + " capacity 50"));
    CHECK(all_say(server, "\"two\" \"one\" "));
  }
  Server server(corefile(path + " capacity 50"), {.workers = 2});
  CHECK(all_say(server, "\"two\" \"one\" "));
  CHECK_FALSE(fs::exists(path + ".new"));
}

TEST_CASE("challenge store: a file that is cut short under the server takes challenges alone") {
  const Folder folder;
  const std::string path = folder.file("challenges");
  Server server(corefile(path + " capacity 100"), {.workers = 2});
  REQUIRE(wait_until([&] { return fs::exists(path); }, kLong));
  shm::Segment store = store_of(server);
  REQUIRE(put(store, "one"));
  REQUIRE(all_say(server, "\"one\" "));
  fs::resize_file(path, 100);
  const UdpClient client(server.endpoint());
  const auto challenge = encode({.name = "_acme-challenge." + std::string(kPeer) + ".libp2p.direct.", .type = "TXT"});
  // Each dns process dies of the first such question, and is replaced by one that knows that it has no store.
  const auto answered = [&] {
    int failed = 0;
    for (int i = 0; i < 16; ++i) {
      const UdpClient each(server.endpoint());
      each.send(challenge);
      const auto answer = each.receive(200ms);
      if (answer && ((*answer)[3] & 15) == 2) ++failed;
    }
    return failed == 16;
  };
  CHECK(wait_until(answered, kLong));
  for (int i = 0; i < 16; ++i) CHECK(server.ask({.name = "libp2p.direct.", .type = "SOA"}).rcode_text() == "NOERROR");
}

TEST_CASE("challenge store: a file that is none is refused by name") {
  const Folder folder;
  const std::string path = folder.write("challenges", std::string(9000, 'x'));
  const std::string config = folder.write("Corefile", corefile(path));
  const Port port;
  for (const std::string& flag : {std::string("-quiet"), std::string("-check")}) {
    const auto refused =
        run({.arguments = {std::getenv("SWAGE"), "-conf", config, "-dns.port", std::to_string(port.number()), flag}});
    REQUIRE_FALSE(refused);
    CHECK(refused.error().text().find(path + ": not a usable store of challenges: this is no table of swage") !=
          std::string::npos);
  }
}
