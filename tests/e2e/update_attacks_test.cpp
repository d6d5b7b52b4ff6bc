// Dynamic updates (RFC 2136) where somebody, or the machine, means ill: messages of 64 kB, damaged ones, thousands of
// clients at a time, races, keys that go away, clocks that are wrong, disks that are full or cannot be written. What
// is not done is said, and what was said to be done is there.
#include <poll.h>
#include <sched.h>
#include <sys/mount.h>
#include <sys/resource.h>

#include <cstring>
#include <memory>
#include <random>
#include <set>
#include <thread>

#include <fmt/format.h>

#include "tests/e2e/update_bench.h"
#include "tests/support/peers.h"
#include "tests/support/server.h"
#include "tests/support/update_client.h"
#include "tests/support/update_message.h"

#include <catch2/catch.hpp>  // last: its CHECK is the one that counts here

using namespace swage;
using namespace swage::tests;
using namespace std::chrono_literals;

namespace {

constexpr auto kLong = 30s;

UpdateClient client_of(const Server& server, std::string_view key = "all", std::string_view secret = kSecret) {
  return {server.endpoint(), "example.org.", key, secret};
}

bool is_there(const Server& server, const std::string& name) {
  return answers(server, name + ".example.org.", "TXT").starts_with("NOERROR " + name);
}

}  // namespace

