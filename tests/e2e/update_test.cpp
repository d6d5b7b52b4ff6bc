// Dynamic updates (RFC 2136) of a running server, by clients of others: nsupdate and knsupdate.
#include <algorithm>
#include <cctype>
#include <filesystem>
#include <iterator>
#include <map>
#include <random>
#include <sstream>
#include <thread>

#include <fmt/format.h>

#include "tests/support/peers.h"
#include "tests/support/server.h"
#include "tests/support/update_client.h"
#include "tests/support/update_message.h"

#include <catch2/catch.hpp>  // last: its CHECK is the one that counts here

using namespace swage;
using namespace swage::tests;
using namespace std::chrono_literals;

namespace {

constexpr std::string_view kSecret = "c3dhZ2UgdXBkYXRlIHRlc3Qgc2VjcmV0IG9mIDMyIGI=";
constexpr std::string_view kOtherSecret = "YW5vdGhlciBzZWNyZXQgdGhhdCBub2JvZHkga25vd3M=";
constexpr std::string_view kZone =
    "$TTL 60\n@ SOA ns host 10 3600 600 86400 5\n@ NS ns\n@ NS ns2\n@ TXT top\nns A 192.0.2.1\nns2 A 192.0.2.2\n"
    "www A 192.0.2.3\nwww A 192.0.2.4\nwww TXT a\nalias CNAME www\nmail MX 10 www\n";

std::string keys() {
  std::string text;
  for (const char* const name : {"all", "acme"}) {
    text += fmt::format("key \"{}\" {{ algorithm hmac-sha256; secret \"{}\"; }};\n", name, kSecret);
  }
  return text;
}

// A zone with updates in a folder of its own, and a server for it.
struct Bench {
  explicit Bench(unsigned workers = 1, std::string_view zone = kZone, std::string_view reload = "0") : reload_(reload) {
    static_cast<void>(folder.write("zone", zone));
    static_cast<void>(folder.write("keys", keys()));
    std::filesystem::permissions(folder.file("keys"), std::filesystem::perms(0600));
    options.workers = workers;
  }
  [[nodiscard]] std::string corefile() const {
    return fmt::format(
        "example.org {{\n file {0}/zone {{\n  reload {1}\n  update {{\n   secrets {0}/keys\n   key all may change "
        "example.org *.example.org any\n   key acme may change _acme-challenge.www.example.org TXT\n  }}\n }}\n "
        "errors\n}}\n",
        folder.path(), reload_);
  }

