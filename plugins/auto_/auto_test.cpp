#include "plugins/auto_/auto.h"

#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <filesystem>

#include <fmt/format.h>

#include "tests/support/log_capture.h"
#include "tests/support/loopback.h"
#include "tests/support/plugin_harness.h"
#include "tests/support/service_run.h"

#include <catch2/catch.hpp>  // last: its CHECK is the one that counts here

using namespace swage;
using tests::Folder;
using tests::PluginHarness;
using namespace std::chrono_literals;

namespace {

constexpr std::array kPlugins = {PluginType{"auto", &plugins::auto_::setup}};

std::string setup_error(std::string_view block) {
  return PluginHarness::setup_error(kPlugins, fmt::format("org {{\n auto {{\n{}\n }}\n}}", block));
}

std::string zone_text(int last) {
  return fmt::format("$TTL 60\n@ SOA ns h 1 2 3 4 5\n@ NS ns\nns A 192.0.2.{}\nsub NS ns\nsub DS 1 13 2 {}\n", last,
                     std::string(64, 'A'));
}

// A file that is whole, and has its mode, whenever the service reads it.
void replace(const Folder& folder, const std::string& name, std::string_view text, mode_t mode = 0644) {
  const std::string path = folder.write("new", text);
  REQUIRE(chmod(path.c_str(), mode) == 0);
  std::filesystem::rename(path, folder.file(name));
}

// Folders and files that may not be read are none to root.
class Nobody {
 public:
  Nobody() {
    if (geteuid() == 0) REQUIRE(seteuid(65534) == 0);
  }
  ~Nobody() {
    if (getuid() == 0) static_cast<void>(seteuid(0));
  }
  Nobody(const Nobody&) = delete;
  Nobody& operator=(const Nobody&) = delete;
};

}  // namespace

TEST_CASE("auto: setup") {
  CHECK(setup_error("directory /tmp") == "");
  CHECK(setup_error("directory /tmp www\\.db\\.(.*) {1}\nreload 45s\nupstream") == "");
  CHECK(setup_error("directory /tmp (.*)\\.(.*) bliep{2}{1}\nreload 0") == "");
  CHECK(setup_error("") == "");  // it serves nothing, as in CoreDNS
  CHECK(setup_error("directory /tmp (.*) {2}") ==
        "Corefile:3: auto: directory: '{2}': the regular expression has 1 group, and none of that name");
  CHECK(setup_error("directory /tmp (.*)\\.(.*) {zone}.{1}") ==
        "Corefile:3: auto: directory: '{zone}': the regular expression has 2 groups, and none of that name");
  CHECK(setup_error("directory /tmp (.*) {1") == "Corefile:3: auto: directory: '{1' has no '}'");
  CHECK(setup_error("directory /tmp (?P<zone>.*) {zone}") == "");
  CHECK(setup_error("directory") == "Corefile:3: auto: expected a folder after 'directory'");
  CHECK(setup_error("directory /tmp (") ==
        "Corefile:3: auto: directory: '(' is not a valid regular expression: missing ): (");
  CHECK(setup_error("directory /tmp .* {1}") == "Corefile:3: auto: directory: '.*' has no group for the zone's name");
  CHECK(setup_error("directory /tmp (.*)").starts_with("Corefile:3: auto: directory: expected an origin"));
  CHECK(setup_error("directory /tmp (.*) {1} more").starts_with("Corefile:3: auto: directory: unexpected 'more'"));
  CHECK(setup_error("reload -1s").starts_with("Corefile:3: auto: reload: "));
  CHECK(setup_error("directroy /tmp") == "Corefile:3: auto: unknown property 'directroy'; did you mean 'directory'?");
  CHECK(PluginHarness::setup_error(kPlugins, ". {\n auto {\n  directory a\n }\n auto {\n  directory b\n }\n}") ==
        "Corefile:5: auto: stands twice in a server block");
}

