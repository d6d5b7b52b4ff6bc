// Dynamic updates (RFC 2136) of a running server, by clients of others: nsupdate and knsupdate.
#include <memory>
#include <random>
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

constexpr std::string_view kOtherSecret = "YW5vdGhlciBzZWNyZXQgdGhhdCBub2JvZHkga25vd3M=";

// "NOERROR", or what the program says of the server's answer.
std::string by_program(const std::string& program, const Server& server, std::string_view lines, bool tcp) {
  const std::string script = fmt::format("server 127.0.0.1 {}\nzone example.org.\n{}send\n", server.port(), lines);
  std::vector<std::string> command = {program, "-y", fmt::format("hmac-sha256:all:{}", kSecret)};
  if (tcp) command.emplace_back("-v");
  command.push_back(server.folder().write("script", script));
  const auto done = run({.arguments = command});
  if (done) return "NOERROR";
  for (const char* const rcode :
       {"NXDOMAIN", "NXRRSET", "YXDOMAIN", "YXRRSET", "NOTZONE", "REFUSED", "FORMERR", "NOTAUTH", "SERVFAIL"}) {
    if (done.error().text().find(rcode) != std::string::npos) return rcode;
  }
  return done.error().text();
}

struct Case {
  const char* lines;
  const char* rcode;
};
// Each form of prerequisite, holding and not, and each form of change (sections 2.4 and 2.5).
constexpr Case kCases[] = {
    {"prereq yxdomain www.example.org.\nupdate add p1.example.org. 60 A 192.0.2.9\n", "NOERROR"},
    {"prereq yxdomain nobody.example.org.\nupdate add p2.example.org. 60 A 192.0.2.9\n", "NXDOMAIN"},
    {"prereq nxdomain nobody.example.org.\nupdate add p3.example.org. 60 A 192.0.2.9\n", "NOERROR"},
    {"prereq nxdomain www.example.org.\nupdate add p4.example.org. 60 A 192.0.2.9\n", "YXDOMAIN"},
    {"prereq yxrrset www.example.org. A\nupdate add p5.example.org. 60 A 192.0.2.9\n", "NOERROR"},
    {"prereq yxrrset www.example.org. AAAA\nupdate add p6.example.org. 60 A 192.0.2.9\n", "NXRRSET"},
    {"prereq nxrrset www.example.org. AAAA\nupdate add p7.example.org. 60 A 192.0.2.9\n", "NOERROR"},
    {"prereq nxrrset www.example.org. A\nupdate add p8.example.org. 60 A 192.0.2.9\n", "YXRRSET"},
    {"prereq yxrrset www.example.org. A 192.0.2.3\nprereq yxrrset www.example.org. A 192.0.2.4\n"
     "update add p9.example.org. 60 A 192.0.2.9\n",
     "NOERROR"},
    {"prereq yxrrset www.example.org. A 192.0.2.3\nupdate add p10.example.org. 60 A 192.0.2.9\n", "NXRRSET"},
    {"update add t.example.org. 60 TXT \"one\"\nupdate add t.example.org. 60 TXT \"two\"\n", "NOERROR"},
    {"update delete t.example.org. TXT \"one\"\n", "NOERROR"},
    {"update delete www.example.org. TXT\n", "NOERROR"},
    {"update delete alias.example.org.\n", "NOERROR"},
    {"update add alias.example.org. 60 CNAME mail.example.org.\n", "NOERROR"},
    {"update delete example.org. NS ns2.example.org.\n", "NOERROR"},
    {"update delete example.org. NS ns.example.org.\n", "NOERROR"},
};

}  // namespace

