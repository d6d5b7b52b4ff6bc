// The plugin secondary with other people's primaries: BIND, Knot DNS and NSD. After a transfer, and after each of a
// chain of changes that NOTIFY announces, the zone is the same, record for record; it is served without a primary after
// a restart; members of a catalog come and go. BIND's transfers are signed (TSIG). The comparison is dig's AXFR with
// the file that swage keeps.
#include <algorithm>
#include <csignal>
#include <filesystem>
#include <fstream>
#include <set>
#include <sstream>

#include <fmt/format.h>

#include "tests/support/peers.h"
#include "tests/support/server.h"

#include <catch2/catch.hpp>  // last: its CHECK is the one that counts here

namespace {

using namespace swage;
using namespace swage::tests;
using namespace std::chrono_literals;

constexpr auto kPatience20 = 20s;
constexpr unsigned kEdits = 5;

// A zone with records of many kinds, and `names` more names.
std::string zone_text(unsigned serial, unsigned names) {
  std::string text = fmt::format(
      "$TTL 60\n@ SOA ns hostmaster {} 3600 600 86400 60\n@ NS ns\n@ NS ns.elsewhere.example.\nns A 192.0.2.1\nns AAAA "
      "2001:db8::1\n@ MX 10 Mail\nMail A 192.0.2.2\n*.wild TXT \"any\" \"thing\"\n@ CAA 0 issue \"ca.example\"\nsub NS "
      "ns.sub\nns.sub A 192.0.2.3\nsub DS 1 13 2 "
      "0123456789012345678901234567890123456789012345678901234567890123\nalias "
      "CNAME mail\n_x._tcp SRV 1 2 3 mail\nsvc HTTPS 1 . alpn=h2 port=443\nodd TYPE65280 \\# 3 010203\na.b.c.d TXT x\n",
      serial);
  for (unsigned i = 0; i < names; ++i) text += fmt::format("n{} A 10.{}.{}.{}\n", i, i >> 16, i >> 8 & 255, i & 255);
  return text;
}

// One record: owner in lower case, TTL, number of the type, data in hexadecimal.
std::string comparable(std::string_view line) {
  std::istringstream words{std::string(line)};
  std::string owner, ttl, type, hex, word;
  words >> owner >> ttl >> type;
  if (type == "IN" || type == "CLASS1") words >> type;
  words >> word >> word;  // \# and the size
  while (words >> word) hex += word;
  for (std::string* const each : {&owner, &hex}) {
    std::ranges::transform(*each, each->begin(), [](unsigned char c) { return static_cast<char>(std::tolower(c)); });
  }
  return fmt::format("{} {} {} {}", owner, ttl, type_number(type), hex);
}

std::set<std::string> records(const std::string& text) {
  std::set<std::string> all;
  std::istringstream lines(text);
  for (std::string line; std::getline(lines, line);) {
    if (line.find("\\#") != std::string::npos) all.insert(comparable(line));
  }
  return all;
}

// Of BIND's zones, which are sent to nobody who has not signed with it.
constexpr const char* kKey = "transfer.test";
constexpr const char* kSecret = "X28hl0BOfAL5G0jsmJWSacrwn7YRm2f6U5brnzwWEus=";

std::set<std::string> records_at(const Endpoint& server, const std::string& zone) {
  const std::string key = fmt::format("hmac-sha256:{}:{}", kKey, kSecret);
  const bool is_signed = zone == "bind.test.";  // swage's sent to anybody
  const auto said =
      run({.arguments = {"dig", is_signed ? "-y" : "+noall", is_signed ? key : "+noall", "@127.0.0.1", "-p",
                         std::to_string(server.port), "+unknownformat", "+noall", "+answer", "+onesoa", zone, "AXFR"}});
  REQUIRE(said);
  return records(*said);
}

// The serial that the server has, 0 where it does not answer with one.
unsigned serial_at(const Endpoint& server, const std::string& zone) {
  const auto answer = ask_udp(server, encode({.name = zone, .type = "SOA"}), 2s);
  const auto decoded = answer ? decode(*answer) : Result<Decoded>(fail("no answer"));
  if (!decoded || decoded->rcode != 0 || decoded->answer.empty()) return 0;
  std::istringstream words(decoded->answer.front());
  std::string word;
  for (int i = 0; i < 6; ++i) words >> word;
  unsigned serial = 0;
  words >> serial;
  return serial;
}

struct Primary {
  std::string zone;
  Port port{};
  Process process{};
  std::string file{};                    // of the zone
  std::function<void(unsigned)> edit{};  // makes the version with this serial

