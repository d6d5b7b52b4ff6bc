#include "plugins/hosts/hosts.h"

#include <sys/resource.h>

#include <array>
#include <filesystem>

#include <fmt/format.h>

#include "plugins/hosts/hosts_builder.h"
#include "plugins/hosts/hosts_file.h"
#include "plugins/hosts/reverse_name.h"
#include "tests/support/log_capture.h"
#include "tests/support/loopback.h"
#include "tests/support/plugin_harness.h"
#include "tests/support/service_run.h"

#include <catch2/catch.hpp>  // last: its CHECK is the one that counts here

using namespace swage;
using namespace swage::plugins::hosts;
using tests::Folder;
using tests::PluginHarness;
using namespace std::chrono_literals;

namespace {

constexpr std::array kPlugins = {PluginType{"hosts", &plugins::hosts::setup}};

std::string setup_error(std::string_view body, std::string_view arguments = "") {
  return PluginHarness::setup_error(kPlugins,
                                    fmt::format("example.org {{\n hosts {} {{\n{}\n }}\n}}", arguments, body));
}

Result<Outcome> rest(const Query&, Response& response) {
  response.rcode = dns::Rcode::notauth;  // as nobody else here answers
  return Outcome::send;
}

struct Case {
  std::string question, answer;
};

void check(std::string_view corefile, std::string_view file, std::initializer_list<Case> cases) {
  const Folder folder;
  std::string text(corefile);
  const std::string path = folder.write("hosts", file);
  if (const auto at = text.find("FILE"); at != std::string::npos) text.replace(at, 4, path);
  PluginHarness harness(kPlugins, text, rest);
  REQUIRE(harness.prepare() == "");
  for (const Case& each : cases) {
    INFO(each.question);
    CHECK(harness.ask(each.question) == each.answer);
  }
}

// The image of a hosts file's text, aligned.
struct Image {
  explicit Image(std::string_view text) {
    HostsBuilder builder;
    left_out = *read_hosts(text, builder);
    builder.finish();
    words.resize((builder.image_size() + 7) / 8);
    size = builder.image_size();
    builder.write(MutableBytes(reinterpret_cast<std::uint8_t*>(words.data()), size));
  }
  [[nodiscard]] Bytes bytes() const { return {reinterpret_cast<const std::uint8_t*>(words.data()), size}; }
  // The addresses of a name, or the names of an address, with spaces between.
  [[nodiscard]] std::string lookup(const std::string& what) const {
    const HostsImage image(bytes());
    std::string text;
    const auto add = [&text](const std::string& each) { text += (text.empty() ? "" : " ") + each; };
    if (const auto address = IpAddress::parse(what)) {
      image.names(*address, [&](dns::NameView name) { add(name.to_string()); });
      return text;
    }
    const dns::Name name = dns::Name::parse(what)->lowercased();
    const Bytes v4 = image.addresses(name, false), v6 = image.addresses(name, true);
    for (std::size_t at = 0; at < v4.size(); at += 4) add(IpAddress::v4(v4.subspan(at, 4)).to_string());
    for (std::size_t at = 0; at < v6.size(); at += 16) add(IpAddress::v6(v6.subspan(at, 16)).to_string());
    return text;
  }

  std::vector<std::uint64_t> words;
  std::size_t size;
  LeftOut left_out;
};

}  // namespace

