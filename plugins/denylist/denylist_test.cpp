#include "plugins/denylist/denylist.h"

#include <fmt/ranges.h>

#include <array>

#include "core/async/testing.h"
#include "core/denylist/denylist.h"
#include "tests/support/log_capture.h"
#include "tests/support/loopback.h"
#include "tests/support/plugin_harness.h"
#include "tests/support/service_run.h"

#include <catch2/catch.hpp>  // last: its CHECK is the one that counts here

using namespace swage;
using namespace swage::plugins::denylist;
using tests::PluginHarness;
using namespace std::chrono_literals;

namespace {

constexpr std::array kPlugins = {PluginType{"root", nullptr}, PluginType{"denylist", &setup}};
constexpr auto kOnly = std::span(kPlugins).subspan(1);

std::string entries_text(const ListText& list) {
  std::vector<std::string> texts;
  for (const Prefix& entry : list.entries) texts.push_back(entry.to_string());
  return fmt::format("{}", fmt::join(texts, " "));
}

Result<> impatient(Controller& controller) {
  http::Fetcher::Settings fetching;
  fetching.timeout = 100ms;
  return setup_with(controller, std::move(fetching));
}

std::string setup_error(std::string_view block) {
  return PluginHarness::setup_error(kOnly, fmt::format("libp2p.direct {{\n denylist {{\n{}\n }}\n}}\n", block));
}

}  // namespace

TEST_CASE("denylist: lists of addresses") {
  const struct {
    std::string_view text, entries;
    std::size_t lines, unusable, first;
  } cases[] = {
      {"", "", 0, 0, 0},
      {"\n\n  \t\r\n", "", 0, 0, 0},
      {"# 192.0.2.1\n; 192.0.2.2\n", "", 0, 0, 0},
      {"192.0.2.1", "192.0.2.1/32", 1, 0, 0},
      {"192.0.2.1\r\n10.0.0.1\n2001:db8::1\r\n", "192.0.2.1/32 10.0.0.1/32 2001:db8::1/128", 3, 0, 0},
      {"  10.0.0.0/8 ; SBL1\n\t192.0.2.0/24# x\n2001:DB8::/32;\n", "10.0.0.0/8 192.0.2.0/24 2001:db8::/32", 3, 0, 0},
      {"10.1.2.3/8\n2001:db8::ff/32\n", "10.0.0.0/8 2001:db8::/32", 2, 0, 0},
      {"0.0.0.0/0\n::/0\n", "0.0.0.0/0 ::/0", 2, 0, 0},
      {"::ffff:192.0.2.1\n::ffff:192.0.2.0/120\n", "::ffff:192.0.2.1/128 ::ffff:192.0.2.0/120", 2, 0, 0},
      {"fe80::1%eth0\n", "fe80::1/128", 1, 0, 0},
      {"\xEF\xBB\xBF"
       "192.0.2.1\n",
       "192.0.2.1/32", 1, 0, 0},
      {"192.0.2.1\n192.0.2.1\n", "192.0.2.1/32 192.0.2.1/32", 2, 0, 0},
      {"#\n\n192.0.2.1 192.0.2.2\nnonsense\n192.0.2.3\n", "192.0.2.3/32", 3, 2, 3},
      {"192.0.2\n", "", 1, 1, 1},
      {"192.0.2.01\n", "", 1, 1, 1},
      {"192.0.2.256\n", "", 1, 1, 1},
      {"192.0.2.1/33\n", "", 1, 1, 1},
      {"192.0.2.1/-1\n", "", 1, 1, 1},
      {"192.0.2.1/\n", "", 1, 1, 1},
      {"192.0.2.1%eth0\n", "", 1, 1, 1},
      {"fe80::1%\n", "", 1, 1, 1},
      {"fe80::1%eth0/64\n", "", 1, 1, 1},
      {"example.org\n", "", 1, 1, 1},
      {std::string_view("192.0.2.1\0\n", 11), "", 1, 1, 1},
      {"<html>\n<body>502</body>\n", "", 2, 2, 1},
  };
  for (const auto& [text, entries, lines, unusable, first] : cases) {
    CAPTURE(text);
    const ListText list = parse_addresses(text);
    CHECK(entries_text(list) == entries);
    CHECK(list.lines == lines);
    CHECK(list.unusable == unusable);
    CHECK(list.first_unusable_line == first);
  }
  CHECK(parse_addresses(std::string(1 << 20, 'x')).unusable == 1);
}