  Folder folder;
  ServerOptions options;
  std::string reload_;
};

std::string answers(const Server& server, const std::string& name, const std::string& type) {
  const Decoded answer = server.ask({.name = name, .type = type});
  std::string text = answer.rcode_text();
  std::vector<std::string> records = answer.answer;
  std::ranges::sort(records);
  for (const std::string& each : records) text += " " + each;
  return text;
}

std::uint32_t serial(const Server& server) {
  const std::string soa = answers(server, "example.org.", "SOA");
  std::istringstream words(soa);
  std::vector<std::string> all{std::istream_iterator<std::string>(words), {}};
  return all.size() > 7 ? static_cast<std::uint32_t>(std::stoul(all[7])) : 0;
}

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
    const Bench bench;
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
  const Bench bench;
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
  const Bench bench(2);
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
  const Bench bench(1, kZone, "50ms");
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

TEST_CASE("update: kill -9 of the service process at any moment loses nothing that was acknowledged") {
  const unsigned kills = number_from("SWAGE_UPDATE_KILLS", 4);  // long: 200
  const Bench bench;
  Server server(bench.corefile(), bench.options);
  UpdateClient client(server.endpoint(), "example.org.", "all", kSecret);
  std::vector<unsigned> acknowledged;
  unsigned sent = 0;
  std::uint32_t random = number_from("SWAGE_SEED", 1);
  for (unsigned i = 0; i < kills; ++i) {
    random = random * 1664525 + 1013904223;
    const auto until = std::chrono::steady_clock::now() + std::chrono::microseconds(random >> 12 & 0x3FFFF);
    const auto update = [&] {
      ++sent;
      const std::string lines =
          fmt::format("prereq nxdomain k{0}.example.org.\nadd k{0}.example.org. 60 TXT {0}", sent);
      const std::string rcode = client.send(lines, UpdateClient::Over::tcp, 20s);
      if (rcode == "NOERROR") acknowledged.push_back(sent);
      CHECK((rcode == "NOERROR" || rcode == "unsigned SERVFAIL"));
    };
    do update();
    while (std::chrono::steady_clock::now() < until);
    // While one is under way.
    const std::vector<pid_t> pids = children(server.process().pid(), "@service");
    std::thread killer([&] {
      std::this_thread::sleep_for(std::chrono::microseconds(random & 0xFFFF));
      for (const pid_t pid : pids) kill(pid, SIGKILL);
    });
    update();
    killer.join();
  }
  REQUIRE(client.send("add last.example.org. 60 TXT x", UpdateClient::Over::tcp, 20s) == "NOERROR");
  std::size_t lost = 0;
  for (const unsigned each : acknowledged) {
    if (!answers(server, fmt::format("k{}.example.org.", each), "TXT").starts_with("NOERROR k")) ++lost;
  }
  CHECK(lost == 0);
  CHECK(acknowledged.size() + 3 >= sent);
  WARN(fmt::format("{} kills, {} updates sent, {} acknowledged, {} lost", kills, sent, acknowledged.size(), lost));
}

namespace {

// BIND as the primary of example.org, whose key `all` may change anything.
class Bind {
 public:
  explicit Bind(const std::string& zone_file) {
    static_cast<void>(folder_.write("zone", read_file(zone_file)));
    static_cast<void>(folder_.write("keys", keys()));
    const std::string configuration = fmt::format(
        "include \"{0}/keys\";\noptions {{ directory \"{0}\"; listen-on port {1} {{ 127.0.0.1; }}; listen-on-v6 {{ "
        "none; "
        "}}; pid-file none; recursion no; minimal-responses yes; check-names primary ignore; check-mx ignore; "
        "check-integrity no; check-mx-cname ignore; check-srv-cname ignore; notify no; }};\ncontrols "
        "{{ }};\nzone \"example.org\" {{ type primary; file \"{0}/zone\"; allow-update {{ key all; }}; }};\n",
        folder_.path(), port_.number());
    auto started = Process::start(
        {.arguments = {"named", "-g", "-c", folder_.write("named.conf", configuration), "-n", "1", "-u", "root"}});
    REQUIRE(started);
    process_ = *std::move(started);
    REQUIRE(process_.wait_for("all zones loaded", 20s));
  }
  [[nodiscard]] Endpoint endpoint() const { return port_.v4(); }

 private:
  Folder folder_;
  Port port_;
  Process process_;
};

// Updates by chance, of names and types that meet often.
class Updates {
 public:
  explicit Updates(unsigned seed) : random_(seed) {}

  [[nodiscard]] static std::vector<std::string> names() {
    std::vector<std::string> names = {"example.org."};
    for (const char* const name : {"a", "b", "c", "a.b", "x.y.z", "y.z", "*", "*.w", "q.w", "sub", "ns.sub", "www",
                                   "alias", "mail", "t", "d", "under.d"}) {
      names.push_back(std::string(name) + ".example.org.");
    }
    return names;
  }
  std::string next() {
    std::string lines;
    for (unsigned i = pick(4); i > 2; --i) lines += prerequisite();
    for (unsigned i = 1 + pick(4); i > 0; --i) lines += change();
    return lines;
  }