TEST_CASE("hosts: setup") {
  CHECK(PluginHarness::setup_error(kPlugins, ". {\n hosts\n}") == "");
  CHECK(PluginHarness::setup_error(kPlugins, ". {\n hosts /etc/hosts a.test 10.0.0.9/8\n}") == "");
  CHECK(setup_error("fallthrough") == "");
  CHECK(setup_error("10.0.0.1 example.org\nttl 60\nno_reverse\nreload 10s\nfallthrough a.test", "f example.org") == "");
  CHECK(setup_error("fallthrough_unsupported\nfallthrough example.org") == "");
  CHECK(setup_error("::1%lo0 a b c") == "");
  CHECK(setup_error("reload 0") == "");
  CHECK(setup_error("", "\"\"") == "Corefile:2: hosts: expected the path of a file, not an empty word");
  CHECK(setup_error("", "f a..b") == "Corefile:2: hosts: 'a..b' is not a valid zone: it has an empty label");
  CHECK(setup_error("fallthrough\n10.0.0.1 a") == "Corefile:4: hosts: entries stand before fallthrough");
  CHECK(setup_error("fallthrough_unsupported") == "Corefile:2: hosts: fallthrough_unsupported requires fallthrough");
  CHECK(setup_error("fallthrough\nfallthrough_unsupported a.test") ==
        "Corefile:4: hosts: fallthrough_unsupported: unexpected 'a.test'; expected the end of the line");
  CHECK(setup_error("no_reverse yes").starts_with("Corefile:3: "));
  CHECK(setup_error("ttl") == "Corefile:3: hosts: expected seconds or a duration after 'ttl'");
  CHECK(setup_error("ttl 0").starts_with("Corefile:3: hosts: ttl: "));
  CHECK(setup_error("ttl 65536").starts_with("Corefile:3: hosts: ttl: "));
  CHECK(setup_error("reload -1s").starts_with("Corefile:3: hosts: reload: "));
  CHECK(setup_error("relaod 1s") == "Corefile:3: hosts: unknown property 'relaod'; did you mean 'reload'?");
  CHECK(setup_error("10.0.0.1 a..b") == "Corefile:3: hosts: 10.0.0.1: empty label in domain name 'a..b'");
  CHECK(PluginHarness::setup_error(kPlugins, ". {\n hosts\n hosts\n}") ==
        "Corefile:3: hosts: stands twice in a server block");
}

TEST_CASE("hosts: a line of the block without a name is warned of") {
  const PluginHarness harness(kPlugins, ". {\n hosts {\n  10.0.0.1\n  10.0.0.2 a.test\n }\n}");
  REQUIRE(harness.configuration().warnings.size() == 1);
  CHECK(harness.configuration().warnings[0].text() ==
        "Corefile:3: hosts: '10.0.0.1' has no name after it; the line is ignored");
}

// What CoreDNS's README shows, and what its tests ask.
TEST_CASE("hosts: the situations of CoreDNS's README") {
  SECTION("a file, wherever the names are") {
    check(". {\n hosts FILE\n}",
          "127.0.0.1       localhost\n192.168.1.10    example.com            example\n"
          "::1 localhost ip6-localhost ip6-loopback\nfdfc:a744:27b5:3b0e::1  example.com example\n",
          {{"example.com. A", "NOERROR aa\nexample.com. 3600 IN A 192.168.1.10\n"},
           {"EXAMPLE. AAAA", "NOERROR aa\nEXAMPLE. 3600 IN AAAA fdfc:a744:27b5:3b0e::1\n"},
           {"ip6-loopback. AAAA", "NOERROR aa\nip6-loopback. 3600 IN AAAA ::1\n"},
           {"ip6-loopback. A", "NOERROR aa\n"},
           {"10.1.168.192.in-addr.arpa. PTR",
            "NOERROR aa\n10.1.168.192.in-addr.arpa. 3600 IN PTR example.com.\n"
            "10.1.168.192.in-addr.arpa. 3600 IN PTR example.\n"},
           {"other.com. A", "SERVFAIL\n"}});
  }
  SECTION("some zones of a file, the rest to the next plugin") {
    check(". {\n hosts FILE example.org example.net {\n  fallthrough\n }\n}",
          "10.0.0.1 a.example.org\n10.0.0.2 a.example.net\n10.0.0.3 a.example.com\n",
          {{"a.example.org. A", "NOERROR aa\na.example.org. 3600 IN A 10.0.0.1\n"},
           {"a.example.net. A", "NOERROR aa\na.example.net. 3600 IN A 10.0.0.2\n"},
           {"a.example.com. A", "NOTAUTH\n"},
           {"b.example.org. A", "NOTAUTH\n"},
           {"2.0.0.10.in-addr.arpa. PTR", "NOERROR aa\n2.0.0.10.in-addr.arpa. 3600 IN PTR a.example.net.\n"},
           {"3.0.0.10.in-addr.arpa. PTR", "NOTAUTH\n"}});
  }
  SECTION("entries of the Corefile") {
    check("example.hosts example.org {\n hosts FILE {\n  10.0.0.1 example.org\n  fallthrough\n }\n}", "",
          {{"example.org. A", "NOERROR aa\nexample.org. 3600 IN A 10.0.0.1\n"},
           {"www.example.org. A", "NOTAUTH\n"},
           {"example.hosts. A", "NOTAUTH\n"}});
  }
  SECTION("wildcards and exceptions") {
    check(
        ". {\n hosts FILE example.com {\n  192.168.1.10 *.example.com\n  192.168.1.11 www.example.com\n"
        "  fallthrough example.com\n }\n}",
        "192.168.1.12 b.example.com\n",
        {{"apps.example.com. A", "NOERROR aa\napps.example.com. 3600 IN A 192.168.1.10\n"},
         {"apps.example.com. AAAA", "NOERROR aa\n"},
         {"www.example.com. A", "NOERROR aa\nwww.example.com. 3600 IN A 192.168.1.11\n"},
         {"example.com. A", "NOTAUTH\n"},
         {"deep.apps.example.com. A", "NOTAUTH\n"},
         {"11.1.168.192.in-addr.arpa. PTR", "NOERROR aa\n11.1.168.192.in-addr.arpa. 3600 IN PTR www.example.com.\n"},
         {"10.1.168.192.in-addr.arpa. PTR", "NOTAUTH\n"},
         {"*.example.com. A", "NOERROR aa\n*.example.com. 3600 IN A 192.168.1.10\n"}});
  }
}