TEST_CASE("denylist: lists of URLs") {
  const std::vector<std::string> zones = {"libp2p.direct"};
  const struct {
    std::string_view line, entries;
    std::size_t unusable;
  } cases[] = {
      {"http://192.0.2.1/malware.exe", "192.0.2.1/32", 0},
      {"https://192.0.2.1:8080", "192.0.2.1/32", 0},
      {"HTTP://user:pass@192.0.2.1:80/x?y#z", "192.0.2.1/32", 0},
      {"http://a@b@192.0.2.1/", "192.0.2.1/32", 0},
      {"http://192.0.2.1?x=//192.0.2.9/", "192.0.2.1/32", 0},
      {"http://[2001:DB8::1]:443/x", "2001:db8::1/128", 0},
      {"http://[2001:db8::1]", "2001:db8::1/128", 0},
      {"http://[fe80::1%25eth0]/", "fe80::1/128", 0},
      {"http://[::ffff:192.0.2.1]/", "::ffff:192.0.2.1/128", 0},
      {"ftp://192.0.2.1/", "192.0.2.1/32", 0},
      {"//192.0.2.1/x", "192.0.2.1/32", 0},
      {"  http://192.0.2.1/ \r", "192.0.2.1/32", 0},
      {"http://203-0-113-1.k51qzi5uqu5dj094.libp2p.direct/x", "203.0.113.1/32", 0},
      {"http://203-0-113-1.K51qzi.LIBP2P.direct:4001/x", "203.0.113.1/32", 0},
      {"http://203-0-113-1.k51.libp2p.direct./", "203.0.113.1/32", 0},
      {"http://203-0-113-1.libp2p.direct/", "203.0.113.1/32", 0},
      {"http://2001-db8--1.k51.libp2p.direct", "2001:db8::1/128", 0},
      {"http://0--1.k51.libp2p.direct", "::1/128", 0},
      {"http://not-an-ip.k51.libp2p.direct", "", 0},
      {"http://203-0-113-1.k51.xlibp2p.direct", "", 0},
      {"http://203-0-113-1.k51.example.org", "", 0},
      {"http://example.org/192.0.2.1", "", 0},
      {"#http://192.0.2.1/", "", 0},
      {"192.0.2.1", "", 1},
      {"192.0.2.1:80/x", "", 1},
      {"192.0.2.1/x//192.0.2.2", "", 1},
      {"1http://192.0.2.1/", "", 1},
      {"http:/192.0.2.1/", "", 1},
      {"http://", "", 1},
      {"http://[", "", 1},
      {"http://[]/", "", 1},
      {"http:///x", "", 1},
      {"http://user@/", "", 1},
  };
  for (const auto& [line, entries, unusable] : cases) {
    CAPTURE(line);
    const ListText list = parse_urls(line, zones);
    CHECK(entries_text(list) == entries);
    CHECK(list.unusable == unusable);
  }
  CHECK(entries_text(parse_urls("http://192.0.2.2/a\nhttp://192.0.2.1\nhttp://192.0.2.2/b\n", {})) ==
        "192.0.2.1/32 192.0.2.2/32");
  CHECK(entries_text(parse_urls("http://203-0-113-1.k51.libp2p.direct/", {})).empty());
}