  [[nodiscard]] Endpoint endpoint() const { return port.v4(); }
  void start(const Command& command) {
    Result<Process> started = Process::start(command);
    REQUIRE(started);
    process = *std::move(started);
    INFO(process.log());
    REQUIRE(wait_until([&] { return serial_at(endpoint(), zone) == 1; }, kPatience20));
  }
};

std::string made(const Folder& folder, const std::string& name) {
  std::filesystem::create_directories(folder.file(name));
  return folder.file(name);
}

void run_or_fail(const Command& command) {
  const Result<std::string> done = run(command);
  INFO((done ? std::string() : done.error().text()));
  REQUIRE(done);
}

void nsupdate(const Folder& folder, const Primary& primary, const std::string& lines) {
  const std::string script = folder.write(
      "nsupdate", fmt::format("server 127.0.0.1 {}\nzone {}\n{}send\n", primary.port.number(), primary.zone, lines));
  run_or_fail({.arguments = {"nsupdate", script}});
}

std::string bind_zone(const std::string& name, const std::string& file, std::uint16_t notified) {
  return fmt::format(
      "zone \"{}\" {{ type primary; file \"{}\"; allow-update {{ 127.0.0.1; }}; allow-transfer {{ key {}; }}; notify "
      "explicit; also-notify {{ 127.0.0.1 port {}; }}; }};\n",
      name, file, kKey, notified);
}

// `more`: other zones.
void start_bind(Primary& primary, const Folder& folder, std::uint16_t notified, const std::string& more = "") {
  const std::string own = made(folder, "named");
  const std::string config = fmt::format(
      "options {{ directory \"{}\"; listen-on port {} {{ 127.0.0.1; }}; listen-on-v6 {{ none; }}; pid-file none; "
      "lock-file "
      "none; session-keyfile none; recursion no; notify-delay 0; dnssec-validation no; }};\ncontrols {{ }};\nkey {} {{ "
      "algorithm hmac-sha256; secret \"{}\"; }};\n{}{}",
      own, primary.port.number(), kKey, kSecret, bind_zone(primary.zone, primary.file, notified), more);
  primary.edit = [&primary, &folder](unsigned serial) {
    nsupdate(folder, primary,
             fmt::format("update delete edit.{0} A\nupdate add edit.{0} 60 A 192.0.2.{1}\nupdate add e{1}.{0} 60 TXT "
                         "{1}\nupdate delete n{1}.{0} A\n",
                         primary.zone, serial));
  };
  primary.start({.arguments = {"named", "-g", "-c", folder.write("named.conf", config)}});
}

void start_knot(Primary& primary, const Folder& folder, std::uint16_t notified) {
  const std::string own = made(folder, "knot");
  const std::string config = fmt::format(
      "server:\n  listen: 127.0.0.1@{0}\n  rundir: {1}\n  udp-workers: 1\n  tcp-workers: 1\n  background-workers: 1\n"
      "control:\n  listen: {1}/socket\ndatabase:\n  storage: {1}\n  journal-db-max-size: 100M\nlog:\n  - target: "
      "stderr\n"
      "    any: warning\nremote:\n  - id: swage\n    address: 127.0.0.1@{2}\nacl:\n  - id: all\n    address: "
      "127.0.0.1\n"
      "    action: transfer\nzone:\n  - domain: {3}\n    file: {4}\n    notify: swage\n    acl: all\n",
      primary.port.number(), own, notified, primary.zone, primary.file);
  primary.edit = [&primary, own](unsigned serial) {
    const auto knotc = [&](std::vector<std::string> words) {
      words.insert(words.begin(), {"knotc", "-s", own + "/socket"});
      run_or_fail({.arguments = std::move(words)});
    };
    const std::string last = std::to_string(serial);
    knotc({"zone-begin", primary.zone});
    if (serial > 2) knotc({"zone-unset", primary.zone, "edit", "A"});
    knotc({"zone-set", primary.zone, "edit", "60", "A", "192.0.2." + last});
    knotc({"zone-set", primary.zone, "e" + last, "60", "TXT", last});
    knotc({"zone-unset", primary.zone, "n" + last, "A"});
    knotc({"zone-commit", primary.zone});
  };
  primary.start({.arguments = {"knotd", "-c", folder.write("knot.conf", config)}});
}

void start_nsd(Primary& primary, const Folder& folder, std::uint16_t notified, unsigned names) {
  const std::string own = made(folder, "nsd");
  const std::string config = fmt::format(
      "server:\n  ip-address: 127.0.0.1@{0}\n  server-count: 1\n  username: \"\"\n  database: \"\"\n  zonesdir: "
      "\"{1}\"\n"
      "  pidfile: \"{1}/pid\"\n  xfrdfile: \"{1}/xfrd.state\"\n  zonelistfile: \"{1}/zone.list\"\n  xfrdir: \"{1}\"\n"
      "  xfrd-reload-timeout: 0\nremote-control:\n  control-enable: yes\n  control-interface: \"{1}/socket\"\nzone:\n"
      "  name: \"{2}\"\n  zonefile: \"{3}\"\n  store-ixfr: yes\n  create-ixfr: yes\n  provide-xfr: 127.0.0.1 NOKEY\n"
      "  notify: 127.0.0.1@{4} NOKEY\n",
      primary.port.number(), own, primary.zone, primary.file, notified);
  const std::string file = folder.write("nsd.conf", config);
  primary.edit = [&primary, file, names](unsigned serial) {
    std::ofstream(primary.file) << zone_text(serial, names) << "edit A 192.0.2." << serial << "\n";
    std::filesystem::last_write_time(primary.file, std::filesystem::file_time_type::clock::now() +
                                                       std::chrono::seconds(serial));  // whole seconds are compared
    run_or_fail({.arguments = {"nsd-control", "-c", file, "reload", primary.zone}});
  };
  primary.start({.arguments = {"nsd", "-d", "-c", file}});
}

std::size_t count(const std::string& text, std::string_view what) {
  std::size_t found = 0;
  for (std::size_t at = 0; (at = text.find(what, at)) != std::string::npos; ++at) ++found;
  return found;
}

void check_same(const Server& server, const Folder& kept, const Primary& primary, unsigned serial) {
  INFO(primary.zone << " " << serial << "\n" << primary.process.log() << server.log());
  REQUIRE(wait_until([&] { return serial_at(server.endpoint(), primary.zone) == serial; }, kPatience20));
  const std::string file = kept.file(primary.zone + "zone");
  const std::string title = fmt::format("serial {}:", serial);
  REQUIRE(wait_until([&] { return read_file(file).find(title) != std::string::npos; }, kPatience20));
  const auto theirs = records_at(primary.endpoint(), primary.zone);
  CHECK(theirs.size() > 10);
  CHECK((records(read_file(file)) == theirs));
}

void run_primaries(unsigned names) {
  if (!have_peer("named") || !have_peer("knotd") || !have_peer("nsd")) return;
  const Folder folder, kept;
  Primary bind{.zone = "bind.test."}, knot{.zone = "knot.test."}, nsd{.zone = "nsd.test."};
  const std::array all = {&bind, &knot, &nsd};
  std::string corefile = fmt::format(
      "test {{\n bind 127.0.0.1\n prometheus 127.0.0.1:@PORT2@\n transfer {{\n  to *\n }}\n tsig {{\n  secret {} {}\n "
      "}}\n",
      kKey, kSecret);
  for (Primary* const each : all) {
    each->file = folder.write(each->zone + "zone", zone_text(1, names));
    corefile +=
        fmt::format(" secondary {} {{\n  transfer from 127.0.0.1:{}\n  refresh 1s\n  directory {}\n{} }}\n", each->zone,
                    each->port.number(), kept.path(), each == &bind ? fmt::format("  tsig {}\n", kKey) : "");
  }
  corefile += "}\n";
  {
    Server server(corefile);
    const Decoded early = server.ask({.name = "bind.test.", .type = "SOA", .opt = Opt{}});
    CHECK(early.rcode_text() == "SERVFAIL");
    start_bind(bind, folder, server.port());
    start_knot(knot, folder, server.port());
    start_nsd(nsd, folder, server.port(), names);
    for (const Primary* const each : all) check_same(server, kept, *each, 1);
    for (unsigned serial = 2; serial < 2 + kEdits; ++serial) {
      for (const Primary* const each : all) each->edit(serial);
      for (const Primary* const each : all) check_same(server, kept, *each, serial);
    }
    const std::string log = server.log();
    INFO(log);
    // NSD 4.6's IXFRs add records of the apex that are there already (without deleting them): AXFR follows.
    CHECK(count(log, "(IXFR, ") >= 2 * kEdits);
    CHECK(count(log, "(AXFR, ") <= all.size() + kEdits);
    CHECK(count(log, "knot.test.: no IXFR") + count(log, "bind.test.: no IXFR") == 0);
    for (const Primary* const each : all) {  // and on: a secondary is a primary of others
      CHECK((records_at(server.endpoint(), each->zone) == records_at(each->endpoint(), each->zone)));
    }
    const auto changes = run({.arguments = {"dig", "@127.0.0.1", "-p", std::to_string(server.port()), "+noall",
                                            "+answer", "knot.test.", "IXFR=3"}});
    REQUIRE(changes);
    CHECK(count(*changes, "\tSOA\t") == 2 + 2 * (kEdits - 2));
    CHECK(server.metric("swage_secondary_transfers_total{zone=\"knot.test.\"}") == 1 + kEdits);
    CHECK(server.metric("swage_secondary_expired{zone=\"knot.test.\"}") == 0);
  }
  for (Primary* const each : all) each->process.kill_group();
  const Server again(corefile);
  for (const Primary* const each : all) CHECK(serial_at(again.endpoint(), each->zone) == 1 + kEdits);
}

}  // namespace

