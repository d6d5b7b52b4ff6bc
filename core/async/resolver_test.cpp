#include "core/async/resolver.h"

#include <chrono>
#include <filesystem>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include <fmt/format.h>

#include "core/async/event.h"
#include "core/async/tasks.h"

#include "core/async/dns_testing.h"  // last, with Catch: its CHECK is the one that counts here

namespace swage::async::testing {
namespace {

using namespace std::chrono_literals;
using Family = Resolver::Family;
using Addresses = Result<std::vector<IpAddress>>;

Resolver::Settings asking(const Endpoint& server) {
  Resolver::Settings settings;
  settings.servers = {server};
  settings.hosts_file = false;
  settings.timeout = 2s;
  settings.try_timeout = 100ms;
  settings.tries = 2;
  return settings;
}

std::vector<IpAddress> ips(const std::vector<std::string>& texts) {
  std::vector<IpAddress> list;
  for (const std::string& text : texts) list.push_back(*IpAddress::parse(text));
  return list;
}

std::string text_of(const Addresses& addresses) {
  if (!addresses) return addresses.error().text();
  std::vector<std::string> texts;
  for (const IpAddress& each : *addresses) texts.push_back(each.to_string());
  std::ranges::sort(texts);
  return fmt::format("{}", fmt::join(texts, " "));
}

Task<> resolve_all(Resolver& resolver, std::vector<std::pair<std::string, Family>> names, std::vector<std::string>& out,
                   DnsServer& server) {
  for (auto& [name, family] : names) {
    const Addresses addresses = co_await resolver.resolve(name, family);
    out.push_back(text_of(addresses));
  }
  server.stop();
}

std::size_t descriptors() {
  const std::filesystem::directory_iterator all("/proc/self/fd");
  return static_cast<std::size_t>(std::distance(begin(all), end(all)));
}

}  // namespace

TEST_CASE("resolver: host names") {
  for (const char* const name : {"a", "example.com", "EXAMPLE.com", "a-b.c_d.e", "_acme-challenge.x", "1.example",
                                 "1.2.3.4.in-addr.arpa", "0x7f.1a"}) {
    INFO(name);
    CHECK(is_host_name(name));
  }
  CHECK(is_host_name(std::string(63, 'a') + "." + std::string(63, 'b') + "." + std::string(63, 'c') + "." +
                     std::string(61, 'd')));
  CHECK_FALSE(is_host_name(std::string(63, 'a') + "." + std::string(63, 'b') + "." + std::string(63, 'c') + "." +
                           std::string(62, 'd')));
  CHECK_FALSE(is_host_name(std::string(64, 'a')));
  CHECK_FALSE(is_host_name(std::string_view("a\0b", 3)));
  for (const char* const name : {"", ".", "a.", ".a", "a..b", "a b", "a\n", "a/b", "a:1", "[::1]", "::1", "127.0.0.1",
                                 "127.1", "2130706433", "a.1", "\xC3\xA4"}) {
    INFO(name);
    CHECK_FALSE(is_host_name(name));
  }
}

TEST_CASE("resolver: answers") {
  Loop loop;
  DnsServer server(loop, [](const DnsQuestion& question) -> DnsServer::Answer {
    if (question.name == "both.test") return {ips({"192.0.2.1", "192.0.2.2", "192.0.2.1", "2001:db8::1"})};
    if (question.name == "four.test") return {ips({"192.0.2.1"})};
    if (question.name == "many.test") {
      DnsServer::Answer answer;
      for (int i = 0; i < 25; ++i) answer.addresses.push_back(*IpAddress::parse(fmt::format("192.0.2.{}", i)));
      return answer;
    }
    if (question.name == "none.test") return {};
    if (question.name == "refused.test") return {{}, 5};
    if (question.name == "servfail.test") return {{}, 2};
    if (question.name == "garbage.test") return {{}, 0, false, std::vector<std::uint8_t>(100, 0xFF)};
    if (question.name == "short.test") return {{}, 0, false, {0x81, 0x80}};
    if (question.name == "silent.test") return {{}, 0, true};
    return {{}, 3};
  });
  Resolver resolver(loop, asking(server.at()));
  std::vector<std::string> got;
  const std::vector<std::pair<std::string, Family>> names = {
      {"both.test", Family::any},    {"both.test", Family::v4},     {"both.test", Family::v6},
      {"four.test", Family::any},    {"four.test", Family::v6},     {"many.test", Family::v4},
      {"none.test", Family::any},    {"nowhere.test", Family::any}, {"refused.test", Family::v4},
      {"servfail.test", Family::v4}, {"garbage.test", Family::v4},  {"short.test", Family::v4},
      {"silent.test", Family::v4},   {"no host name", Family::v4},  {"single", Family::v4}};
  loop.spawn(resolve_all(resolver, names, got, server));
  loop.run();
  REQUIRE(got.size() == names.size());
  CHECK(got[0] == "192.0.2.1 192.0.2.2 2001:db8::1");
  CHECK(got[1] == "192.0.2.1 192.0.2.2");
  CHECK(got[2] == "2001:db8::1");
  CHECK(got[3] == "192.0.2.1");
  CHECK(got[4].starts_with("four.test: "));
  CHECK(std::ranges::count(got[5], ' ') == 15);
  for (std::size_t i = 6; i < 13; ++i) {
    INFO(got[i]);
    CHECK(got[i].starts_with(names[i].first + ": "));
  }
  CHECK(got[13] == "not a host name, of 12 characters");
  // As it is, nothing appended, and once.
  CHECK(std::ranges::count(server.asked(), DnsQuestion{"nowhere.test", kDnsA}) == 1);
  CHECK(std::ranges::count(server.asked(), DnsQuestion{"single", kDnsA}) == 1);
  CHECK(std::ranges::all_of(server.asked(), [](const DnsQuestion& question) {
    return question.name.ends_with(".test") || question.name == "single";
  }));
}

TEST_CASE("resolver: the time is bounded, whatever c-ares thinks") {
  Loop loop;
  DnsServer server(loop, [](const DnsQuestion&) { return DnsServer::Answer{{}, 0, true}; });
  Resolver::Settings settings = asking(server.at());
  settings.timeout = 100ms;
  settings.try_timeout = 5s;
  Resolver resolver(loop, settings);
  std::vector<std::string> got;
  const std::int64_t begin = loop.now();
  loop.spawn(resolve_all(resolver, {{"a.test", Family::any}}, got, server));
  loop.run();
  CHECK(got == std::vector<std::string>{"a.test: timed out"});
  CHECK(loop.now() - begin < 1'500'000'000);
}

TEST_CASE("resolver: many at once, and more than that") {
  Loop loop;
  std::optional<DnsServer> server;
  std::size_t done = 0, failed = 0;
  server.emplace(loop, [](const DnsQuestion&) { return DnsServer::Answer{ips({"192.0.2.9"})}; });
  Resolver::Settings settings = asking(server->at());
  settings.lookups = 50;
  Resolver resolver(loop, settings);
  struct Ask {
    static Task<> run(Resolver& of, int number, std::size_t& good, std::size_t& bad, DnsServer& stops) {
      const Addresses got = co_await of.resolve(fmt::format("n{}.test", number), Family::v4);
      ++(got ? good : bad);
      if (good + bad == 60) stops.stop();
    }
  };
  for (int i = 0; i < 60; ++i) loop.spawn(Ask::run(resolver, i, done, failed, *server));
  loop.run();
  CHECK(done == 50);
  CHECK(failed == 10);
}

TEST_CASE("resolver: destroyed tasks and a destroyed resolver") {
  const std::size_t before = [] {
    const Loop loop;
    return descriptors();
  }();
  {
    Loop loop;
    DnsServer server(loop, [](const DnsQuestion&) { return DnsServer::Answer{{}, 0, true}; });
    auto resolver = std::make_unique<Resolver>(loop, asking(server.at()));
    std::string kept;
    struct Ask {
      static Task<> run(Resolver& of, std::string& out) {
        out = text_of(co_await of.resolve("kept.test", Family::any));
      }
      static Task<> drop(Loop& on, Resolver& of) {
        Tasks tasks;
        std::string none;
        tasks.start(run(of, none));
        tasks.start(run(of, none));
        co_await sleep(on, 10ms);
      }
    };
    loop.spawn(Ask::run(*resolver, kept));
    loop.spawn(Ask::drop(loop, *resolver));
    Timer end(loop, [&] {
      resolver.reset();
      server.stop();
    });
    end.start(50ms);
    loop.run();
    CHECK(kept == "kept.test: cancelled");
    CHECK(loop.alive() == 0);
  }
  {
    Loop loop;  // the Loop destroys what waits
    DnsServer server(loop, [](const DnsQuestion&) { return DnsServer::Answer{{}, 0, true}; });
    Resolver resolver(loop, asking(server.at()));
    std::vector<std::string> got;
    loop.spawn(resolve_all(resolver, {{"a.test", Family::any}}, got, server));
  }
  const Loop loop;
  CHECK(descriptors() == before);
}

TEST_CASE("resolver: /etc/hosts, if it is asked for") {
  Loop loop;
  DnsServer server(loop, [](const DnsQuestion&) { return DnsServer::Answer{{}, 3}; });
  Resolver::Settings settings = asking(server.at());
  settings.hosts_file = true;
  Resolver resolver(loop, settings);
  std::vector<std::string> got;
  loop.spawn(resolve_all(resolver, {{"localhost", Family::v4}}, got, server));
  loop.run();
  CHECK(got == std::vector<std::string>{"127.0.0.1"});
}

}  // namespace swage::async::testing