TEST_CASE("denylist: a list is kept, and is the same") {
  KeptList list{{*Prefix::parse("192.0.2.0/24"), *Prefix::parse("2001:db8::/32"), *Prefix::parse("::1")},
                42,
                "\"e\"",
                "Mon, 01 Jan 2024 00:00:00 GMT"};
  const auto kept = keep("test", list);
  REQUIRE(kept);
  const auto recalled = recall(kept->bytes());
  REQUIRE(recalled);
  CHECK(recalled->entries == list.entries);
  CHECK(recalled->time == 42);
  CHECK(recalled->etag == list.etag);
  CHECK(recalled->last_modified == list.last_modified);
  const std::vector<std::uint8_t> bytes(kept->bytes().begin(), kept->bytes().end());
  for (std::size_t size = 0; size < bytes.size(); ++size) CHECK(!recall(Bytes(bytes).first(size)));
  for (const std::size_t broken : {std::size_t{0}, std::size_t{16}, std::size_t{32}, bytes.size() - 18}) {
    std::vector<std::uint8_t> other = bytes;
    other[broken] ^= 0xFF;
    CAPTURE(broken);
    CHECK(!recall(other));
  }
}

TEST_CASE("denylist: Corefiles that are accepted") {
  for (const char* const block : {
           "",
           "  file a.txt",
           "  file /a/b.txt type=allow name=x",
           "  feed https://www.spamhaus.org/drop/drop.txt format=ip refresh=12h name=spamhaus-drop\n"
           "  feed https://urlhaus.abuse.ch/downloads/text/ format=url refresh=5m name=urlhaus\n"
           "  # file ip-allowlist.txt type=allow",
           "  feed http://127.0.0.1:8080 format=url refresh=1s\n  feed http://[::1]:8080/x?y=z format=ip refresh=0",
       }) {
    CAPTURE(block);
    CHECK(setup_error(block).empty());
  }
  CHECK(PluginHarness::setup_error(kOnly, "libp2p.direct {\n denylist\n}\n").empty());
  CHECK(PluginHarness::setup_error(kOnly,
                                   "a.test {\n denylist {\n file x\n }\n}\nb.test {\n denylist {\n file x\n }\n}\n")
            .empty());
}

TEST_CASE("denylist: Corefiles that are refused") {
  const struct {
    std::string_view block, error;
  } cases[] = {
      {"  flie a", "Corefile:3: denylist: unknown property 'flie'; did you mean 'file'?"},
      {"  file", "Corefile:3: denylist: expected the path of a file after 'file'"},
      {"  file \"\"", "Corefile:3: denylist: file: expected the path of a file, not an empty word"},
      {"  file a allow", "Corefile:3: denylist: file: 'allow' is not an option; expected KEY=VALUE"},
      {"  file a type=block", "Corefile:3: denylist: file: type: 'block' is not 'allow' or 'deny'"},
      {"  file a name=", "Corefile:3: denylist: file: name: '' is not a name of 1 to 255 characters"},
      {"  file a format=ip", "Corefile:3: denylist: file: unknown option 'format'; expected type or name"},
      {"  feed", "Corefile:3: denylist: expected the URL of a feed after 'feed'"},
      {"  feed ftp://a/b format=ip", "Corefile:3: denylist: feed: 'ftp://a/b' is not an http:// or https:// URL"},
      {"  feed file:///etc/passwd format=ip",
       "Corefile:3: denylist: feed: 'file:///etc/passwd' is not an http:// or https:// URL"},
      {"  feed https:///x format=ip", "Corefile:3: denylist: feed: 'https:///x' is not an http:// or https:// URL"},
      {"  feed \"https://a b\" format=ip",
       "Corefile:3: denylist: feed: 'https://a b' is not an http:// or https:// URL"},
      {"  feed https://a/b", "Corefile:3: denylist: a feed needs format=ip or format=url"},
      {"  feed https://a/b format=csv", "Corefile:3: denylist: feed: format: 'csv' is not 'ip' or 'url'"},
      {"  feed https://a/b format=ip refresh=soon",
       "Corefile:3: denylist: feed: refresh: 'soon' is not a duration; expected a number with a unit, such as 500ms, "
       "30s or 1h30m"},
      {"  feed https://a/b format=ip refresh=500ms", "Corefile:3: denylist: feed: refresh: '500ms' is not at least 1s"},
      {"  feed https://a/b format=ip cache=1h",
       "Corefile:3: denylist: feed: unknown option 'cache'; expected format, type, refresh or name"},
  };
  for (const auto& [block, error] : cases) CHECK(setup_error(block) == error);
  CHECK(PluginHarness::setup_error(kOnly, "libp2p.direct {\n denylist x {\n }\n}\n") ==
        "Corefile:2: denylist: unexpected 'x'; expected the end of the line");
  CHECK(PluginHarness::setup_error(kOnly, "libp2p.direct {\n denylist\n denylist\n}\n") ==
        "Corefile:3: denylist: stands twice in a server block");
  CHECK(PluginHarness::setup_error(
            kOnly, "a.test:53 {\n denylist {\n  file x\n }\n}\na.test:54 {\n denylist {\n  file x\n }\n}\n") ==
        "Corefile:8: denylist: the server blocks of zone a.test. have one already, which serves all of them");
}