TEST_CASE("auto: which files are zones") {
  struct Case {
    std::string pattern, origin, file, name;
  };
  const std::vector<Case> cases = {{"db\\.(.*)", "{1}", "db.Example.com", "example.com."},
                                   {"db\\.(.*)", "{1}", "x.db.example.com.bak", "example.com.bak."},
                                   {"db\\.(.*)", "{1}", "adb_example.com", ""},
                                   {"www\\.db\\.(.*)", "{1}", "www.db.example.org", "example.org."},
                                   {"^(.*)\\.zone$", "{1}", "example.org.zone.bak", ""},
                                   {"(.*)-(.*)", "{2}.{1}.{3}", "org-example", "example.org.{3}."},
                                   {"db\\.(.*)", "{1}", "db.a..b", "empty label in domain name 'a..b'"}};
  for (const Case& each : cases) {
    INFO(each.file);
    const plugins::auto_::FileNames names{*regex::Regex::compile(each.pattern), each.origin};
    const auto origin = names.origin_of(each.file);
    CHECK((!origin ? "" : *origin ? (*origin)->to_string() : origin->error().text()) == each.name);
  }
}

TEST_CASE("auto: zones of a folder; only those in ZONES are asked for; DS come from above") {
  const Folder folder;
  static_cast<void>(folder.write("db.example.org", zone_text(1)));
  static_cast<void>(folder.write("db.example.com", zone_text(2)));
  static_cast<void>(folder.write("other.example.org", zone_text(3)));
  static_cast<void>(folder.write("db.broken.org", "www 60 A x\n"));
  std::filesystem::create_directory(folder.file("deeper"));
  static_cast<void>(folder.write("deeper/db.sub.example.org", zone_text(4)));
  PluginHarness harness(kPlugins, ". {\n auto org {\n  directory " + folder.path() + "\n }\n}");
  CHECK(harness.ask("ns.example.org. A") == "REFUSED\n");
  REQUIRE(harness.prepare() == "");
  CHECK(harness.ask("NS.example.org. A") == "NOERROR aa\nNS.example.org. 60 IN A 192.0.2.1\n");
  CHECK(harness.ask("www.example.org. A").starts_with("NXDOMAIN aa\n"));
  CHECK(harness.ask("ns.sub.example.org. A") == "NOERROR aa\nns.sub.example.org. 60 IN A 192.0.2.4\n");
  CHECK(harness.ask("sub.example.org. DS").starts_with("NOERROR aa\nsub.example.org. 60 IN DS "));
  CHECK(harness.ask("ns.example.com. A") == "REFUSED\n");
  CHECK(harness.ask("ns.broken.org. A") == "REFUSED\n");
  CHECK(harness.ask("ns.example.org. A CH") == "REFUSED\n");
}

TEST_CASE("auto: what is no file in the folder is passed over: links without an end, fifos, sockets") {
  const Folder folder;
  static_cast<void>(folder.write("db.example.org", zone_text(1)));
  std::filesystem::create_symlink("db.loop.org", folder.file("db.loop.org"));
  std::filesystem::create_symlink("nowhere", folder.file("db.nowhere.org"));
  std::filesystem::create_symlink("/dev/zero", folder.file("db.zero.org"));
  REQUIRE(mkfifo(folder.file("db.fifo.org").c_str(), 0600) == 0);
  PluginHarness harness(kPlugins, "org {\n auto {\n  directory " + folder.path() + "\n }\n}");
  REQUIRE(harness.prepare() == "");
  CHECK(harness.ask("ns.example.org. A") == "NOERROR aa\nns.example.org. 60 IN A 192.0.2.1\n");
}

