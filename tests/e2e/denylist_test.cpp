// Denylists in a real server: files that are rewritten, renamed and removed, feeds from a real HTTP server that goes
// wrong in all ways; what DNS and the broker then say; reloads and deaths; a million prefixes that are swapped while
// queries come in.
#include <signal.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <random>
#include <sstream>

#include <fmt/format.h>

#include "core/async/testing.h"
#include "tests/support/broker/nodes.h"
#include "tests/support/broker/registrar.h"
#include "tests/support/load.h"
#include "tests/support/server.h"

#include <catch2/catch.hpp>  // last: its CHECK is the one that counts here

namespace {

using namespace swage;
using namespace swage::tests;
using namespace std::chrono_literals;
namespace fs = std::filesystem;

constexpr Milliseconds kLong{20000};
constexpr const char* kPeer = "k51qzi5uqu5diuci8bva7narzo109juvlfbckhzf3j2ljua2979b21rs6uyquk";

std::string corefile(std::string_view lists, std::string_view more = "") {
  return fmt::format(
      "libp2p.direct {{\n bind 127.0.0.1\n denylist {{\n{}\n }}\n{}\n ipsubdomain\n file "
      "zones/libp2p.direct\n}}\n",
      lists, more);
}

// Whether a name of this address is answered with it; else it is NODATA with the zone's SOA record.
bool is_served(const Server& server, std::string address) {
  const bool v6 = address.find(':') != std::string::npos;
  std::ranges::replace(address, v6 ? ':' : '.', '-');
  const Decoded answer =
      server.ask({.name = fmt::format("{}.{}.libp2p.direct.", address, kPeer), .type = v6 ? "AAAA" : "A"});
  CHECK(answer.rcode == 0);
  CHECK((answer.flags & kAa) != 0);
  if (!answer.answer.empty()) return true;
  REQUIRE(answer.authority.size() == 1);
  CHECK(answer.authority[0].find(" SOA ") != std::string::npos);
  return false;
}

bool soon(const std::function<bool()>& holds) { return wait_until(holds, kLong); }
bool soon_denied(const Server& server, const std::string& address) {
  return soon([&] { return !is_served(server, address); });
}
bool soon_served(const Server& server, const std::string& address) {
  return soon([&] { return is_served(server, address); });
}

std::size_t count(std::string_view text, std::string_view part) {
  std::size_t found = 0;
  for (std::size_t at = text.find(part); at != std::string_view::npos; at = text.find(part, at + 1)) ++found;
  return found;
}

// A new file under the name of an old one, as editors do.
void replace(const Folder& folder, const std::string& name, std::string_view text) {
  fs::rename(folder.write(name + "~", text), folder.file(name));
}

class Feeds {
 public:
  Feeds() { start(); }

  [[nodiscard]] std::string url(const std::string& name) const {
    return fmt::format("http://127.0.0.1:{}/{}", port_.number(), name);
  }
  // The next requests see the whole of it.
  void serve(const std::string& name, std::string_view text) const { replace(folder_, name, text); }
  void mode(const std::string& name, std::string_view mode) const { replace(folder_, name + ".mode", mode); }
  [[nodiscard]] std::size_t requests(const std::string& line) const {
    std::ifstream file(folder_.file("requests"));
    return count(std::string(std::istreambuf_iterator<char>(file), {}), line);
  }
  void start() {
    Result<Process> process = Process::start(
        {.arguments = {"python3", "tests/e2e/feed_server.py", folder_.path(), std::to_string(port_.number())}});
    REQUIRE(process);
    process_ = *std::move(process);
    const auto answers = [&] { return TcpClient(port_.v4()).connected(); };
    REQUIRE(soon(answers));
  }
  void stop() {
    process_.kill_group();
    static_cast<void>(process_.wait(kLong));
  }

 private:
  Folder folder_;
  Port port_;
  Process process_;
};

std::string feed(const Feeds& feeds, const std::string& name, std::string_view more = "format=ip refresh=1s") {
  return fmt::format("  feed {} {} name={}\n", feeds.url(name), more, name);
}

pid_t service_of(Server& server) {
  const std::vector<pid_t> found = children(server.process().pid(), "@service");
  return found.empty() ? -1 : found[0];
}

void kill_service(Server& server) {
  const pid_t old = service_of(server);
  REQUIRE(old > 0);
  REQUIRE(kill(old, SIGKILL) == 0);
  REQUIRE(soon([&] { return service_of(server) > 0 && service_of(server) != old; }));
}

}  // namespace