TEST_CASE("denylist: files are read before the server answers") {
  const tests::LogCapture log;
  const tests::Folder folder;
  const std::string corefile = fmt::format(
      "libp2p.direct {{\n denylist {{\n  file {0}/deny.txt name=bad\n  file {0}/allow.txt type=allow\n }}\n}}\n",
      folder.path());
  static_cast<void>(folder.write("deny.txt", "10.0.0.0/8\nnonsense\n"));
  SECTION("and decide") {
    static_cast<void>(folder.write("allow.txt", "10.1.2.3\n"));
    PluginHarness harness(kOnly, corefile);
    REQUIRE(harness.configuration().services.size() == 2);  // and the server's own
    REQUIRE(harness.prepare() == "");
    const auto& snapshot = *harness.configuration().snapshots.at("denylist libp2p.direct.");
    const swage::denylist::Denylist denylist(snapshot);
    const auto listed = denylist.find(*IpAddress::parse("10.0.0.1"));
    REQUIRE(listed);
    CHECK(listed->denied());
    CHECK(listed->name == "bad");
    const auto allowed = denylist.find(*IpAddress::parse("10.1.2.3"));
    REQUIRE(allowed);
    CHECK(!allowed->denied());
    CHECK(allowed->name == "allow.txt");
    CHECK(!denylist.find(*IpAddress::parse("11.0.0.1")));
  }
  SECTION("one that is not there stops the start") {
    PluginHarness harness(kOnly, corefile);
    CHECK(harness.prepare() ==
          fmt::format("Corefile:4: denylist: {}/allow.txt: No such file or directory", folder.path()));
  }
}

TEST_CASE("denylist: a file of garbage stops the start") {
  const tests::LogCapture log;
  const tests::Folder folder;
  const std::string path = folder.file("deny.txt");
  PluginHarness harness(kOnly, fmt::format("libp2p.direct {{\n denylist {{\n  file {}\n }}\n}}\n", path));
  const std::string none = "is neither an address nor a network, nor is any other of the file's";
  const std::pair<std::string, std::string> cases[] = {
      {"# list\n<html>\n<body>502</body>\n", fmt::format(":2: {} 2 lines", none)},
      {"\x7F"
       "ELF\x02\x01",
       ":1: is neither an address nor a network"},
      {std::string("10.0.0.0/8\n\0\0\0\n", 15), ":2: has a NUL byte: it is not text"}};
  for (const auto& [text, error] : cases) {
    static_cast<void>(folder.write("deny.txt", text));
    CHECK(harness.prepare() == "Corefile:3: denylist: " + path + error);
  }
  for (const std::string_view good : {"", "# nobody\n", "10.0.0.0/8\nx\ny\nz\n"}) {
    static_cast<void>(folder.write("deny.txt", good));
    CHECK(harness.prepare() == "");
  }
}

