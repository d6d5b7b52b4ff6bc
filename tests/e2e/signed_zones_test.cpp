// Zones that *file* signs, of a running server: what secondaries and validators get of them, through updates, reloads,
// crashes and time.
#include <signal.h>

#include <algorithm>
#include <filesystem>
#include <memory>
#include <random>
#include <sstream>
#include <thread>
#include <vector>

#include <fmt/format.h>

#include "tests/support/peers.h"
#include "tests/support/server.h"
#include "tests/support/update_client.h"

#include <catch2/catch.hpp>  // last: its CHECK is the one that counts here

using namespace swage;
using namespace swage::tests;
using namespace std::chrono_literals;

namespace {

constexpr std::string_view kSecret = "c3dhZ2UgdXBkYXRlIHRlc3Qgc2VjcmV0IG9mIDMyIGI=";
constexpr std::string_view kZone =
    "$TTL 60\n@ SOA ns host 10 3600 600 86400 5\n@ NS ns\nns A 192.0.2.1\nwww A 192.0.2.3\n*.w TXT wild\n"
    "sub NS ns.sub\nns.sub A 192.0.2.4\n";

struct Bench {
  Bench() {
    static_cast<void>(folder.write("zone", kZone));
    static_cast<void>(
        folder.write("keys", fmt::format("key \"all\" {{ algorithm hmac-sha256; secret \"{}\"; }};\n", kSecret)));
    for (const char* const ending : {".key", ".private"}) {
      const std::string name = std::string("Kexample.org.+013+20111") + ending;
      std::filesystem::copy_file("zones/keys/" + name, folder.file(name));
      std::filesystem::permissions(folder.file(name), std::filesystem::perms(0600));
    }
  }
  [[nodiscard]] std::string corefile(const std::string& more = "", bool updates = true, bool digest = false) const {
    const std::string update =
        (digest ? "  zonemd generate\n" : "") +
        fmt::format("  update {{\n   secrets {}/keys\n   key all may change *.example.org any\n  }}\n", folder.path());
    return fmt::format(
        "example.org {{\n file {0}/zone {{\n  reload 50ms\n  sign {{\n   key file {0}/Kexample.org.+013+20111\n{1}  "
        "}}\n{2} "
        "}}\n transfer {{\n  to 127.0.0.1/32\n }}\n}}\n",
        folder.path(), more, updates ? update : "");
  }

  Folder folder;
};

std::string dig(const Server& server, const std::string& what) {
  Command command{.arguments = {"dig", "@127.0.0.1", "-p", std::to_string(server.port()), "+noall", "+answer"}};
  std::istringstream words("example.org " + what);
  for (std::string word; words >> word;) command.arguments.push_back(word);
  const auto text = run(command);
  return text ? *text : text.error().text();
}

// That the zone, as it is transferred, is signed as it should be.
void verify(const Server& server, const Folder& folder) {
  std::string zone = dig(server, "AXFR");
  zone.erase(zone.rfind('\n', zone.size() - 2) + 1);  // the SOA once more
  const std::string file = folder.write("transferred", zone);
  for (const std::vector<std::string>& each :
       {std::vector<std::string>{"ldns-verify-zone", file}, {"dnssec-verify", "-q", "-z", "-o", "example.org", file}}) {
    const auto verified = run({.arguments = each});
    if (!verified) FAIL(verified.error().text() << zone);
  }
}

// The RRSIG of a name's A records.
std::string signature(const Server& server, const std::string& name) {
  const Decoded answer = server.ask({.name = name, .type = "A", .opt = Opt{.flags = kDnssecOk}});
  for (const std::string& each : answer.answer) {
    if (each.find(" RRSIG A ") != std::string::npos) return each;
  }
  return answer.rcode_text();
}

std::uint32_t serial(const Server& server) {
  std::istringstream words(dig(server, "SOA +short"));
  std::string word;
  for (int i = 0; i < 3; ++i) words >> word;
  return static_cast<std::uint32_t>(std::stoul("0" + word));
}

std::size_t lines_of(const std::string& text) { return static_cast<std::size_t>(std::ranges::count(text, '\n')); }

}  // namespace