 private:
  unsigned pick(unsigned below) { return static_cast<unsigned>(random_() % below); }
  std::string name() {
    static const std::vector<std::string> all = names();
    std::string name = all[pick(static_cast<unsigned>(all.size()))];
    if (pick(8) == 0) name[0] = static_cast<char>(std::toupper(name[0]));
    return name;
  }
  // "TYPE DATA"
  std::pair<std::string, std::string> data() {
    const unsigned number = pick(3);
    switch (pick(11)) {
      case 0:
        return {"AAAA", fmt::format("2001:db8::{}", number)};
      case 1:
        return {"TXT", fmt::format("\"text {}\"", number)};
      case 2:
        return {"MX", fmt::format("{} mail.other.test.", number)};  // BIND wants one of its zone to have an address
      case 3:
        return {"CNAME", name()};
      case 4:
        return {"NS", pick(2) == 0 ? "ns.example.org." : "ns.sub.example.org."};
      case 5:
        return {"SRV", fmt::format("0 {} 53 {}", number, name())};
      case 6:
        return {"CAA", fmt::format("0 issue \"ca{}.test\"", number)};
      case 7:
        return {"TYPE65280", fmt::format("\\# 1 {:02x}", number)};
      default:
        return {"A", fmt::format("192.0.2.{}", number)};
    }
  }
  std::string prerequisite() {
    const auto [type, rdata] = data();
    switch (pick(5)) {
      case 0:
        return fmt::format("prereq yxdomain {}\n", name());
      case 1:
        return fmt::format("prereq nxdomain {}\n", name());
      case 2:
        return fmt::format("prereq yxrrset {} {}\n", name(), type);
      case 3:
        return fmt::format("prereq nxrrset {} {}\n", name(), type);
      default:
        return fmt::format("prereq yxrrset {} {} {}\n", name(), type, rdata);
    }
  }
  std::string add(const std::string& name, const std::string& type, const std::string& rdata) {
    if (type == "NS" && name.starts_with('*')) return "";  // BIND takes none there, and says nothing
    return fmt::format("add {} {} {} {}\n", name, pick(3) == 0 ? 300 : 60, type, rdata);
  }
  std::string change() {
    const auto [type, rdata] = data();
    switch (pick(12)) {
      case 0:
        return fmt::format("del {}\n", name());
      case 1:
      case 2:
        return fmt::format("del {} {}\n", name(), type);
      case 3:
      case 4:
        return fmt::format("del {} {} {}\n", name(), type, rdata);
      case 5:
        if (pick(10) > 0) return "";
        return fmt::format("add example.org. 60 SOA ns.example.org. host.example.org. {} 3600 600 86400 5\n",
                           serial_ += 500 + pick(1000));
      default:
        return add(name(), type, rdata);
    }
  }

  std::minstd_rand random_;
  unsigned serial_ = 1000;
};

// All that a server says of a name, in order.
std::string all_of(const Endpoint& server, const std::string& name) {
  const auto answer = ask_tcp(server, encode({.name = name, .type = "ANY"}));
  if (!answer) return "nothing";
  const auto decoded = decode(*answer);
  if (!decoded) return decoded.error().text();
  std::vector<std::string> records = decoded->answer;
  records.insert(records.end(), decoded->authority.begin(), decoded->authority.end());
  for (std::string& each : records) std::ranges::transform(each, each.begin(), [](char c) { return std::tolower(c); });
  std::ranges::sort(records);
  std::string text = decoded->rcode_text();
  for (const std::string& each : records) text += "\n" + each;
  return text;
}

}  // namespace

TEST_CASE("update: after updates by chance the zone is BIND's") {
  if (!have_peer("named")) return;
  const unsigned count =
      number_from("SWAGE_UPDATES", 100);  // more find where BIND counts otherwise what changes nothing
  const unsigned seed = number_from("SWAGE_SEED", 1);
  const Bench bench;
  const Server server(bench.corefile(), bench.options);
  const Bind bind(bench.folder.file("zone"));
  UpdateClient ours(server.endpoint(), "example.org.", "all", kSecret),
      theirs(bind.endpoint(), "example.org.", "all", kSecret);
  Updates updates(seed);
  std::map<std::string, unsigned> rcodes;
  for (unsigned i = 1; i <= count; ++i) {
    const std::string lines = updates.next();
    INFO("update " << i << ":\n" << lines);
    const std::string rcode = ours.send(lines, UpdateClient::Over::tcp, 20s);
    REQUIRE(rcode == theirs.send(lines, UpdateClient::Over::tcp, 20s));
    ++rcodes[rcode];
    if (i % 100 != 0) continue;
    for (const std::string& name : Updates::names())
      REQUIRE(all_of(server.endpoint(), name) == all_of(bind.endpoint(), name));
  }
  CHECK(rcodes["NOERROR"] > count / 4);
  CHECK(rcodes.size() >= 4);
}

namespace {

// Pebble, an ACME CA that asks `nameserver` for everything.
class Pebble {
 public:
  explicit Pebble(const Endpoint& nameserver) {
    const std::string key = folder_.file("key"), certificate = folder_.file("cert");
    REQUIRE(run({.arguments = {"openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1",
                               "-nodes", "-subj", "/CN=localhost", "-addext", "subjectAltName=DNS:localhost", "-keyout",
                               key, "-out", certificate}}));
    const std::string configuration = fmt::format(
        "{{\"pebble\": {{\"listenAddress\": \"127.0.0.1:{}\", \"managementListenAddress\": \"127.0.0.1:{}\", "
        "\"certificate\": \"{}\", \"privateKey\": \"{}\", \"httpPort\": 80, \"tlsPort\": 443, \"ocspResponderURL\": "
        "\"\", \"externalAccountBindingRequired\": false}}}}\n",
        port_.number(), management_.number(), certificate, key);
    auto started = Process::start({.arguments = {"pebble", "-config", folder_.write("pebble.json", configuration),
                                                 "-dnsserver", nameserver.to_string()},
                                   .environment = {{"PEBBLE_VA_NOSLEEP", "1"}, {"PEBBLE_WFE_NONCEREJECT", "0"}}});
    REQUIRE(started);
    process_ = *std::move(started);
    REQUIRE(process_.wait_for("ACME directory available", 20s));
  }
  [[nodiscard]] std::string directory() const { return fmt::format("https://localhost:{}/dir", port_.number()); }
  [[nodiscard]] std::string certificate() const { return folder_.file("cert"); }
  [[nodiscard]] const Folder& folder() const { return folder_; }