TEST_CASE("denylist: a file that becomes garbage keeps the last good list") {
  tests::LogCapture log;
  const tests::Folder folder;
  const std::string path = folder.write("deny.txt", "10.0.0.0/8\n");
  PluginHarness harness(kOnly, fmt::format("libp2p.direct {{\n denylist {{\n  file {}\n }}\n}}\n", path));
  REQUIRE(harness.prepare() == "");
  const auto& snapshot = *harness.configuration().snapshots.at("denylist libp2p.direct.");
  const swage::denylist::Denylist denylist(snapshot);
  std::string said;
  const auto says = [&](std::string_view text) {
    return [&, text] { return (said += log.take()).find(text) != std::string::npos; };
  };
  const auto look = [&] {
    return fmt::format("{}{}", denylist.find(*IpAddress::parse("10.0.0.1")) ? "10 " : "",
                       denylist.find(*IpAddress::parse("192.0.2.1")) ? "192" : "");
  };
  const auto write = [&](const std::string& text) {
    return [&, text] { static_cast<void>(folder.write("deny.txt", text)); };
  };
  const auto looks = tests::run_steps(harness.service(), look,
                                      {{write("<html>\n<body>502</body>\n"), says("2 lines; ")},
                                       {write(std::string(100'000, '\0')), says("NUL")},
                                       {write("192.0.2.1\nx\n"), [&] { return look() == "192"; }},
                                       {write(""), [&] { return look().empty(); }}});
  CHECK(looks == std::vector<std::string>{"10 ", "10 ", "10 ", "192", ""});
  said += log.take();
  const std::string kept = "; the list before (1 entry) stays in force\n";
  CHECK(said ==
        "[INFO] plugin/denylist: deny.txt: 1 entry\n"
        "[ERROR] plugin/denylist: deny.txt: " +
            path + ":1: is neither an address nor a network, nor is any other of the file's 2 lines" + kept +
            "[ERROR] plugin/denylist: deny.txt: " + path + ":1: has a NUL byte: it is not text" + kept +
            "[INFO] plugin/denylist: deny.txt: 1 entry; 1 line ignored (the first is line 2)\n"
            "[INFO] plugin/denylist: " +
            path + ": can be read again\n[INFO] plugin/denylist: deny.txt: 0 entries\n");
}

TEST_CASE("denylist: a feed that does not come to an end is given up; those beside it are not held up") {
  CHECK(http::Fetcher::Settings{}.timeout == 30s);  // which is what setup() takes
  constexpr std::array kImpatient = {PluginType{"denylist", &impatient}};
  tests::LogCapture log;
  const tests::Folder folder;
  const std::string path = folder.write("deny.txt", "10.0.0.0/8\n");
  const auto [silent, at] = async::testing::listening_socket();  // accepts, and says nothing
  PluginHarness harness(
      kImpatient, fmt::format("libp2p.direct {{\n denylist {{\n  feed http://{}/ format=ip refresh=1s name=silent\n"
                              "  file {}\n }}\n}}\n",
                              at.to_string(), path));
  REQUIRE(harness.prepare() == "");
  const swage::denylist::Denylist denylist(*harness.configuration().snapshots.at("denylist libp2p.direct."));
  const std::string line = "silent: the feed failed: Timeout was reached; the list before (0 entries)";
  std::string said;
  const auto denies = [&] { return denylist.find(*IpAddress::parse("192.0.2.1")).has_value(); };
  const auto looks =
      tests::run_steps(harness.service(), [&] { return std::string(denies() ? "denied" : "served"); },
                       {{[&] { static_cast<void>(folder.write("deny.txt", "192.0.2.1\n")); }, denies},
                        {[] {}, [&] { return (said += log.take()).find(line) != said.rfind(line); }}});  // twice
  CHECK(looks == std::vector<std::string>{"served", "denied", "denied"});
  ::close(silent);
}

TEST_CASE("denylist: networks that have too much of the Internet") {
  const std::pair<const char*, bool> cases[] = {
      {"0.0.0.0/0", true},
      {"128.0.0.0/1", true},
      {"0.0.0.0/7", true},
      {"8.0.0.0/7", true},
      {"192.0.0.0/7", true},
      {"8.0.0.0/8", false},
      {"10.0.0.0/8", false},
      {"223.0.0.0/8", false},
      {"0.0.0.0/8", false},
      {"224.0.0.0/3", false},
      {"240.0.0.0/4", false},
      {"192.0.0.0/3", true},
      {"::/0", true},
      {"2000::/3", true},
      {"2a00::/12", true},
      {"2001::/15", true},
      {"2001::/16", false},
      {"2001:db8::/32", false},
      {"4000::/2", false},
      {"8000::/1", false},
      {"fc00::/7", false},
      {"::/3", false},
      {"::/2", true},
      {"::ffff:0:0/96", true},
      {"::ffff:8.0.0.0/103", true},
      {"::ffff:8.0.0.0/104", false},
      {"1.2.3.4/32", false},
      {"2001:db8::1/128", false},
  };
  for (const auto& [network, wide] : cases) {
    CAPTURE(network);
    CHECK(too_wide(*Prefix::parse(network)) == wide);
    const std::string text = fmt::format("192.0.2.0/24\n{} ; all of it\n", network);
    const ListText left_out = parse_addresses(text, Wide::leave_out), taken = parse_addresses(text, Wide::take);
    CHECK(left_out.entries.size() == (wide ? 1 : 2));
    CHECK(taken.entries.size() == 2);
    for (const ListText& list : {left_out, taken}) {
      CHECK(list.lines == 2);
      CHECK(list.unusable == 0);
      CHECK(list.wide == (wide ? 1 : 0));
      CHECK(list.first_wide_line == (wide ? 2 : 0));
      CHECK(list.first_wide == (wide ? network : ""));
    }
  }
}

TEST_CASE("denylist: small networks that together have too much of the Internet") {
  const auto networks = [](const char* format, int from, int to) {
    std::vector<Prefix> all;
    for (int i = from; i < to; ++i) all.push_back(*Prefix::parse(fmt::format(fmt::runtime(format), i)));
    return all;
  };
  CHECK_FALSE(has_too_much({}));
  CHECK_FALSE(has_too_much(networks("{}.0.0.0/8", 1, 65)));
  CHECK(has_too_much(networks("{}.0.0.0/8", 1, 66)));
  CHECK_FALSE(has_too_much(networks("{}.0.0.0/8", 224, 256)));
  std::vector<Prefix> twice = networks("{}.0.0.0/8", 1, 65);
  for (const Prefix& each : networks("1.{}.0.0/16", 0, 256)) twice.push_back(each);  // again
  CHECK_FALSE(has_too_much(twice));
  std::vector<Prefix> halves = networks("{}.0.0.0/9", 1, 129);
  CHECK_FALSE(has_too_much(halves));
  for (const Prefix& each : networks("{}.128.0.0/9", 1, 3)) halves.push_back(each);
  CHECK(has_too_much(halves));
  CHECK_FALSE(has_too_much(networks("26{:02x}::/16", 0, 16)));
  CHECK(has_too_much(networks("26{:02x}::/16", 0, 17)));
  CHECK_FALSE(has_too_much(networks("fc{:02x}::/16", 0, 256)));
  CHECK(has_too_much(networks("::ffff:{}.0.0.0/104", 1, 66)));
}