TEST_CASE("update: nsupdate and knsupdate, over UDP and TCP") {
  for (const char* const program : {"nsupdate", "knsupdate"}) {
    if (!have_peer(program)) continue;
    INFO(program);
    const UpdateBench bench;
    const Server server(bench.corefile(), bench.options);
    bool tcp = false;
    for (const Case& each : kCases) {
      INFO(each.lines);
      CHECK(by_program(program, server, each.lines, tcp) == each.rcode);
      tcp = !tcp;
    }
    for (int i = 1; i <= 10; ++i) {
      INFO(i);
      const bool there = i != 10 && i % 2 == 1;
      CHECK(answers(server, fmt::format("p{}.example.org.", i), "A").starts_with(there ? "NOERROR" : "NXDOMAIN"));
    }
    CHECK(answers(server, "t.example.org.", "TXT") == "NOERROR t.example.org. 60 IN TXT \"two\"");
    CHECK(answers(server, "www.example.org.", "TXT") == "NOERROR");
    CHECK(answers(server, "alias.example.org.", "CNAME") == "NOERROR alias.example.org. 60 IN CNAME mail.example.org.");
    CHECK(answers(server, "example.org.", "NS") == "NOERROR example.org. 60 IN NS ns.example.org.");
    CHECK(serial(server) == 10 + 11);
  }
}

TEST_CASE("update: who is not allowed changes nothing, and every answer is signed") {
  const UpdateBench bench;
  Server server(bench.corefile(), bench.options);
  UpdateClient all(server.endpoint(), "example.org.", "all", kSecret);
  UpdateClient acme(server.endpoint(), "example.org.", "acme", kSecret);
  UpdateClient stranger(server.endpoint(), "example.org.", "stranger", kSecret);
  UpdateClient forger(server.endpoint(), "example.org.", "all", kOtherSecret);
  const std::string_view challenge = "add _acme-challenge.www.example.org. 60 TXT x";
  CHECK(stranger.send(challenge) == "BADKEY");
  CHECK(forger.send(challenge) == "BADSIG");
  CHECK(acme.send("add www.example.org. 60 TXT x") == "REFUSED");
  CHECK(acme.send("add _acme-challenge.www.example.org. 60 A 192.0.2.1") == "REFUSED");
  CHECK(serial(server) == 10);
  CHECK(acme.send(challenge) == "NOERROR");
  CHECK(serial(server) == 11);
  CHECK(all.send("add a.example.com. 60 TXT x") == "NOTZONE");
  CHECK(UpdateClient(server.endpoint(), "www.example.org.", "all", kSecret).send("") == "unsigned NOTIMP");
  // Not signed.
  const auto answer = ask_udp(server.endpoint(), update_message("example.org.", challenge));
  REQUIRE(answer.has_value());
  CHECK(decode(*answer)->rcode_text() == "REFUSED");
  // The same message again: it was done, and is not done again.
  const Packet message = all.signed_message("prereq nxdomain new.example.org.\nadd new.example.org. 60 TXT x");
  CHECK(all.exchange(message, UpdateClient::Over::udp, kPatience) == "NOERROR");
  CHECK(all.send("del new.example.org.") == "NOERROR");
  CHECK(serial(server) == 13);
  CHECK(all.send("add new.example.org. 60 TXT y", UpdateClient::Over::tcp) == "NOERROR");
  CHECK(ask_udp(server.endpoint(), message).has_value());
  CHECK(answers(server, "new.example.org.", "TXT") == "NOERROR new.example.org. 60 IN TXT \"y\"");
  CHECK(serial(server) == 14);
}