TEST_CASE("update attacks: messages of 64 kB, whole and damaged") {
  constexpr int kRecords = 270, kConditions = 2000;  // as many as one message takes
  const UpdateBench bench(2);
  const Server server(bench.corefile(), bench.options);
  UpdateClient client = client_of(server),
               forger = client_of(server, "all", "YW5vdGhlciBzZWNyZXQgdGhhdCBub2JvZHkga25vd3M=");
  std::string added, removed, conditions;
  for (int i = 0; i < kRecords; ++i) {
    added += fmt::format("add big{}.example.org. 60 TXT {}\n", i, std::string(200, 'x'));
    removed += fmt::format("del big{}.example.org. TXT\n", i);
  }
  for (int i = 0; i < kConditions; ++i) conditions += fmt::format("prereq nxdomain n{}.example.org.\n", i);
  CHECK(client.signed_message(added).size() > 60'000);
  CHECK(client.signed_message(conditions).size() > 50'000);
  CHECK(forger.send(added, UpdateClient::Over::tcp, kLong) == "BADSIG");
  CHECK(decode(ask_tcp(server.endpoint(), update_message("example.org.", added), kLong).value())->rcode_text() ==
        "REFUSED");
  CHECK(serial(server) == 10);
  CHECK(client.send(added, UpdateClient::Over::tcp, kLong) == "NOERROR");
  CHECK(is_there(server, "big0"));
  CHECK(is_there(server, fmt::format("big{}", kRecords - 1)));
  CHECK(client.send(conditions + "add one.example.org. 60 TXT x", UpdateClient::Over::tcp, kLong) == "NOERROR");
  CHECK(client.send(conditions + "prereq yxdomain nobody.example.org.", UpdateClient::Over::tcp, kLong) == "NXDOMAIN");
  CHECK(serial(server) == 12);
  // A bit of it, or all from somewhere on, is not what was signed.
  std::minstd_rand random(number_from("SWAGE_SEED", 1));
  for (int i = 0; i < 30; ++i) {
    Packet message = client.signed_message(removed);
    const std::size_t at = random() % message.size();
    INFO("SWAGE_SEED, " << i << ": at " << at);
    if (i % 3 == 0) {
      message.resize(at);
    } else {
      message[at] ^= static_cast<std::uint8_t>(1U << random() % 8);
    }
    if (const TcpClient tcp(server.endpoint()); tcp.connected()) static_cast<void>(tcp.send(message));
  }
  CHECK(client.send("add two.example.org. 60 TXT x", UpdateClient::Over::tcp, kLong) == "NOERROR");
  CHECK(serial(server) == 13);
  CHECK(client.send(removed, UpdateClient::Over::tcp, kLong) == "NOERROR");
  CHECK_FALSE(is_there(server, "big0"));
}

TEST_CASE("update attacks: of those who race for a name, one has it") {
  constexpr unsigned kClients = 8, kNames = 5;
  const UpdateBench bench(2);
  const Server server(bench.corefile(), bench.options);
  for (unsigned i = 0; i < kNames; ++i) {
    std::vector<std::string> said(kClients);
    std::vector<std::thread> clients;
    for (unsigned who = 0; who < kClients; ++who) {
      clients.emplace_back([&, who] {
        UpdateClient client = client_of(server);
        const std::string lines =
            fmt::format("prereq nxdomain r{0}.example.org.\nadd r{0}.example.org. 60 TXT {1}", i, who);
        said[who] = client.send(lines, who % 2 == 0 ? UpdateClient::Over::tcp : UpdateClient::Over::udp, kLong);
      });
    }
    for (std::thread& each : clients) each.join();
    const auto winner = std::ranges::find(said, "NOERROR") - said.begin();
    INFO(i << ": " << fmt::format("{}", fmt::join(said, " ")));
    CHECK(std::ranges::count(said, "NOERROR") == 1);
    CHECK(std::ranges::count(said, "YXDOMAIN") == kClients - 1);
    CHECK(answers(server, fmt::format("r{}.example.org.", i), "TXT") ==
          fmt::format("NOERROR r{}.example.org. 60 IN TXT \"{}\"", i, winner));
  }
  CHECK(serial(server) == 10 + kNames);
}

namespace {

// A client of UDP that sends the same request again until it is answered, as all do.
struct Waiting {
  explicit Waiting(const Server& server, unsigned number)
      : client(client_of(server)),
        name(fmt::format("c{}", number)),
        message(client.signed_message(
            fmt::format("prereq nxdomain {0}.example.org.\nadd {0}.example.org. 60 TXT x", name))),
        udp(std::make_unique<UdpClient>(server.endpoint())) {}

  UpdateClient client;
  std::string name;
  Packet message;
  std::unique_ptr<UdpClient> udp;
  std::string said{};
};

// Reads what has come. How many still wait.
std::size_t read_all(std::vector<Waiting>& clients, Milliseconds time) {
  std::vector<pollfd> sockets;
  for (const Waiting& each : clients)
    sockets.push_back({each.said == "NOERROR" ? -1 : each.udp->descriptor(), POLLIN, 0});
  if (poll(sockets.data(), sockets.size(), static_cast<int>(time.count())) > 0) {
    for (std::size_t i = 0; i < clients.size(); ++i) {
      if ((sockets[i].revents & POLLIN) != 0) clients[i].said = clients[i].client.read(clients[i].udp->receive(0ms));
    }
  }
  return static_cast<std::size_t>(
      std::ranges::count_if(clients, [](const Waiting& each) { return each.said != "NOERROR"; }));
}

}  // namespace

// Long: SWAGE_UPDATE_CLIENTS=10000.
TEST_CASE("update attacks: all of very many clients at a time are served in the end") {
  const unsigned count = number_from("SWAGE_UPDATE_CLIENTS", 400);
  const rlimit many{.rlim_cur = count + 200, .rlim_max = std::max<rlim_t>(count + 200, 20'000)};
  static_cast<void>(setrlimit(RLIMIT_NOFILE, &many));
  const UpdateBench bench(2);
  const Server server(bench.corefile(), bench.options);
  std::vector<Waiting> clients;
  for (unsigned i = 0; i < count; ++i) clients.emplace_back(server, i);
  std::set<std::string> failures;
  std::size_t left = count, sent = 0;
  const auto deadline = std::chrono::steady_clock::now() + 300s;
  while (left > 0) {
    REQUIRE(std::chrono::steady_clock::now() < deadline);
    for (Waiting& each : clients) {
      if (each.said == "NOERROR") continue;
      if (!each.said.empty()) failures.insert(each.said);
      each.udp->send(each.message);
      ++sent;
    }
    for (std::size_t before = left + 1; left > 0 && left < before;) {  // as long as some are answered
      before = left;
      left = read_all(clients, 500ms);
      std::this_thread::sleep_for(50ms);
    }
  }
  for (const std::string& each : failures) CHECK((each == "unsigned SERVFAIL" || each == "SERVFAIL"));
  CHECK(std::ranges::count_if(clients, [&](const Waiting& each) { return !is_there(server, each.name); }) == 0);
  CHECK(serial(server) == 10 + count);  // none was done twice
  WARN(fmt::format("{} clients, {} requests until all were done", count, sent));
}

TEST_CASE("update attacks: a key that is taken away, or changed, while requests are on their way") {
  const UpdateBench bench(2);
  Server server(bench.corefile(), bench.options);
  std::atomic<bool> ends = false;
  std::vector<std::string> said;
  std::thread sender([&] {
    UpdateClient acme = client_of(server, "acme");
    for (int i = 0; !ends; ++i) {
      said.push_back(
          acme.send(fmt::format("add _acme-challenge.www.example.org. 60 TXT {}", i), UpdateClient::Over::tcp, kLong));
    }
  });
  std::string without = bench.corefile();
  const std::size_t at = without.find("   key acme");
  without.erase(at, without.find('\n', at) + 1 - at);
  server.write_corefile(without);
  constexpr std::string_view kOther = "b25lIG1vcmUgc2VjcmV0IG9mIHRoaXJ0eS10d28gYnl0ZXM=";
  static_cast<void>(
      bench.folder.write("keys", fmt::format("key \"all\" {{ algorithm hmac-sha256; secret \"{}\"; }};\n", kOther)));
  server.process().signal(SIGUSR1);
  const bool reloaded = server.process().wait_for("Reloading complete", 60s);
  ends = true;
  sender.join();
  REQUIRE(reloaded);
  const auto done = static_cast<std::size_t>(std::ranges::count(said, "NOERROR"));
  for (const std::string& each : said) {
    CHECK((each == "NOERROR" || each == "BADKEY" || each == "unsigned SERVFAIL" || each == "unsigned NOTIMP"));
  }
  CHECK(client_of(server, "acme").send("", UpdateClient::Over::tcp, kLong) == "BADKEY");
  CHECK(client_of(server).send("", UpdateClient::Over::tcp, kLong) == "BADSIG");
  CHECK(client_of(server, "all", kOther).send("add new.example.org. 60 TXT x", UpdateClient::Over::tcp, kLong) ==
        "NOERROR");
  const std::string challenges = answers(server, "_acme-challenge.www.example.org.", "TXT");
  for (std::size_t i = 0; i < said.size(); ++i) {
    if (said[i] != "NOERROR") continue;
    INFO(i);
    CHECK(challenges.find(fmt::format("TXT \"{}\"", i)) != std::string::npos);
  }
  CHECK(serial(server) >= 11 + done);
}

TEST_CASE("update attacks: clocks that are wrong") {
  const UpdateBench bench;
  const Server server(bench.corefile(), bench.options);
  UpdateClient client = client_of(server);
  const auto send = [&](std::string_view lines, std::int64_t ahead) {
    return client.exchange(client.signed_message(lines, ahead), UpdateClient::Over::tcp, kLong);
  };
  for (const std::int64_t ahead : {-100'000'000, -86'400, -400, 400, 86'400, 1'000'000'000}) {
    INFO(ahead);
    CHECK(send("add one.example.org. 60 TXT x", ahead) == "BADTIME");
  }
  CHECK(serial(server) == 10);
  CHECK(send("add one.example.org. 60 TXT x", -200) == "NOERROR");
  CHECK(send("add two.example.org. 60 TXT x", 200) == "NOERROR");
  // An old request that is sent again does nothing, whatever its clock said.
  const Packet message =
      client.signed_message("prereq nxdomain three.example.org.\nadd three.example.org. 60 TXT x", 250);
  CHECK(client.exchange(message, UpdateClient::Over::tcp, kLong) == "NOERROR");
  CHECK(client.exchange(message, UpdateClient::Over::tcp, kLong) == "NOERROR");
  CHECK(serial(server) == 13);
}

namespace {

// A file system of 256 KiB in `folder`; false, and said, where this machine does not allow it.
bool mount_small(const std::string& folder) {
  std::filesystem::create_directory(folder);
  if (unshare(CLONE_NEWNS) == 0 && mount("none", "/", nullptr, MS_REC | MS_PRIVATE, nullptr) == 0 &&
      mount("none", folder.c_str(), "tmpfs", 0, "size=256k,mode=0777") == 0) {
    return true;
  }
  WARN("SKIPPED: no file system of its own: " << std::strerror(errno));
  return false;
}

}  // namespace

TEST_CASE("update attacks: a disk that is full, and one that cannot be written") {
  const UpdateBench bench(1, kZone, "0", "   journal @FOLDER@/disk/journal\n");
  Folder disk;
  const std::string folder = disk.file("disk");
  if (!mount_small(folder)) return;
  std::string corefile = bench.corefile();
  corefile.replace(corefile.find("@FOLDER@"), std::string_view("@FOLDER@").size(), disk.path());
  std::vector<std::string> done;
  {
    Server server(corefile, bench.options);
    UpdateClient client = client_of(server);
    unsigned number = 0;
    const auto add = [&] {
      const std::string name = fmt::format("n{}", ++number);
      const std::string rcode = client.send(fmt::format("add {}.example.org. 60 TXT {}", name, std::string(200, 'x')),
                                            UpdateClient::Over::tcp, kLong);
      if (rcode == "NOERROR") done.push_back(name);
      return rcode;
    };
    const auto check = [&] {
      CHECK(serial(server) == 10 + done.size());
      for (const std::string& each : done) CHECK(is_there(server, each));
    };
    CHECK(add() == "NOERROR");
    // Full: all that is left is another's.
    const std::string filler = folder + "/filler";
    {
      FILE* const file = std::fopen(filler.c_str(), "w");
      REQUIRE(file != nullptr);
      const std::string block(4096, 'x');
      while (std::fwrite(block.data(), 1, block.size(), file) == block.size() && std::fflush(file) == 0) continue;
      std::fclose(file);
    }
    bool was_refused = false;
    for (int i = 0; i < 40 && !was_refused; ++i) was_refused = add() == "SERVFAIL";  // its last page has room for some
    CHECK(was_refused);
    CHECK(add() == "SERVFAIL");
    CHECK(server.process().wait_for("No space left on device", 10s));
    check();
    std::filesystem::remove(filler);
    CHECK(add() == "NOERROR");
    check();
    for (const pid_t pid : children(server.process().pid(), "@service")) kill(pid, SIGKILL);
    CHECK(wait_until([&] { return add() == "NOERROR"; }, 60s));
    check();
  }
  // Not to be written at all: nothing is begun, and the reason is said.
  REQUIRE(mount("none", folder.c_str(), nullptr, MS_REMOUNT | MS_RDONLY, nullptr) == 0);
  const auto checked =
      run({.arguments = {std::getenv("SWAGE"), "-check", "-conf", disk.write("Corefile", corefile)}}, 60s);
  REQUIRE_FALSE(checked);
  CHECK(checked.error().text().find(fmt::format(
            "the journal {0}/journal has to be written: {0}/: Read-only file system", folder)) != std::string::npos);
  REQUIRE(mount("none", folder.c_str(), nullptr, MS_REMOUNT, "size=256k") == 0);
  const Server again(corefile, bench.options);
  for (const std::string& each : done) CHECK(is_there(again, each));
}