TEST_CASE("denylist e2e: files that change in all the ways that files change") {
  Folder lists;
  static_cast<void>(lists.write("deny", "198.51.100.0/24\n2001:db8:bad::/48\n"));
  static_cast<void>(lists.write("allow", "198.51.100.7\n"));
  Server server(corefile(fmt::format("  file {0}/deny\n  file {0}/allow type=allow\n", lists.path())));
  CHECK(!is_served(server, "198.51.100.1"));
  CHECK(!is_served(server, "2001:db8:bad::1"));
  CHECK(!is_served(server, "0::ffff:c633:6401"));  // 198.51.100.1
  CHECK(is_served(server, "198.51.100.7"));
  CHECK(is_served(server, "192.0.2.1"));

  static_cast<void>(lists.write("deny", "192.0.2.1\n"));  // in place
  CHECK(soon_denied(server, "192.0.2.1"));
  CHECK(is_served(server, "198.51.100.1"));

  replace(lists, "deny", "192.0.2.2\n");
  CHECK(soon_denied(server, "192.0.2.2"));
  CHECK(is_served(server, "192.0.2.1"));

  fs::rename(lists.file("deny"), lists.file("away"));
  CHECK(server.process().wait_for("the list before (1 entry) stays in force", kLong));
  CHECK(!is_served(server, "192.0.2.2"));
  static_cast<void>(lists.write("deny", "192.0.2.3\n"));
  CHECK(soon_denied(server, "192.0.2.3"));
  CHECK(is_served(server, "192.0.2.2"));

  {  // written in pieces, each within the time of a change: nothing of it counts before the end
    std::ofstream file(lists.file("deny"), std::ios::trunc);
    for (int i = 0; i < 20; ++i) {
      file << "203.0.113." << i << '\n' << std::flush;
      std::this_thread::sleep_for(20ms);
    }
  }
  CHECK(soon_denied(server, "203.0.113.19"));
  CHECK(!is_served(server, "203.0.113.0"));

  fs::remove(lists.file("deny"));  // a link to a link, as Kubernetes mounts files
  static_cast<void>(lists.write("first", "192.0.2.4\n"));
  static_cast<void>(lists.write("second", "192.0.2.5\n192.0.2.6\n"));
  fs::create_symlink("first", lists.file("data"));
  fs::create_symlink("data", lists.file("deny"));
  CHECK(soon_denied(server, "192.0.2.4"));
  fs::create_symlink("second", lists.file("data~"));
  fs::rename(lists.file("data~"), lists.file("data"));
  CHECK(soon_denied(server, "192.0.2.5"));
  CHECK(is_served(server, "192.0.2.4"));

  static_cast<void>(lists.write("allow", "192.0.2.5\n"));
  CHECK(soon_served(server, "192.0.2.5"));
  CHECK(count(server.log(), "[ERROR]") == count(server.log(), "/deny: No such file or directory; the list before"));

  // The process that reads files dies while there is none: what was read last stays.
  static_cast<void>(lists.write("allow", ""));
  CHECK(soon_denied(server, "192.0.2.5"));
  fs::remove(lists.file("deny"));
  kill_service(server);
  CHECK(server.process().wait_for("deny: No such file or directory", kLong));
  static_cast<void>(lists.write("allow", "192.0.2.6\n"));  // read by the new process, which publishes all lists
  CHECK(soon_served(server, "192.0.2.6"));
  CHECK(!is_served(server, "192.0.2.5"));
}

TEST_CASE("denylist e2e: a file that is not there stops the start, not the server") {
  Folder lists;
  const std::string missing = corefile(fmt::format("  file {}/deny\n", lists.path()));
  static_cast<void>(lists.write("deny", "192.0.2.1\n"));
  Server server(missing);
  CHECK(!is_served(server, "192.0.2.1"));
  fs::remove(lists.file("deny"));
  server.process().signal(SIGUSR1);
  CHECK(server.process().wait_for("Corefile:4: denylist: " + lists.file("deny") + ": No such file", kLong));
  CHECK(!is_served(server, "192.0.2.1"));
}

