#include "plugins/secondary/secondary.h"

#include <sys/stat.h>
#include <utime.h>

#include <array>
#include <atomic>
#include <filesystem>
#include <mutex>

#include <fmt/format.h>

#include "tests/support/log_capture.h"
#include "tests/support/loopback.h"
#include "tests/support/plugin_harness.h"
#include "tests/support/service_run.h"
#include "tests/support/transfer_message.h"
#include "tests/support/upstream.h"
#include "tests/support/zone_answers.h"

#include <catch2/catch.hpp>  // last: its CHECK is the one that counts here

namespace swage::plugins::secondary {
namespace {

using namespace std::chrono_literals;
using tests::Folder;
using tests::Packet;
using tests::PluginHarness;
using tests::UpstreamServer;

constexpr std::array kPlugins = {PluginType{"secondary", &setup}};

std::string setup_error(std::string_view corefile) { return PluginHarness::setup_error(kPlugins, corefile); }

// example.org, whose one address ends with its serial; it expires two seconds after it was confirmed.
std::string soa(unsigned serial, unsigned expire = 2) {
  return fmt::format("example.org. 60 SOA ns. host. {} 1 1 {} 60\n", serial, expire);
}
std::string address(unsigned serial) { return fmt::format("a.example.org. 60 A 192.0.2.{}\n", serial); }

// A primary that says what the test wants.
class Primary {
 public:
  explicit Primary(unsigned has_serial = 1) : serial(has_serial) {}

  std::atomic<unsigned> serial, expire = 2;
  std::atomic<bool> silent = false, knows_ixfr = true;
  std::atomic<unsigned> axfrs = 0, ixfrs = 0, questions = 0;
  // Instead of what it has, in its answer to AXFR: records in messages.
  void lie(std::vector<std::string> messages) {
    const std::lock_guard lock(mutex_);
    lies_ = std::move(messages);
  }
  [[nodiscard]] Endpoint endpoint() const { return server_.endpoint(); }

 private:
  UpstreamServer::Reply answer(const Packet& query) {
    if (silent) return {};
    const std::uint16_t id = load_u16(query.data());
    const auto type = static_cast<dns::Type>(load_u16(&query[12 + 13]));
    const auto message = [&](std::string_view records) {
      return tests::transfer_message(id, "example.org.", to_string(type), records);
    };
    if (type == dns::Type::soa) {
      ++questions;
      Packet answer = message(soa(serial, expire));
      std::copy(query.begin() + 12, query.begin() + 12 + 13, answer.begin() + 12);  // the spelling
      return {{answer}};
    }
    const std::lock_guard lock(mutex_);
    if (type == dns::Type::ixfr && !lies_.empty()) return {{}, true};
    if (type == dns::Type::ixfr) return {{ixfr(query, message)}, true};
    ++axfrs;
    UpstreamServer::Reply reply{{}, true};
    for (const std::string& lie : lies_) reply.messages.push_back(message(lie));
    if (lies_.empty()) reply.messages = {message(soa(serial, expire)), message(address(serial) + soa(serial, expire))};
    return reply;
  }

  Packet ixfr(const Packet& query, const auto& message) {
    const unsigned theirs = load_u32(&query[query.size() - 20]);
    ++ixfrs;
    if (!knows_ixfr) {
      Packet refusal = message("");
      refusal[3] |= 4;  // NOTIMP
      return refusal;
    }
    return message(soa(serial, expire) + soa(theirs, expire) + address(theirs) + soa(serial, expire) + address(serial) +
                   soa(serial, expire));
  }