 private:
  Folder folder_;
  Port port_, management_;
  Process process_;
};

}  // namespace

TEST_CASE("update: lego and certbot get certificates by DNS-01 challenges of theirs") {
  for (const char* const program : {"pebble", "lego", "certbot"}) {
    if (!have_peer(program)) return;
  }
  const Bench bench;
  Server server(bench.corefile(), bench.options);
  const Pebble pebble(server.endpoint());
  const std::string& folder = pebble.folder().path();
  const auto lego =
      run({.arguments = {"lego", "--accept-tos", "--email", "a@example.org", "--server", pebble.directory(), "--path",
                         folder, "--dns", "rfc2136", "--dns.resolvers", server.endpoint().to_string(),
                         "--dns.disable-cp", "--domains", "www.example.org", "run"},
           .environment = {{"LEGO_CA_CERTIFICATES", pebble.certificate()},
                           {"RFC2136_NAMESERVER", server.endpoint().to_string()},
                           {"RFC2136_TSIG_KEY", "acme"},
                           {"RFC2136_TSIG_ALGORITHM", "hmac-sha256."},
                           {"RFC2136_TSIG_SECRET", std::string(kSecret)},
                           {"RFC2136_POLLING_INTERVAL", "1"}}},
          60s);
  if (!lego) FAIL(lego.error().text());
  CHECK(std::filesystem::exists(folder + "/certificates/www.example.org.crt"));
  CHECK(server.log().find("an update by acme. from 127.0.0.1: 1 added, 0 removed, serial 11") != std::string::npos);
  CHECK(answers(server, "_acme-challenge.www.example.org.", "TXT").starts_with("NXDOMAIN"));  // it cleans up

  const std::string credentials = pebble.folder().write(
      "rfc2136.ini", fmt::format("dns_rfc2136_server = 127.0.0.1\ndns_rfc2136_port = {}\ndns_rfc2136_name = "
                                 "acme.\ndns_rfc2136_secret = {}\ndns_rfc2136_algorithm = HMAC-SHA256\n",
                                 server.port(), kSecret));
  std::filesystem::permissions(credentials, std::filesystem::perms(0600));
  const auto certbot = run({.arguments = {"certbot",
                                          "certonly",
                                          "-n",
                                          "--agree-tos",
                                          "-m",
                                          "a@example.org",
                                          "--server",
                                          pebble.directory(),
                                          "--config-dir",
                                          folder + "/c",
                                          "--work-dir",
                                          folder + "/w",
                                          "--logs-dir",
                                          folder + "/l",
                                          "--dns-rfc2136",
                                          "--dns-rfc2136-credentials",
                                          credentials,
                                          "--dns-rfc2136-propagation-seconds",
                                          "1",
                                          "-d",
                                          "www.example.org"},
                            .environment = {{"REQUESTS_CA_BUNDLE", pebble.certificate()}}},
                           60s);
  if (!certbot) FAIL(certbot.error().text());
  CHECK(std::filesystem::exists(folder + "/c/live/www.example.org/fullchain.pem"));
  CHECK(answers(server, "_acme-challenge.www.example.org.", "TXT").starts_with("NXDOMAIN"));
}