TEST_CASE("signed zones: updates are signed, transferred as what has changed, and outlive reloads and crashes") {
  const Bench bench;
  const std::string nsec3 = GENERATE("", "   nsec3\n");
  Server server(bench.corefile(nsec3, true, !nsec3.empty()));
  CHECK((dig(server, "AXFR").find("ZONEMD") != std::string::npos) == !nsec3.empty());
  verify(server, bench.folder);
  const std::string before = signature(server, "www.example.org.");
  const std::uint32_t first = serial(server);

  UpdateClient client(server.endpoint(), "example.org.", "all", kSecret);
  CHECK(client.send("add new.example.org. 60 A 192.0.2.9\n") == "NOERROR");
  CHECK(signature(server, "new.example.org.").find(" RRSIG A 13 3 60 ") != std::string::npos);
  CHECK(client.send("prereq yxrrset www.example.org. RRSIG\nadd no.example.org. 60 A 192.0.2.9\n") == "NXRRSET");
  CHECK(client.send("del www.example.org. RRSIG\n") == "REFUSED");
  CHECK(client.send("del ns.sub.example.org. A\n") == "NOERROR");
  CHECK(signature(server, "www.example.org.") == before);
  verify(server, bench.folder);
  const std::string change = dig(server, "IXFR=" + std::to_string(first));
  INFO(change);
  CHECK(change.find("new.example.org.") != std::string::npos);
  CHECK(lines_of(change) < lines_of(dig(server, "AXFR")));
  CHECK(change.find("DNSKEY\t257") == std::string::npos);

  const std::string pids =
      *run({.arguments = {"pgrep", "-P", std::to_string(server.process().pid()), "-f", "@service"}});
  kill(static_cast<pid_t>(std::stoul(pids)), SIGKILL);
  UpdateClient other(server.endpoint(), "example.org.", "all", kSecret);
  CHECK(wait_until([&] { return other.send("add after.example.org. 60 A 192.0.2.9\n") == "NOERROR"; }, 60s));
  CHECK(signature(server, "www.example.org.") == before);
  CHECK(signature(server, "new.example.org.").find(" RRSIG A ") != std::string::npos);
  verify(server, bench.folder);
}

TEST_CASE("signed zones: signed again before signatures expire; a key that is gone is said, and mended") {
  const Bench bench;
  const Server server(bench.corefile("   signatures 40s renew 36s jitter 1s\n", false));
  const std::string first = signature(server, "www.example.org.");
  CHECK(first.find(" RRSIG A 13 3 60 ") != std::string::npos);
  REQUIRE(wait_until([&] { return signature(server, "www.example.org.") != first; }, 60s));
  verify(server, bench.folder);

  const std::string key = bench.folder.file("Kexample.org.+013+20111.private");
  std::filesystem::rename(key, key + ".away");
  REQUIRE(wait_until([&] { return server.log().find("cannot be signed: ") != std::string::npos; }, 60s));
  CHECK(signature(server, "www.example.org.").find(" RRSIG A ") != std::string::npos);
  std::filesystem::rename(key + ".away", key);
  static_cast<void>(bench.folder.write("zone", std::string(kZone) + "more A 192.0.2.8\n"));
  REQUIRE(
      wait_until([&] { return signature(server, "more.example.org.").find(" RRSIG A ") != std::string::npos; }, 60s));
  CHECK(server.log().find("example.org.: can be signed again") != std::string::npos);
}

TEST_CASE("signed zones: kill -9 at any moment of signing leaves a zone that is whole and signed") {
  const unsigned kills = number_from("SWAGE_SIGN_KILLS", 4);
  std::minstd_rand random(number_from("SWAGE_SEED", 1));
  const Bench bench;
  auto server = std::make_unique<Server>(bench.corefile());
  UpdateClient client(server->endpoint(), "example.org.", "all", kSecret);
  std::vector<std::string> acknowledged;
  for (unsigned i = 0; i < kills; ++i) {
    const std::vector<pid_t> pids = children(server->process().pid(), "@service");
    std::thread killer([&, wait = std::chrono::microseconds(random() % 65536)] {
      std::this_thread::sleep_for(wait);
      for (const pid_t pid : pids) kill(pid, SIGKILL);
    });
    for (unsigned n = 0; n < 4; ++n) {  // one of them is under way then
      const std::string name = fmt::format("k{}x{}.example.org.", i, n);
      const std::string rcode =
          client.send(fmt::format("add {} 60 A 192.0.2.9\n", name), UpdateClient::Over::tcp, Milliseconds(20000));
      if (rcode == "NOERROR") acknowledged.push_back(name);
    }
    killer.join();
    for (const std::string& name : acknowledged) {
      INFO(name);
      CHECK(signature(*server, name).find(" RRSIG A ") != std::string::npos);
    }
    verify(*server, bench.folder);
  }
  CHECK(acknowledged.size() > kills);
  server.reset();
  const Server again(bench.corefile());  // which reads what was written
  for (const std::string& name : acknowledged) CHECK(signature(again, name).find(" RRSIG A ") != std::string::npos);
  verify(again, bench.folder);
  for (const auto& each : std::filesystem::directory_iterator(bench.folder.path())) {
    CHECK(each.path().extension() != ".new");  // half a file
  }
}