TEST_CASE("denylist e2e: feeds that go wrong in all the ways that feeds go wrong") {
  Feeds feeds;
  feeds.serve("bad", "# a list\n198.51.100.0/24 ; x\n");
  feeds.serve("urls", "http://192.0.2.50/x\nhttp://192-0-2-51." + std::string(kPeer) +
                          ".libp2p.direct/\nhttps://example.org/\n");
  feeds.serve("good", "198.51.100.7\n");
  feeds.mode("slow", "slow");  // for ever: what comes first of it does not count, and nobody waits for it
  const struct {
    const char *mode, *log;
  } faults[] = {
      {"huge", "failed: has more than 67108864 bytes"},
      {"bomb", "failed: has more than 67108864 bytes"},
      {"500", "failed: HTTP status 500"},
      {"204", "failed: HTTP status 204"},
      {"garbage", "is not a list of addresses"},
      {"page", "is not a list of addresses"},
      {"empty", "is empty"},
      {"cut", "failed: Transferred a partial file"},
      {"silent", "failed: Server returned nothing"},
      {"loop", "failed: Number of redirects hit maximum amount"},
      {"elsewhere", "failed: Unsupported protocol"},
  };
  std::string lists = feed(feeds, "bad") + feed(feeds, "urls", "format=url refresh=1s") +
                      feed(feeds, "good", "format=ip type=allow refresh=1h") + feed(feeds, "slow");
  for (std::size_t i = 0; i < std::size(faults); ++i) {  // a feed for each
    feeds.serve(faults[i].mode, fmt::format("203.0.113.{}\n", 20 + i));
    lists += feed(feeds, faults[i].mode);
  }
  Server server(corefile(lists));
  CHECK(soon_denied(server, "198.51.100.1"));
  CHECK(soon_denied(server, "192.0.2.50"));
  CHECK(soon_denied(server, "192.0.2.51"));
  CHECK(soon_served(server, "198.51.100.7"));

  // Asked whether it changed; told that it did not; nothing changes, nothing is published.
  CHECK(soon([&] { return feeds.requests("bad 304 conditional") >= 2; }));
  CHECK(feeds.requests("bad 200 plain") == 1);
  CHECK(count(server.log(), "bad: 1 entry") == 1);

  feeds.serve("bad", "192.0.2.0/26\n203.0.113.9\n");
  CHECK(soon_denied(server, "203.0.113.9"));
  CHECK(is_served(server, "198.51.100.1"));
  feeds.mode("bad", "gzip");
  feeds.serve("bad", "192.0.2.1\n203.0.113.10\n");
  CHECK(soon_denied(server, "203.0.113.10"));
  feeds.mode("bad", "moved");
  feeds.serve("bad", "192.0.2.1\n203.0.113.11\n");
  CHECK(soon_denied(server, "203.0.113.11"));

  for (std::size_t i = 0; i < std::size(faults); ++i) {
    CHECK(soon_denied(server, fmt::format("203.0.113.{}", 20 + i)));
  }
  for (const auto& [mode, log] : faults) feeds.mode(mode, mode);
  for (std::size_t i = 0; i < std::size(faults); ++i) {
    const auto& [mode, log] = faults[i];
    CAPTURE(mode);
    CHECK(server.process().wait_for(fmt::format("{}: the feed {}", mode, log), kLong));
    CHECK(!is_served(server, fmt::format("203.0.113.{}", 20 + i)));
    CHECK(is_served(server, "192.0.2.99"));
    feeds.mode(mode, "");
    feeds.serve(mode, fmt::format("203.0.113.{}\n", 40 + i));
  }
  for (std::size_t i = 0; i < std::size(faults); ++i) {
    CAPTURE(faults[i].mode);
    CHECK(soon_denied(server, fmt::format("203.0.113.{}", 40 + i)));
    CHECK(is_served(server, fmt::format("203.0.113.{}", 20 + i)));
  }
  feeds.stop();
  const std::string failed = "bad: the feed failed: Couldn't connect to server";
  const auto fails_again = [&](std::size_t times) {
    const std::size_t before = count(server.log(), failed);
    return soon([&] { return count(server.log(), failed) >= before + times; });
  };
  CHECK(fails_again(1));
  CHECK(!is_served(server, "203.0.113.11"));

  // The last good list outlives a reload, and the death of the process that fetches, without the feed.
  server.process().signal(SIGUSR1);
  CHECK(soon([&] { return count(server.log(), "Reloading complete") > 0; }));
  CHECK(fails_again(2));  // the first may be the old process's
  CHECK(!is_served(server, "203.0.113.11"));
  kill_service(server);
  CHECK(fails_again(1));
  CHECK(!is_served(server, "203.0.113.11"));
  CHECK(!is_served(server, "192.0.2.50"));

  feeds.mode("bad", "");
  feeds.serve("bad", "203.0.113.12\n");
  feeds.start();
  CHECK(soon_denied(server, "203.0.113.12"));
  CHECK(is_served(server, "203.0.113.11"));
  CHECK(is_served(server, "192.0.2.99"));
}