TEST_CASE("hosts: what CoreDNS's tests ask") {
  constexpr const char* kFile =
      "\n127.0.0.1 localhost localhost.domain\n::1 localhost localhost.domain\n10.0.0.1 example.org\n"
      "::FFFF:10.0.0.2 example.com\n10.0.0.3 fallthrough-example.org\n1.2.3.4 aa.example.com\n"
      "5.6.7.8 *.apps.example.com\nreload 5s\ntimeout 3600\n";
  check(". {\n hosts FILE\n}", kFile,
        {{"example.org. A", "NOERROR aa\nexample.org. 3600 IN A 10.0.0.1\n"},
         {"example.com. A", "NOERROR aa\nexample.com. 3600 IN A 10.0.0.2\n"},
         {"localhost. AAAA", "NOERROR aa\nlocalhost. 3600 IN AAAA ::1\n"},
         {"1.0.0.10.in-addr.arpa. PTR", "NOERROR aa\n1.0.0.10.in-addr.arpa. 3600 IN PTR example.org.\n"},
         {"2.0.0.10.in-addr.arpa. PTR", "NOERROR aa\n2.0.0.10.in-addr.arpa. 3600 IN PTR example.com.\n"},
         {"1.0.0.127.in-addr.arpa. PTR",
          "NOERROR aa\n1.0.0.127.in-addr.arpa. 3600 IN PTR localhost.\n"
          "1.0.0.127.in-addr.arpa. 3600 IN PTR localhost.domain.\n"},
         {"1.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.ip6.arpa. PTR",
          "NOERROR aa\n1.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.ip6.arpa. 3600 IN PTR "
          "localhost.\n1.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.ip6.arpa. 3600 IN PTR "
          "localhost.domain.\n"},
         {"example.org. AAAA", "NOERROR aa\n"},
         {"example.org. MX", "NOERROR aa\n"},
         {"example.org. PTR", "NOERROR aa\n"},  // CoreDNS asks the next plugin
         {"y.apps.example.com. PTR", "NOERROR aa\n"},
         {"missing.example.org. PTR", "NOTAUTH\n"},
         {"aa.example.com. A", "NOERROR aa\naa.example.com. 3600 IN A 1.2.3.4\n"},
         {"x.apps.example.com. A", "NOERROR aa\nx.apps.example.com. 3600 IN A 5.6.7.8\n"},
         {"missing.example.org. TXT", "SERVFAIL\n"}});
  SECTION("fallthrough, and types that no hosts file has") {
    check(". {\n hosts FILE {\n  fallthrough\n }\n}", kFile,
          {{"example.org. TXT", "NOERROR aa\n"}, {"missing.example.org. TXT", "NOTAUTH\n"}});
    check(
        ". {\n hosts FILE {\n  fallthrough\n  fallthrough_unsupported\n }\n}", kFile,
        {{"example.org. TXT", "NOTAUTH\n"}, {"example.org. PTR", "NOTAUTH\n"}, {"example.org. AAAA", "NOERROR aa\n"}});
    check(". {\n hosts FILE {\n  fallthrough example.net\n  fallthrough_unsupported\n }\n}", kFile,
          {{"example.org. TXT", "NOERROR aa\n"}, {"missing.example.org. A", "SERVFAIL\n"}});
  }
  SECTION("properties") {
    check(". {\n hosts FILE {\n  10.0.0.1 example.org\n  10.0.0.9 example.org\n  ttl 60\n  no_reverse\n }\n}", kFile,
          {{"example.org. A", "NOERROR aa\nexample.org. 60 IN A 10.0.0.1\nexample.org. 60 IN A 10.0.0.9\n"},
           {"example.org. PTR", "NOERROR aa\n"},
           {"1.0.0.10.in-addr.arpa. PTR", "NOTAUTH\n"}});
    check(". {\n hosts FILE example.org\n}", kFile,
          {{"example.com. PTR", "NOTAUTH\n"}, {"example.com. MX", "NOTAUTH\n"}});
  }
  SECTION("other classes") { check(". {\n hosts FILE\n}", kFile, {{"example.org. A HS", "NOTAUTH\n"}}); }
}