TEST_CASE("auto: what cannot be read costs its own zones alone, and a line in the log") {
  const Folder folder;
  REQUIRE(chmod(folder.path().c_str(), 0777) == 0);
  const Nobody nobody;
  const std::string zones = folder.file("zones"), secret = zones + "/secret", gone = zones + "/gone";
  for (const std::string& each : {zones, secret, secret + "/deeper", gone}) std::filesystem::create_directory(each);
  static_cast<void>(folder.write("zones/db.a.org", zone_text(1)));
  static_cast<void>(folder.write("zones/secret/db.b.org", zone_text(1)));
  static_cast<void>(folder.write("zones/secret/deeper/db.c.org", zone_text(1)));
  static_cast<void>(folder.write("zones/gone/db.d.org", zone_text(1)));
  static_cast<void>(folder.write("zones/db.e.org", zone_text(1)));
  static_cast<void>(folder.write("zones/x.org", zone_text(1)));
  PluginHarness harness(kPlugins, "org {\n auto {\n  directory " + zones + "\n  reload 5ms\n }\n}");
  REQUIRE(harness.prepare() == "");
  const auto served = [&] {
    std::string all;
    for (const std::string_view name : {"a", "b", "c", "d", "e", "z"}) {
      const std::string answer = harness.ask(fmt::format("ns.{}.org. A", name));
      all += answer == "REFUSED\n" ? "-" : answer.substr(answer.size() - 2, 1);
    }
    return all;
  };
  tests::LogCapture log;
  std::string said;
  const auto count = [&](std::string_view text) {
    std::size_t found = 0;
    for (std::size_t at = 0; (at = said.find(text, at)) != std::string::npos; ++at) ++found;
    return found;
  };
  const auto errors = [&] {
    said += log.take();
    return count("[ERROR]");
  };
  // The service may look while the changes of a step are being made.
  const auto looks = tests::run_steps(
      harness.service(), served,
      {{[&] {  // one folder and one file are closed; beside them files change, come and go
          chmod(secret.c_str(), 0);
          replace(folder, "zones/db.e.org", zone_text(9) + "more A 192.0.2.9\n", 0);
          replace(folder, "zones/db.a.org", zone_text(2));
          replace(folder, "zones/db.z.org", zone_text(2));
          replace(folder, "zones/db.b.org", zone_text(2));  // is that of the closed folder
          std::filesystem::remove_all(gone);
        },
        [&] { return served() == "211-12" && errors() == 3; }},
       {[&] { replace(folder, "zones/db.a.org", zone_text(3)); }, [&] { return served() == "311-12"; }},
       {[&] {
          chmod(secret.c_str(), 0755);
          replace(folder, "zones/secret/db.b.org", zone_text(4));
          replace(folder, "zones/db.e.org", zone_text(4));
        },
        [&] { return served() == "321-42" && errors() == 4; }},
       {[&] { replace(folder, "zones/db.a.org", zone_text(5)); }, [&] { return served() == "521-42"; }}});
  said += log.take();  // all of it: what Catch prints from here on is not taken
  INFO(said);
  CHECK(looks == std::vector<std::string>{"11111-", "211-12", "311-12", "321-42", "521-42"});
  CHECK(count("[ERROR] plugin/auto: " + secret + ": Permission denied; the zones of its files stay as they were\n") ==
        1);
  CHECK(count("zones/db.e.org: Permission denied; the zone stays as it was\n") == 1);
  CHECK(count("[ERROR]") == 4);  // and db.b.org, which is not read, and then secret/db.b.org
}

TEST_CASE("auto: what lies beside zone files is passed over without a word") {
  const Folder folder;
  static_cast<void>(folder.write("example.org", zone_text(1)));
  for (const char* const name : {".gitkeep", ".example.org.swp", ".example.org", "example.org~", "#example.org#",
                                 "example.org.bak", "example.org.orig", "example.org.dpkg-old", "example.org.rpmsave",
                                 "example.org.jnl", "a..b", "4913..", "example.org.tmp"}) {
    static_cast<void>(folder.write(name, "nonsense"));
  }
  std::filesystem::create_directory(folder.file(".git"));
  static_cast<void>(folder.write(".git/config", "nonsense"));
  PluginHarness harness(kPlugins, ". {\n auto {\n  directory " + folder.path() + " (.*) {1}\n }\n}");
  tests::LogCapture log;
  REQUIRE(harness.prepare() == "");
  CHECK(log.take() == "[INFO] plugin/auto: example.org.: loaded from " + folder.file("example.org") + "\n");
}