TEST_CASE("denylist e2e: a feed does not take the Internet away") {
  Feeds feeds;
  feeds.serve("wide", "203.0.113.0/24\n0.0.0.0/0\n::/0\n");
  feeds.serve("widest", "0.0.0.0/0\n");
  std::string all;
  for (int i = 1; i < 224; ++i) all += fmt::format("{}.0.0.0/8\n", i);
  feeds.serve("all", all);
  Folder files;
  static_cast<void>(files.write("own", "# all but ours\n192.0.0.0/3\n"));
  Server server(
      corefile(fmt::format("  feed {} format=ip refresh=1s name=wide\n  feed {} format=ip refresh=1s "
                           "name=widest\n  feed {} format=ip refresh=1s name=all\n  file {}/own\n",
                           feeds.url("wide"), feeds.url("widest"), feeds.url("all"), files.path())));
  CHECK(soon_denied(server, "203.0.113.7"));
  const auto said = [&](const std::string& line) {
    INFO(line);
    CHECK(soon([&] { return server.log().find(line) != std::string::npos; }));
  };
  said("[WARNING] plugin/denylist: wide: line 2: 0.0.0.0/0 and 1 more: left out: too wide for a feed, whose networks");
  said(
      "[WARNING] plugin/denylist: widest: the feed has nothing but networks that are too wide: line 1, 0.0.0.0/0; "
      "the ");
  said("[WARNING] plugin/denylist: all: the feed has too much of the Internet's addresses");
  said("[WARNING] plugin/denylist: own: line 2: 192.0.0.0/3: denies a large part of the Internet");
  CHECK(is_served(server, "8.8.8.8"));
  CHECK(is_served(server, "2001:db8::1"));
  CHECK(!is_served(server, "198.51.100.7"));  // the operator's own word
}

TEST_CASE("denylist e2e: who is denied does not register") {
  Folder lists;
  static_cast<void>(lists.write("deny", "127.0.0.9\n198.51.100.0/24\n"));
  Server server(corefile(fmt::format("  file {}/deny name=bad-ones\n", lists.path()),
                         " acme-txt\n broker registration.libp2p.direct {\n  listen 127.0.0.1:@PORT2@\n  tls off\n"
                         "  trusted-proxy 127.0.0.0/8\n  limit peer off\n  dial {\n   timeout 10s\n   allow "
                         "127.0.0.0/8\n  }\n }"));
  async::Loop loop;
  const Nodes nodes(loop);
  Registrar registrar(loop, loopback(server.second_port()), "registration.libp2p.direct");
  const auto registers = [&](const std::vector<std::string>& addresses) {
    static std::uint64_t number = 0;
    const libp2p::PrivateKey key = Nodes::key(7);
    std::optional<http::Response> response;
    const auto keep = [](async::Loop& on, async::Task<http::Response> task,
                         std::optional<http::Response>& to) -> async::Task<> {
      to.emplace(co_await std::move(task));
      on.stop();
    };
    loop.spawn(keep(loop, registrar.registers(key, registration_body(challenge_value(++number), addresses)), response));
    loop.run();
    REQUIRE(response);
    return std::to_string(response->status) + " " + response->body;
  };
  CHECK(registers({nodes.address(7)}) == "200 ");
  CHECK(registers({nodes.address(7), "/ip4/198.51.100.4/tcp/4001"}) ==
        "403 403 Forbidden: multiaddr IP 198.51.100.4 blocked by bad-ones\n");
  static_cast<void>(lists.write("deny", "127.0.0.1\n"));
  CHECK(soon(
      [&] { return registers({nodes.address(7)}) == "403 403 Forbidden: client IP 127.0.0.1 blocked by bad-ones\n"; }));
  static_cast<void>(lists.write("deny", "192.0.2.1\n"));
  CHECK(soon([&] { return registers({nodes.address(7)}) == "200 "; }));
  kill_service(server);
  static_cast<void>(lists.write("deny", "127.0.0.1\n"));
  CHECK(soon([&] { return registers({nodes.address(7)}).starts_with("403"); }));
}

TEST_CASE("denylist e2e: a million prefixes are swapped, and no query waits") {
  Folder lists;
  std::mt19937 random(1);
  std::array<std::string, 2> texts;
  for (std::size_t i = 0; i < texts.size(); ++i) {
    texts[i] = fmt::format("192.0.2.{}\n", i);
    while (texts[i].size() < 15'000'000) {
      const auto bits = static_cast<std::uint32_t>(random());
      texts[i] += fmt::format("{}.{}.{}.{}\n", 1 + (bits >> 24) % 120, bits >> 16 & 255, bits >> 8 & 255, bits & 255);
    }
  }
  CHECK(count(texts[0], "\n") > 1'000'000);
  replace(lists, "deny", texts[0]);
  Server server(corefile(fmt::format("  file {}/deny\n", lists.path())),
                {.workers = 2, .release = true, .patience = Milliseconds(60000)});
  CHECK(!is_served(server, "192.0.2.0"));
  Load load(server.endpoint(), 8, Milliseconds(2000));
  for (std::size_t swap = 1; swap <= 6; ++swap) {
    replace(lists, "deny", texts[swap % 2]);
    const std::string denied = fmt::format("192.0.2.{}", swap % 2);
    CHECK(wait_until([&] { return !is_served(server, denied); }, Milliseconds(60000)));
    CHECK(soon_served(server, fmt::format("192.0.2.{}", 1 - swap % 2)));
  }
  load.stop();
  CHECK(load.answered() > 1000);
  CHECK(load.retried() == 0);
  CHECK(load.lost() == 0);
  CHECK(load.wrong() == 0);
}