TEST_CASE("secondary: BIND, Knot DNS and NSD as primaries: the same records after AXFR and a chain of IXFRs") {
  run_primaries(200);
}

TEST_CASE("secondary: the same with zones of 100,000 names", "[.long]") {
  run_primaries(number_from("SWAGE_NAMES", 100'000));
}

TEST_CASE("secondary: members of a catalog of BIND's come and go") {
  if (!have_peer("named")) return;
  const Folder folder, kept;
  Primary bind{.zone = "catalog.test."};
  bind.file = folder.write("catalog",
                           "$TTL 60\n@ SOA ns host 1 3600 600 86400 60\n@ NS invalid.\nversion TXT 2\nx1.zones PTR "
                           "one.test.\n");
  const std::string corefile = fmt::format(
      "test {{\n bind 127.0.0.1\n prometheus 127.0.0.1:@PORT2@\n tsig {{\n  secret {} {}\n }}\n secondary catalog.test "
      "{{\n  transfer from 127.0.0.1:{}\n  tsig {}\n  refresh 1s\n  directory {}\n  catalog\n }}\n}}\n",
      kKey, kSecret, bind.port.number(), kKey, kept.path());
  {
    const Server server(corefile);
    std::string others;
    for (const char* const name : {"one.test.", "two.test."}) {
      others += bind_zone(name, folder.write(std::string(name) + "zone", zone_text(1, 3)), server.port());
    }
    start_bind(bind, folder, server.port(), others);
    const auto has = [&](const std::string& zone, unsigned serial) {
      INFO(zone << "\n" << server.log());
      CHECK(wait_until([&] { return serial_at(server.endpoint(), zone) == serial; }, kPatience20));
    };
    has("one.test.", 1);
    CHECK(server.ask({.name = "catalog.test.", .type = "SOA"}).rcode_text() == "REFUSED");
    CHECK(server.ask({.name = "two.test.", .type = "SOA"}).rcode_text() == "REFUSED");
    nsupdate(folder, bind, "update add x2.zones.catalog.test. 60 PTR two.test.\n");
    has("two.test.", 1);
    nsupdate(folder, bind, "update delete x1.zones.catalog.test. PTR\n");
    has("one.test.", 0);
    CHECK(server.ask({.name = "one.test.", .type = "SOA"}).rcode_text() == "REFUSED");
    CHECK_FALSE(std::filesystem::exists(kept.file("one.test.zone")));
    Primary two{.zone = "two.test."};
    nsupdate(folder, bind, "update delete version.catalog.test. TXT\n");
    const std::string broken = "a broken catalog: it has no version; the zones stay as they were\n";
    CHECK(wait_until([&] { return server.log().find(broken) != std::string::npos; }, kPatience20));
    CHECK(serial_at(server.endpoint(), "two.test.") == 1);
    CHECK(server.metric("swage_secondary_catalog_members{catalog=\"catalog.test.\"}") == 1);
    CHECK(server.metric("swage_secondary_catalog_broken{catalog=\"catalog.test.\"}") == 1);
    nsupdate(folder, bind,
             "update add version.catalog.test. 60 TXT 2\nupdate add x3.zones.catalog.test. 60 PTR one.test.\n");
    has("one.test.", 1);
  }
  bind.process.kill_group();
  const Server again(corefile);
  CHECK(serial_at(again.endpoint(), "one.test.") == 1);
  CHECK(serial_at(again.endpoint(), "two.test.") == 1);
}