TEST_CASE("auto: what is wrong with a zone that was not served, and what is doubtful") {
  const Folder folder;
  const std::string readme = folder.write("db.readme.org", "# Zones\n\nof us\nand others\n");
  const std::string wrong = folder.write("db.wrong.org", zone_text(1) + "a FOO x\nb A 1\n");
  const std::string good = folder.write("db.good.org", zone_text(1) + "a.other. A 192.0.2.1\n");
  PluginHarness harness(kPlugins, "org {\n auto {\n  directory " + folder.path() + "\n }\n}");
  tests::LogCapture log;
  REQUIRE(harness.prepare() == "");
  CHECK(log.take() ==
        "[WARNING] plugin/auto: " + good + ":7: a.other. is outside the zone good.org.; left out\n" +
            "[INFO] plugin/auto: good.org.: loaded from " + good + "\n" + "[ERROR] plugin/auto: " + wrong +
            ":7: unknown type 'FOO'\n" + "[ERROR] plugin/auto: " + wrong +
            ":8: A: expected an IPv4 address, not '1'\n" + "[ERROR] plugin/auto: " + wrong +
            ":7: unknown type 'FOO'; and 1 more error; wrong.org. is not served\n" + "[ERROR] plugin/auto: " + readme +
            ":1: unknown type 'Zones'; and 2 more errors; readme.org. is not served\n");
}

TEST_CASE("auto: a mounted ConfigMap, whose files are links into a hidden folder, is read and updated without errors") {
  namespace fs = std::filesystem;
  const Folder folder;
  const std::string zones = folder.file("zones");
  fs::create_directory(zones);
  // As kubelet does it (AtomicWriter): a new folder, then the link ..data is replaced, then the old folder goes.
  int round = 0;
  const auto update = [&](int last) {
    const std::string data = fmt::format("..2026_{}", ++round);
    fs::create_directories(zones + "/" + data + "/sub");
    static_cast<void>(folder.write("zones/" + data + "/db.a.org", zone_text(last)));
    static_cast<void>(folder.write("zones/" + data + "/sub/db.b.org", zone_text(last)));
    fs::create_symlink("nowhere", fmt::format("{}/{}/loop", zones, data));
    fs::create_directory_symlink("..", fmt::format("{}/{}/sub/up", zones, data));
    fs::create_symlink(data, zones + "/..data_tmp");
    fs::rename(zones + "/..data_tmp", zones + "/..data");
    if (round > 2) fs::remove_all(fmt::format("{}/..2026_{}", zones, round - 2));  // one stays for a while
  };
  update(1);
  fs::create_symlink("..data/db.a.org", zones + "/db.a.org");
  fs::create_symlink("..data/sub", zones + "/sub");
  fs::create_symlink("db.a.org", zones + "/db.A.org");  // the same file once more
  fs::create_directory_symlink("/", zones + "/root");   // other folders are not looked into
  PluginHarness harness(kPlugins, "org {\n auto {\n  directory " + zones + "\n  reload 5ms\n }\n}");
  tests::LogCapture log;
  REQUIRE(harness.prepare() == "");
  const auto served = [&] {
    const std::string a = harness.ask("ns.a.org. A"), b = harness.ask("ns.b.org. A");
    return a.substr(a.size() - 2, 1) + b.substr(b.size() - 2, 1);
  };
  const auto is = [&](std::string_view expected) { return [&, expected] { return served() == expected; }; };
  const auto looks = tests::run_steps(
      harness.service(), served,
      {{[&] { update(2); }, is("22")}, {[&] { update(3); }, is("33")}, {[&] { update(4); }, is("44")}});
  CHECK(looks == std::vector<std::string>{"11", "22", "33", "44"});
  const std::string said = log.take();
  INFO(said);
  CHECK(said.find("[ERROR]") == std::string::npos);
  CHECK(said.find("/..2026") == std::string::npos);  // files have the names that they are mounted as
}