TEST_CASE("hosts: files as they are found") {
  const Image image(
      "255.255.255.255	broadcasthost\n\t127.0.0.2	odin\r\n\t127.0.0.3	odin  # inline comment\n"
      "\t::2             odin\n\t127.1.1.1	thor\n\t# aliases\n\t127.1.1.2	ullr ullrhost\n\tfe80::1%lo0	"
      "localhost\n"
      "\t# Bogus entries that must be ignored.\n\t123.123.123	loki\n\t321.321.321.321\n127.0.0.2 odin ODIN.\n"
      "1.1.1.1 a..b good under_score x\\046y");
  const std::vector<Case> cases = {{"odin", "127.0.0.2 127.0.0.3 ::2"},
                                   {"ODIN.", "127.0.0.2 127.0.0.3 ::2"},
                                   {"thor", "127.1.1.1"},
                                   {"ullrhost", "127.1.1.2"},
                                   {"localhost", "fe80::1"},
                                   {"loki", ""},
                                   {"good", "1.1.1.1"},
                                   {"under_score", "1.1.1.1"},
                                   {"x\\.y", "1.1.1.1"},
                                   {".", ""},
                                   {"255.255.255.255", "broadcasthost."},
                                   {"127.0.0.2", "odin."},
                                   {"127.1.1.2", "ullr. ullrhost."},
                                   {"fe80::1", "localhost."},
                                   {"123.123.123.123", ""}};
  for (const Case& each : cases) {
    INFO(each.question);
    CHECK(image.lookup(each.question) == each.answer);
  }
  CHECK(image.left_out.count == 3);
  CHECK(image.left_out.line == 10);
  CHECK(image.left_out.why == "'123.123.123' is not an address");
  CHECK(Image("").lookup("a") == "");
  CHECK(Image("# nothing").lookup("10.0.0.1") == "");
  CHECK(HostsImage({}).addresses(*dns::Name::parse("a"), false).empty());
}