  std::mutex mutex_;
  std::vector<std::string> lies_;
  UpstreamServer server_{[this](const Packet& query, bool) { return answer(query); }};
};

std::string corefile(const std::vector<const Primary*>& primaries, const std::string& more = "") {
  std::string text = "example.org {\n secondary {\n  refresh 1s\n  transfer from";
  for (const Primary* each : primaries) text += " " + each->endpoint().to_string();
  return text + "\n" + more + " }\n}";
}

// The last byte of the address, or what else is said.
std::string served(PluginHarness& harness) {
  const std::string said = harness.ask("a.example.org. A");
  return said.starts_with("NOERROR aa\n")
             ? said.substr(said.find("192.0.2.") + 8, said.rfind('\n') - said.find("192.0.2.") - 8)
             : said;
}

bool serves(PluginHarness& harness, std::string_view what) {
  return tests::run_until(harness.service(), 5ms, [&] { return served(harness) == what; });
}

}  // namespace

TEST_CASE("secondary: setup") {
  CHECK(setup_error("example.org {\n secondary {\n  transfer from 192.0.2.1\n }\n}") == "");
  CHECK(setup_error("org {\n secondary a.org b.org {\n  transfer from 192.0.2.1 [2001:db8::1]:5353\n  transfer from "
                    "2001:db8::2\n  source_address 192.0.2.9\n  refresh 10s 1h\n  max_size 10M\n  directory zones\n  "
                    "fallthrough a.org\n  upstream\n }\n secondary c.org {\n  transfer from 192.0.2.1\n }\n}") == "");
  CHECK(setup_error("example.org {\n secondary\n}") ==
        "Corefile:2: secondary: expected a line 'transfer from ADDRESS' with the zone's primary");
  CHECK(setup_error("example.org {\n secondary {\n  transfer from\n }\n}") ==
        "Corefile:3: secondary: transfer: expected the address of a primary after 'from'");
  CHECK(setup_error("example.org {\n secondary {\n  transfer from ns.example.net\n }\n}") ==
        "Corefile:3: secondary: transfer: 'ns.example.net' is not an address with or without a port");
  CHECK(setup_error("example.org {\n secondary {\n  transfer from 192.0.2.1:0\n }\n}") ==
        "Corefile:3: secondary: transfer: '192.0.2.1:0': '0' is not a port");
  CHECK(setup_error("example.org {\n secondary {\n  transfer to *\n }\n}") ==
        "Corefile:3: secondary: transfer: zones are sent by the directive 'transfer' of the server block");
  CHECK(setup_error("example.org {\n secondary a.example.org a.example.org {\n  transfer from 192.0.2.1\n }\n}") ==
        "Corefile:2: secondary: zone a.example.org. is already a secondary in line 2");
  CHECK(
      setup_error("example.org {\n secondary {\n  transfer from 192.0.2.1\n }\n}\nexample.org:5300 {\n secondary {\n  "
                  "transfer from 192.0.2.1\n }\n}") ==
      "Corefile:7: secondary: zone example.org. is a secondary in another server block, too, and needs a view or "
      "another directory here");
  CHECK(setup_error("example.org {\n secondary {\n  transfer from 192.0.2.1\n  refresh 2s 1s\n }\n}")
            .starts_with("Corefile:4: secondary: refresh: "));
}

TEST_CASE("secondary: a zone comes by AXFR, and changes by IXFR or AXFR") {
  Primary primary;
  primary.expire = 1000;
  PluginHarness harness(kPlugins, corefile({&primary}));
  REQUIRE(harness.prepare() == "");
  CHECK_FALSE(harness.service().ready());
  CHECK(harness.ask("a.example.org. A do") == "error: zone example.org. was not transferred yet");
  CHECK(serves(harness, "1"));
  CHECK(harness.service().ready());
  CHECK(primary.axfrs == 1);
  primary.serial = 2;
  CHECK(serves(harness, "2"));
  CHECK(primary.ixfrs == 1);
  CHECK(primary.axfrs == 1);
  primary.serial = 3;
  primary.knows_ixfr = false;
  CHECK(serves(harness, "3"));
  CHECK(primary.ixfrs == 2);
  CHECK(primary.axfrs == 2);
  CHECK(harness.ask("nowhere.example.org. A").starts_with("NXDOMAIN aa\n-- authority\nexample.org. 60 IN SOA "));
  const std::string metrics = harness.metrics_text();
  CHECK(metrics.find("swage_zone_serial{zone=\"example.org.\"} 3\n") != std::string::npos);
  CHECK(metrics.find("swage_secondary_transfers_total{zone=\"example.org.\"} 3\n") != std::string::npos);
}

TEST_CASE("secondary: an older serial is not taken, and the next primary is asked") {
  Primary first(3), second(3);
  first.expire = second.expire = 1000;
  PluginHarness harness(kPlugins, corefile({&first, &second}));
  REQUIRE(harness.prepare() == "");
  REQUIRE(serves(harness, "3"));
  CHECK(second.axfrs == 0);
  first.serial = 2;
  second.serial = 4;
  CHECK(serves(harness, "4"));
  CHECK(first.axfrs == 1);
  first.silent = true;
  second.serial = 5;
  CHECK(serves(harness, "5"));
}

TEST_CASE("secondary: NOTIFY has a primary asked; from elsewhere it is refused") {
  Primary primary;
  primary.expire = 1000;
  std::string text = corefile({&primary});
  text.replace(text.find("refresh 1s"), 10, "refresh 1h");
  PluginHarness harness(kPlugins, text);
  REQUIRE(harness.prepare() == "");
  REQUIRE(serves(harness, "1"));
  CHECK(harness.ask("example.org. SOA notify") == "REFUSED\n");
  harness.arrival.client.address = *IpAddress::parse("127.0.0.1");
  CHECK(harness.ask("a.example.org. SOA notify") == "REFUSED\n");
  CHECK(harness.ask("example.org. A notify") == "REFUSED\n");
  CHECK(harness.response().later.ahead == false);
  CHECK(harness.ask("EXAMPLE.org. SOA notify") == "NOERROR aa\n");
  REQUIRE(harness.response().later.ahead);
  const std::string key(as_text(harness.response().later.key));
  primary.serial = 2;
  const Fetch& fetch = *harness.configuration().fetches.front();
  const auto notified = [&] {
    for (int i = 0; i < 100; ++i) static_cast<void>(fetch.want(key));  // a storm
    return served(harness) == "2";
  };
  CHECK(tests::run_until(harness.service(), 5ms, notified));
  CHECK(primary.questions < 10);
  static_cast<void>(fetch.want("\x03 x"));  // a dns process that was taken over
  static_cast<void>(fetch.want(key.substr(0, key.size() - 1)));
}

TEST_CASE("secondary: what is wrong with a transfer is said once, and the zone stays as it was") {
  Primary primary;
  primary.expire = 1000;
  PluginHarness harness(kPlugins, corefile({&primary}));
  REQUIRE(harness.prepare() == "");
  REQUIRE(serves(harness, "1"));
  const std::string from = primary.endpoint().to_string();
  std::string said;
  const auto says = [&](const std::string& expected) {
    tests::LogCapture log;
    said.clear();
    return tests::run_until(harness.service(), 5ms, [&] {
      said += log.take();
      return said.find(expected) != std::string::npos;
    });
  };
  primary.serial = 9;
  const auto lie = [&](std::vector<std::string> messages, const std::string& expected) {
    primary.lie(std::move(messages));
    INFO(said);
    CHECK(says("[WARNING] plugin/secondary: example.org.: " + from + ": " + expected + "; the zone stays as it was\n"));
    CHECK(served(harness) == "1");
  };
  lie({soa(9) + address(9)}, "the primary closed the connection in the middle");
  lie({soa(1) + soa(1)}, "what it transfers has serial 1, not newer than 1");
  lie({"example.net. 60 SOA ns. host. 9 1 1 1 1\n"}, "the SOA record of another zone, example.net.");
  lie({soa(9) + "a.example.org. 60 CNAME b.\n" + address(1) + soa(9)},
      "a.example.org. has a CNAME and other records; write the A and AAAA records of its target instead");
  primary.lie({});
  CHECK(serves(harness, "9"));
}

TEST_CASE("secondary: a primary that never ends is cut off, and its memory is bounded") {
  Primary primary;
  primary.expire = 1000;
  std::string records = soa(9);
  for (int i = 0; i < 100; ++i) records += fmt::format("n{}.example.org. 60 A 192.0.2.1\n", i);
  std::vector<std::string> endless(50, records.substr(records.find('\n') + 1));
  endless.front() = records;
  primary.lie(std::move(endless));
  PluginHarness harness(kPlugins, corefile({&primary}, "  max_size 20K\n"));
  REQUIRE(harness.prepare() == "");
  tests::LogCapture log;
  std::string said;
  CHECK(tests::run_until(harness.service(), 5ms, [&] {
    said += log.take();
    return said.find("the transfer has more than 20480 bytes; the zone is not served\n") != std::string::npos;
  }));
  CHECK(harness.service().ready());  // others are not kept waiting
}

TEST_CASE("secondary: many zones at the start are transferred two at a time from a primary") {
  std::atomic<unsigned> transfers = 0, most = 0;  // most: connections on which nothing was asked yet, or just now
  const UpstreamServer primary([&](const Packet& query, bool) {
    most = std::max<unsigned>(most, primary.connections() - transfers++);
    const std::string zone = dns::Name::from_wire(Bytes(query).subspan(12))->to_string();
    const std::string record = zone + " 60 SOA ns. host. 1 1000 1000 1000 60\n";
    return UpstreamServer::Reply{{tests::transfer_message(load_u16(query.data()), zone, "AXFR", record + record)},
                                 true};
  });
  std::string zones;
  for (int i = 0; i < 300; ++i) zones += fmt::format(" z{}.example.org", i);
  PluginHarness harness(kPlugins, "example.org {\n secondary" + zones + " {\n  transfer from " +
                                      primary.endpoint().to_string() + "\n }\n}");
  REQUIRE(harness.prepare() == "");
  tests::LogCapture log;
  CHECK(tests::run_until(harness.service(), 5ms, [&] {
    static_cast<void>(log.take());
    return harness.service().ready();
  }));
  CHECK(transfers == 300);
  CHECK(most <= Budget::kTransfersOfOne);
  CHECK(harness.ask("z299.example.org. SOA").starts_with("NOERROR aa\n"));
}

TEST_CASE("secondary: a zone that no primary confirms expires, and comes back") {
  Primary primary;
  PluginHarness harness(kPlugins, corefile({&primary}));
  REQUIRE(harness.prepare() == "");
  REQUIRE(serves(harness, "1"));
  primary.silent = true;
  CHECK(serves(harness, "error: zone example.org. has expired"));
  REQUIRE(harness.response().options.size() == 1);
  CHECK(load_u16(harness.response().options.front().data.data()) == 24);  // RFC 8914: Invalid Data
  CHECK(harness.metrics_text().find("swage_secondary_expired{zone=\"example.org.\"} 1\n") != std::string::npos);
  primary.silent = false;
  CHECK(serves(harness, "1"));
  CHECK(harness.metrics_text().find("swage_secondary_expired{zone=\"example.org.\"} 0\n") != std::string::npos);
}

TEST_CASE("secondary: a zone is kept on disk, and served without a primary until it expires") {
  const Folder folder;
  const std::string more = "  directory " + folder.path() + "\n";
  Primary primary(7);
  primary.expire = 1000;
  const std::string text = corefile({&primary}, more);
  const std::string file = folder.file("example.org.zone");
  {
    PluginHarness harness(kPlugins, text);
    REQUIRE(harness.prepare() == "");
    const auto is_kept = [&] { return served(harness) == "7" && std::filesystem::exists(file); };
    REQUIRE(tests::run_until(harness.service(), 5ms, is_kept));
  }
  CHECK(tests::read_file(file).find("a.example.org. 60 A \\# 4 c0000207\n") != std::string::npos);
  CHECK_FALSE(std::filesystem::exists(file + ".new"));
  primary.silent = true;
  {
    PluginHarness harness(kPlugins, text);
    REQUIRE(harness.prepare() == "");
    CHECK(served(harness) == "7");
  }
  struct utimbuf old{};
  old.modtime = std::time(nullptr) - 2000;
  REQUIRE(utime(file.c_str(), &old) == 0);
  {
    PluginHarness harness(kPlugins, text);
    REQUIRE(harness.prepare() == "");
    CHECK(served(harness) == "error: zone example.org. has expired");
    primary.silent = false;
    const auto is_confirmed = [&] {
      struct stat status{};
      return stat(file.c_str(), &status) == 0 && status.st_mtime > old.modtime + 1000 && served(harness) == "7";
    };
    CHECK(tests::run_until(harness.service(), 5ms, is_confirmed));
  }
  static_cast<void>(folder.write("example.org.zone", "a TYPE1"));
  {
    tests::LogCapture log;
    PluginHarness harness(kPlugins, text);
    REQUIRE(harness.prepare() == "");
    CHECK(log.take().starts_with("[WARNING] plugin/secondary: " + file + ":1: "));
    CHECK(serves(harness, "7"));
  }
}

TEST_CASE("secondary: a folder that cannot be written to is an error with its line") {
  const Folder folder;
  Primary primary;
  PluginHarness harness(kPlugins, corefile({&primary}, "  directory " + folder.file("none") + "\n"));
  CHECK(harness.prepare() ==
        "Corefile:2: secondary: directory: " + folder.file("none") + ": No such file or directory");
}

TEST_CASE("secondary: the times between two looks") {
  const SoaTimes soa{.serial = 1, .refresh = 1000s, .retry = 100s, .expire = 9000s};
  const Bounds bounds{.least = 60s, .most = 5000s};
  CHECK(after_success(soa, bounds, 0) == 1000s);
  CHECK(after_success(soa, bounds, 1) == 900s);
  CHECK(after_success({.serial = 1, .refresh = 1s}, bounds, 0) == 60s);
  CHECK(after_success({.serial = 1, .refresh = 4294967295s}, bounds, 0) == 5000s);
  CHECK(after_failure(soa, 1, bounds, 0) == 100s);
  CHECK(after_failure(soa, 2, bounds, 0) == 200s);
  CHECK(after_failure(soa, 2, bounds, 1) == 150s);
  CHECK(after_failure(soa, 99, bounds, 0) == 1000s);
  CHECK(after_failure({{.serial = 1, .refresh = 1s, .retry = 4294967295s}}, 5, bounds, 0) == 5000s);
  CHECK(after_failure({}, 1, bounds, 0) == 5s);
  CHECK(after_failure({}, 99, bounds, 0) == 3600s);
  CHECK(until_expiry(soa, bounds) == 9000s);
  CHECK(until_expiry({.serial = 1, .refresh = 1000s, .retry = 100s, .expire = 5s}, bounds) == 1100s);
  CHECK(until_expiry({.serial = 1}, bounds) == 120s);
  CHECK(until_expiry({.serial = 1, .refresh = 4294967295s, .retry = 4294967295s, .expire = 0s}, bounds) == 10'000s);
}

TEST_CASE("secondary: what is not a file is not waited for") {
  const Folder folder;
  const tests::TestZone zone("@ 60 SOA ns host 1 2 3 4 5\n@ 60 NS ns\n", "example.org");
  REQUIRE(mkfifo(folder.file("example.org.zone.new").c_str(), 0600) == 0);
  CHECK_FALSE(Store(folder.path()).save(zone.bytes(), 1));
  CHECK(Store(folder.path()).confirmed(*dns::Name::parse("example.org.")) == 0);
}

TEST_CASE("secondary: a reload makes no zone younger that is kept in memory alone") {
  shm::Shared memory("secondary");
  Confirmed before;
  REQUIRE(before.begin(memory));
  const Confirmed::Place stays = before.take("stays.org."), goes = before.take("goes.org.");
  CHECK(before.at(stays) == 0);
  before.set(stays, 7);
  before.set(goes, 8);
  before.give_back(goes);
  before.set(before.take("comes.org."), 9);
  Confirmed after;
  REQUIRE(after.begin(memory));
  CHECK(after.at(after.take("stays.org.")) == 7);
  CHECK(after.at(after.take("goes.org.")) == 0);
  CHECK(after.at(after.take("comes.org.")) == 9);
  const Confirmed::Place again = after.take("stays.org.");  // after a catalog has let it go
  CHECK(after.at(again) == 0);
  after.set(Confirmed::kNone, 1);
  CHECK(after.at(Confirmed::kNone) == 0);
}

TEST_CASE("secondary: names of files") {
  const Store store("zones");
  const auto path = [&](std::string_view name) { return store.path(*dns::Name::parse(name)).value(); };
  CHECK(path("Example.ORG") == "zones/example.org.zone");
  CHECK(path(".") == "zones/root.zone");
  CHECK(path("Root") == "zones/\\114oot.zone");
  CHECK(path("0/25.2.0.192.in-addr.arpa") == "zones/0\\04725.2.0.192.in-addr.arpa.zone");
  std::string escaped;
  for (int i = 0; i < 70; ++i) escaped += i % 35 == 34 ? "." : "\\001";
  CHECK_FALSE(store.path(*dns::Name::parse(escaped)));
}

}  // namespace swage::plugins::secondary