TEST_CASE("auto: no name of a file breaks a line of the log") {
  const Folder folder;
  static_cast<void>(folder.write("db.a.org", "nonsense"));
  static_cast<void>(folder.write("db.a.org\n[INFO] b.org", zone_text(1)));
  static_cast<void>(folder.write("db.\x1b[31m.org", zone_text(1)));
  PluginHarness harness(kPlugins, "org {\n auto {\n  directory " + folder.path() + "\n }\n}");
  tests::LogCapture log;
  REQUIRE(harness.prepare() == "");
  const std::string said = log.take();
  INFO(said);
  CHECK(std::ranges::count(said, '\n') == 3);
  CHECK(said.find("/db.a.org\\x0a[INFO] b.org") != std::string::npos);
  CHECK(said.find("/db.\\x1b[31m.org\n") != std::string::npos);
}

TEST_CASE("auto: zones come, change, break and go while the server runs; a folder that is gone keeps them") {
  const Folder folder;
  const std::string zones = folder.file("zones");
  PluginHarness harness(kPlugins, "org {\n auto {\n  directory " + zones + "\n  reload 5ms\n }\n}");
  tests::LogCapture log;
  REQUIRE(harness.prepare() == "");
  static_cast<void>(log.take());
  const auto served = [&] {
    const std::string one = harness.ask("ns.a.org. A"), two = harness.ask("ns.b.org. A");
    return (one == "REFUSED\n" ? "-" : one.substr(one.size() - 2, 1)) + (two == "REFUSED\n" ? "-" : "b");
  };
  std::string said;
  const auto is = [&](std::string_view zones_served) { return [&, zones_served] { return served() == zones_served; }; };
  const auto says = [&](std::string_view text) {
    return [&, text] { return (said += log.take()).find(text) != std::string::npos; };
  };
  const auto looks = tests::run_steps(
      harness.service(), served,
      {{[&] {
          std::filesystem::create_directory(zones);
          replace(folder, "zones/db.a.org", zone_text(1));
        },
        is("1-")},
       {[&] {
          replace(folder, "zones/db.a.org", zone_text(2));
          replace(folder, "zones/db.b.org", zone_text(9));
        },
        is("2b")},
       {[&] { replace(folder, "zones/db.a.org", "no zone\n"); }, says("; the zone stays as it was\n")},
       {[&] { std::filesystem::remove(folder.file("zones/db.b.org")); }, is("2-")},
       {[&] { std::filesystem::rename(zones, folder.file("away")); }, says("; its zones stay as they were\n")}});
  CHECK(looks == std::vector<std::string>{"--", "1-", "2b", "2b", "2-", "2-"});
}

TEST_CASE(
    "auto: a folder that is not there is a warning with its line, said once; without a folder it serves nothing") {
  const Folder folder;
  const std::string zones = folder.file("zones");
  tests::LogCapture log;
  PluginHarness harness(kPlugins, "org {\n auto {\n  directory " + zones + "\n }\n}");
  CHECK(harness.prepare() == "");
  CHECK(log.take() == "[WARNING] Corefile:2: auto: " + zones +
                          ": No such file or directory; it has no zones until the folder is there\n");
  CHECK(harness.ask("ns.example.org. A") == "REFUSED\n");
  PluginHarness bare(kPlugins, "org {\n auto\n}");
  CHECK(bare.configuration().services.size() == 1);  // the server's own
  REQUIRE(bare.configuration().warnings.size() == 1);
  CHECK(bare.configuration().warnings[0].text() ==
        "Corefile:2: auto: without a line 'directory DIR' it serves nothing");
}