TEST_CASE("update: what was acknowledged outlives a killed process, a reload and a restart") {
  const UpdateBench bench(2);
  {
    Server server(bench.corefile(), bench.options);
    UpdateClient client(server.endpoint(), "example.org.", "all", kSecret);
    REQUIRE(client.send("add one.example.org. 60 TXT 1") == "NOERROR");
    for (const pid_t pid : children(server.process().pid(), "@service")) kill(pid, SIGKILL);
    CHECK(client.send("prereq yxdomain one.example.org.\nadd two.example.org. 60 TXT 2", UpdateClient::Over::tcp,
                      15s) == "NOERROR");
    CHECK(answers(server, "one.example.org.", "TXT") == "NOERROR one.example.org. 60 IN TXT \"1\"");
    server.process().signal(SIGUSR1);
    REQUIRE(server.process().wait_for("Reloading complete", 20s));
    CHECK(client.send("prereq yxdomain two.example.org.\nadd three.example.org. 60 TXT 3", UpdateClient::Over::tcp,
                      15s) == "NOERROR");
    CHECK(wait_until([&] { return serial(server) == 13; }, 5s));
  }
  Server server(bench.corefile(), bench.options);
  for (const char* const name : {"one", "two", "three"}) {
    CHECK(answers(server, fmt::format("{}.example.org.", name), "TXT").starts_with("NOERROR " + std::string(name)));
  }
  CHECK(serial(server) == 13);
  CHECK(read_file(bench.folder.file("zone")) == kZone);  // which is the operator's
}

TEST_CASE("update: a zone file that was edited") {
  const UpdateBench bench(1, kZone, "50ms");
  Server server(bench.corefile(), bench.options);
  UpdateClient client(server.endpoint(), "example.org.", "all", kSecret);
  REQUIRE(client.send("add one.example.org. 60 TXT 1") == "NOERROR");
  REQUIRE(client.send("add two.example.org. 60 TXT 2") == "NOERROR");
  const auto edited = [](std::string_view serial) {
    std::string text(kZone);
    text.replace(text.find(" 10 "), 4, fmt::format(" {} ", serial));
    return text + "edited TXT yes\n";
  };
  static_cast<void>(bench.folder.write("zone", edited("12")));
  REQUIRE(server.process().wait_for("its serial 12 is not greater than 12", 10s));
  CHECK(answers(server, "two.example.org.", "TXT").starts_with("NOERROR two"));
  static_cast<void>(bench.folder.write("zone", edited("13")));
  CHECK(wait_until([&] { return serial(server) == 13; }, 10s));
  CHECK(answers(server, "edited.example.org.", "TXT").starts_with("NOERROR edited"));
  CHECK(answers(server, "two.example.org.", "TXT").starts_with("NXDOMAIN"));
  CHECK(client.send("add three.example.org. 60 TXT 3") == "NOERROR");
  CHECK(serial(server) == 14);
}

namespace {

unsigned count_of(std::string_view text, std::string_view what) {
  unsigned count = 0;
  for (std::size_t at = 0; (at = text.find(what, at)) != std::string_view::npos; at += what.size()) ++count;
  return count;
}

// Updates one after another, each of a new name.
struct Counting {
  explicit Counting(const Server& server) : client(server.endpoint(), "example.org.", "all", kSecret) {}

  // Whether it was acknowledged.
  bool update() {
    ++sent;
    const std::string lines = fmt::format("prereq nxdomain k{0}.example.org.\nadd k{0}.example.org. 60 TXT {0}", sent);
    const std::string rcode = client.send(lines, UpdateClient::Over::tcp, 20s);
    INFO(rcode);
    CHECK((rcode == "NOERROR" || rcode == "unsigned SERVFAIL" || rcode == "nothing"));
    if (rcode == "NOERROR") acknowledged.push_back(sent);
    return rcode == "NOERROR";
  }
  // Of those that were acknowledged.
  [[nodiscard]] unsigned lost(const Server& server) const {
    return static_cast<unsigned>(std::ranges::count_if(acknowledged, [&](unsigned each) {
      return !answers(server, fmt::format("k{}.example.org.", each), "TXT").starts_with("NOERROR k");
    }));
  }

  UpdateClient client;
  std::vector<unsigned> acknowledged{};
  unsigned sent = 0;
};

}  // namespace