TEST_CASE("hosts: many names, of one address or each its own, are all found; an answer is bounded") {
  std::string text;
  for (int i = 0; i < 20'000; ++i) {
    text += fmt::format("0.0.0.0 ad{}.example.net\n10.0.{}.{} host{}.example.org one.example.org\n", i, i / 256 % 256,
                        i % 256, i);
  }
  const Image image(text);
  for (int i = 0; i < 20'000; i += 7) {
    CHECK(image.lookup(fmt::format("ad{}.example.net", i)) == "0.0.0.0");
    CHECK(image.lookup(fmt::format("host{}.example.org", i)) == fmt::format("10.0.{}.{}", i / 256, i % 256));
  }
  CHECK(HostsImage(image.bytes()).addresses(*dns::Name::parse("one.example.org"), false).size() == 256 * 4);
  std::size_t names = 0;
  HostsImage(image.bytes()).names(*IpAddress::parse("0.0.0.0"), [&](dns::NameView) { ++names; });
  CHECK(names == 256);
  CHECK(image.lookup("nobody.example.org") == "");
}

TEST_CASE("hosts: a file is the same in pieces of any size; lines that are too long are left out") {
  const std::string line = "10.0.0.2 " + std::string(HostsReader::kMaxLine - 20, ' ') + " b.test";
  const std::string text =
      "10.0.0.1 a.test # one\r\n" + line + "\n#" + std::string(70'000, '#') + "\nwrong\n\n10.0.0.3 c.test";
  for (const std::size_t step : {1UL, 2UL, 3UL, 7UL, 65'535UL, 65'536UL, 65'537UL, text.size()}) {
    INFO(step);
    HostsBuilder builder;
    HostsReader reader(builder);
    for (std::size_t at = 0; at < text.size(); at += step)
      REQUIRE(reader.feed(std::string_view(text).substr(at, step)));
    const auto left_out = reader.finish();
    REQUIRE(left_out);
    CHECK(left_out->count == 2);
    CHECK(left_out->line == 3);
    CHECK(left_out->why == "has more than 65536 bytes");
    builder.finish();
    std::vector<std::uint64_t> words((builder.image_size() + 7) / 8);
    const MutableBytes bytes(reinterpret_cast<std::uint8_t*>(words.data()), builder.image_size());
    builder.write(bytes);
    CHECK(builder.entries() == 3);
    for (const char* const name : {"a.test", "b.test", "c.test"}) {
      CHECK(HostsImage(bytes).addresses(*dns::Name::parse(name), false).size() == 4);
    }
  }
}

TEST_CASE("hosts: reverse names") {
  const std::vector<Case> cases = {
      {"54.119.58.176.in-addr.arpa.", "176.58.119.54"},
      {"0.0.0.0.in-addr.arpa.", "0.0.0.0"},
      {"255.0.0.10.in-addr.arpa.", "10.0.0.255"},
      {"256.0.0.10.in-addr.arpa.", ""},
      {"01.0.0.10.in-addr.arpa.", ""},
      {"0.0.10.in-addr.arpa.", ""},
      {"1.1.0.0.10.in-addr.arpa.", ""},
      {"x.0.0.10.in-addr.arpa.", ""},
      {"1.0.0.10.in-addr.arpa.example.", ""},
      {"b.a.9.8.7.6.5.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.8.b.d.0.1.0.0.2.ip6.arpa.", "2001:db8::567:89ab"},
      {"ba.a.9.8.7.6.5.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.8.b.d.0.1.0.0.2.ip6.arpa.", ""},
      {"g.a.9.8.7.6.5.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.8.b.d.0.1.0.0.2.ip6.arpa.", ""},
      {"a.9.8.7.6.5.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.8.b.d.0.1.0.0.2.ip6.arpa.", ""},
      {"in-addr.arpa.", ""},
      {".", ""}};
  for (const Case& each : cases) {
    INFO(each.question);
    const auto address = parse_reverse_name(*dns::Name::parse(each.question));
    CHECK((address ? address->to_string() : "") == each.answer);
  }
}

TEST_CASE("hosts: the file is read when it appears and when it changes; one that is gone, or broken, keeps the last") {
  const Folder folder;
  const std::string path = folder.file("hosts");
  PluginHarness harness(kPlugins, "a.test {\n hosts " + path + " {\n  10.0.0.9 inline.a.test\n  reload 5ms\n }\n}");
  tests::LogCapture log;
  REQUIRE(harness.prepare() == "");
  CHECK(log.take() == "[WARNING] plugin/hosts: " + path + " does not exist; it is read as soon as it does\n");
  const auto look = [&] {
    return harness.ask("inline.a.test. A") == "NOERROR aa\ninline.a.test. 3600 IN A 10.0.0.9\n"
               ? harness.ask("www.a.test. A")
               : "not what the Corefile says";
  };
  const std::string one = "NOERROR aa\nwww.a.test. 3600 IN A 10.0.0.1\n";
  const std::string two = "NOERROR aa\nwww.a.test. 3600 IN A 10.0.0.2\n";
  std::string said;
  const auto says = [&](std::string_view text) {
    return [&, text] { return (said += log.take()).find(text) != std::string::npos; };
  };
  const auto looks = tests::run_steps(
      harness.service(), look,
      {{[&] { static_cast<void>(folder.write("hosts", "10.0.0.1 www.a.test\n")); }, [&] { return look() == one; }},
       {[&] { static_cast<void>(folder.write("hosts", "10.0.0.2 www.a.test www.a.test\nrubbish\n")); },
        [&] { return look() == two; }},
       {[&] { std::remove(path.c_str()); }, says("No such file or directory; the entries stay as they were\n")},
       {[&] { mkdir(path.c_str(), 0700); }, says("is not a regular file; the entries stay as they were\n")}});
  CHECK(looks == std::vector<std::string>{"SERVFAIL\n", one, two, two, two});
  CHECK(said == "[INFO] plugin/hosts: " + path + ": 1 name, 1 entry\n[INFO] plugin/hosts: " + path +
                    ": 1 name, 1 entry\n[WARNING] plugin/hosts: " + path +
                    ":2: 'rubbish' is not an address; left out, as is all like it: 1 in the file\n"
                    "[ERROR] plugin/hosts: " +
                    path + ": No such file or directory; the entries stay as they were\n[ERROR] plugin/hosts: " + path +
                    ": is not a regular file; the entries stay as they were\n");
}

TEST_CASE("hosts: a file that cannot be read stops the start; server blocks with the same file share it") {
  const Folder folder;
  const PluginHarness harness(kPlugins, ". {\n hosts " + folder.path() + "\n}");
  CHECK(harness.prepare() == "Corefile:2: " + folder.path() + ": is not a regular file");
  const std::string path = folder.write("hosts", "10.0.0.1 www.a.test www.b.test\n");
  PluginHarness two(kPlugins, "a.test {\n hosts " + path + "\n}\nb.test {\n hosts " + path + "\n}");
  REQUIRE(two.prepare() == "");
  CHECK(two.configuration().snapshots.size() == 3);  // and the server's own two
  CHECK(two.ask("www.a.test. A") == "NOERROR aa\nwww.a.test. 3600 IN A 10.0.0.1\n");
  CHECK(two.ask("www.b.test. A") == "NOERROR aa\nwww.b.test. 3600 IN A 10.0.0.1\n");
}

TEST_CASE("hosts: a huge line is left out, and takes no memory") {
  const Folder folder;
  const std::string path = folder.write("hosts", "10.0.0.1 first.a.test\n");
  std::filesystem::resize_file(path, std::uintmax_t{200} << 20);  // zeros
  const PluginHarness harness(kPlugins, "a.test {\n hosts " + path + "\n}");
  tests::LogCapture log;
  rusage before{}, behind{};
  REQUIRE(getrusage(RUSAGE_SELF, &before) == 0);
  REQUIRE(harness.prepare() == "");
  REQUIRE(getrusage(RUSAGE_SELF, &behind) == 0);
  CHECK(behind.ru_maxrss - before.ru_maxrss < 20'000);  // KiB
  CHECK(log.take() == "[INFO] plugin/hosts: " + path + ": 1 name, 1 entry\n[WARNING] plugin/hosts: " + path +
                          ":2: has more than 65536 bytes; left out, as is all like it: 1 in the file\n");
}