TEST_CASE("update: kill -9 of any process at any moment loses nothing that was acknowledged") {
  const unsigned kills = number_from("SWAGE_UPDATE_KILLS", 4);  // long: 200
  std::minstd_rand random(number_from("SWAGE_SEED", 1));
  const UpdateBench bench(2);
  auto server = std::make_unique<Server>(bench.corefile(), bench.options);
  Counting counting(*server);
  for (unsigned i = 0; i < kills; ++i) {
    const auto until = std::chrono::steady_clock::now() + std::chrono::milliseconds(random() % 250);
    do static_cast<void>(counting.update());
    while (std::chrono::steady_clock::now() < until);
    // While one is under way. All processes of a kind, or one of any.
    constexpr const char* kWhich[] = {"@service", "@service", "@dns", "@"};
    std::vector<pid_t> pids = children(server->process().pid(), kWhich[i % std::size(kWhich)]);
    if (i % std::size(kWhich) == 3 && !pids.empty()) pids = {pids[random() % pids.size()]};
    std::thread killer([&, wait = std::chrono::microseconds(random() % 65536)] {
      std::this_thread::sleep_for(wait);
      for (const pid_t pid : pids) kill(pid, SIGKILL);
    });
    static_cast<void>(counting.update());
    killer.join();
  }
  REQUIRE(wait_until([&] { return counting.update(); }, 60s));
  CHECK(counting.lost(*server) == 0);
  CHECK(counting.acknowledged.size() + 2 * kills + 3 >= counting.sent);
  WARN(fmt::format("{} kills, {} updates sent, {} acknowledged, {} lost", kills, counting.sent,
                   counting.acknowledged.size(), counting.lost(*server)));
  server.reset();
  const Server again(bench.corefile(), bench.options);  // which reads the journal
  CHECK(counting.lost(again) == 0);
}

TEST_CASE("update: what is acknowledged is answered by every process, one that is slow, too") {
  const UpdateBench bench(2);
  Server server(bench.corefile(), bench.options);
  Counting counting(server);
  REQUIRE(counting.update());
  constexpr auto kAsleep = std::chrono::milliseconds(1000);
  for (const char* const kind : {"@dns", "@stream"}) {
    INFO(kind);
    const std::vector<pid_t> pids = children(server.process().pid(), kind);
    for (unsigned i = 0; i < 2; ++i) {
      REQUIRE(kill(pids.at(i), SIGSTOP) == 0);
      const auto begun = std::chrono::steady_clock::now();
      std::thread waker([pid = pids.at(i), kAsleep] {
        std::this_thread::sleep_for(kAsleep);
        kill(pid, SIGCONT);
      });
      CHECK(counting.update());
      CHECK(std::chrono::steady_clock::now() - begun >= kAsleep * 9 / 10);
      for (int asked = 0; asked < 16; ++asked) CHECK(counting.lost(server) == 0);  // each time from another port
      waker.join();
    }
  }
}

// A new service process reads the journal before its dns processes begin to answer, and takes it over after that.
TEST_CASE("update: what is acknowledged during a reload is answered at once") {
  const unsigned reloads = number_from("SWAGE_UPDATE_RELOADS", 3);
  const UpdateBench bench(2);
  Server server(bench.corefile(), bench.options);
  Counting counting(server);
  unsigned missing = 0;
  for (unsigned done = 0; done < reloads; ++done) {
    server.process().signal(SIGUSR1);
    const auto is_reloaded = [&] { return count_of(server.log(), "Reloading complete") > done; };
    const auto deadline = std::chrono::steady_clock::now() + 60s;
    bool once_more = true;
    while (!is_reloaded() || std::exchange(once_more, false)) {
      REQUIRE(std::chrono::steady_clock::now() < deadline);
      if (!counting.update()) continue;
      const std::string name = fmt::format("k{}.example.org.", counting.sent);
      for (int i = 0; i < 4; ++i) missing += answers(server, name, "TXT").starts_with("NOERROR k") ? 0 : 1;
    }
  }
  CHECK(missing == 0);
  CHECK(counting.lost(server) == 0);
  CHECK(counting.acknowledged.size() > reloads);
  WARN(fmt::format("{} reloads, {} updates sent, {} acknowledged, {} answers without them", reloads, counting.sent,
                   counting.acknowledged.size(), missing));
}
