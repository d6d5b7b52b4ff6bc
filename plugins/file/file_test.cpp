#include "plugins/file/file.h"

#include <array>
#include <filesystem>
#include <thread>

#include <fmt/format.h>

#include "tests/support/log_capture.h"
#include "tests/support/loopback.h"
#include "tests/support/plugin_harness.h"
#include "tests/support/service_run.h"

#include <catch2/catch.hpp>  // last: its CHECK is the one that counts here

using namespace swage;
using tests::Folder;
using tests::PluginHarness;

namespace {

constexpr std::array kPlugins = {PluginType{"file", &plugins::file::setup}};

std::string setup_error(std::string_view corefile) { return PluginHarness::setup_error(kPlugins, corefile); }

constexpr std::string_view kParent =
    "$TTL 60\n@ SOA ns hostmaster 7 1 2 3 30\n@ NS ns\nns A 192.0.2.1\nsub NS ns.sub\nsub DS 1 13 2 "
    "0123456789012345678901234567890123456789012345678901234567890123\nns.sub A 192.0.2.2\n";
constexpr std::string_view kChild = "$TTL 60\n@ SOA ns hostmaster 8 1 2 3 30\n@ NS ns\nns A 192.0.2.2\n";

}  // namespace

TEST_CASE("file: setup") {
  CHECK(setup_error("example.org {\n file zone\n}") == "");
  CHECK(setup_error("example.org {\n file zone {\n  reload 10s\n  reload_by_mtime\n  fallthrough\n  upstream\n }\n}") ==
        "");
  CHECK(setup_error("example.org {\n file zone a.test b.test\n file other c.test {\n  reload 0\n }\n}") == "");
  CHECK(setup_error("a.test:53 a.test:54 {\n file zone\n}") == "");
  CHECK(setup_error("example.org {\n file\n}") == "Corefile:2: file: expected the path of a zone file after 'file'");
  CHECK(setup_error("example.org {\n file \"\"\n}") ==
        "Corefile:2: file: expected the path of a zone file, not an empty word");
  CHECK(setup_error("example.org {\n file zone {\n  relaod 1s\n }\n}") ==
        "Corefile:3: file: unknown property 'relaod'; did you mean 'reload'?");
  CHECK(setup_error("example.org {\n file zone {\n  reload soon\n }\n}").starts_with("Corefile:3: file: reload: "));
  CHECK(setup_error("example.org {\n file zone\n file other\n}") ==
        "Corefile:3: file: zone example.org. is already served from zone");
  CHECK(setup_error("example.org {\n file zone a..b\n}").starts_with("Corefile:2: "));
}

TEST_CASE("file: what is wrong with a zone file is said with both places") {
  const Folder folder;
  const auto error = [&](const std::string& file) {
    const PluginHarness harness(kPlugins, "example.org {\n file " + file + "\n}");
    return harness.prepare();
  };
  const std::string zone = folder.file("zone");
  CHECK(error(zone) == "Corefile:2: " + zone + ": No such file or directory");
  static_cast<void>(folder.write("zone", "@ SOA ns hostmaster 1 2 3 4 5\n@ NS ns\nns A 192.0.2\n"));
  CHECK(error(zone).starts_with("Corefile:2: " + zone + ":3: "));
  static_cast<void>(folder.write("zone", "www 60 A 192.0.2.1\n"));
  CHECK(error(zone).starts_with("Corefile:2: " + zone + ": "));
  CHECK(error(folder.path()).starts_with("Corefile:2: " + folder.path() + ": "));
}

TEST_CASE("file: what is doubtful in a zone is said with its line, and so are all errors") {
  const Folder folder;
  const std::string zone = folder.file("zone");
  const auto prepare = [&](const std::string& text, std::string& said) {
    static_cast<void>(folder.write("zone", text));
    const PluginHarness harness(kPlugins, "example.test {\n file " + zone + "\n}");
    tests::LogCapture log;
    std::string error = harness.prepare();
    said = log.take();
    return error;
  };
  std::string said;
  REQUIRE(prepare(std::string(kParent) + "a.other. A 192.0.2.1\n@ MX 1 nowhere\n", said) == "");
  CHECK(
      said.starts_with("[WARNING] plugin/file: " + zone +
                       ":8: a.other. is outside the zone example.test.; left out\n[WARNING] plugin/file: " + zone +
                       ":9: example.test. MX: nowhere.example.test. has no address in the zone\n[INFO] plugin/file: "));
  CHECK(prepare(std::string(kParent) + "a FOO x\nb A 1\n", said) ==
        "Corefile:2: " + zone + ":8: unknown type 'FOO'; and 1 more error");
  CHECK(said == "[ERROR] plugin/file: " + zone + ":8: unknown type 'FOO'\n[ERROR] plugin/file: " + zone +
                    ":9: A: expected an IPv4 address, not '1'\n");
}

TEST_CASE("file: answers from the longest zone; other names are the next plugin's") {
  const Folder folder;
  const std::string parent = folder.write("parent", kParent), child = folder.write("child", kChild);
  PluginHarness harness(kPlugins, "test {\n file " + parent + " example.test\n file " + child + " sub.example.test\n}");
  CHECK(harness.ask("example.test. SOA") == "error: zone example.test. is not loaded");
  REQUIRE(harness.prepare() == "");
  CHECK(harness.ask("NS.example.test. A") == "NOERROR aa\nNS.example.test. 60 IN A 192.0.2.1\n");
  CHECK(harness.ask("ns.sub.example.test. A") == "NOERROR aa\nns.sub.example.test. 60 IN A 192.0.2.2\n");
  CHECK(harness.ask("www.example.test. A").starts_with("NXDOMAIN aa\n-- authority\nexample.test. 30 IN SOA "));
  CHECK(harness.ask("other.test. A").starts_with("REFUSED"));
}

TEST_CASE("file: the DS records of a zone are its parent's, though both are here") {
  const Folder folder;
  const std::string parent = folder.write("parent", kParent), child = folder.write("child", kChild);
  PluginHarness harness(kPlugins, "test {\n file " + parent + " example.test\n file " + child + " sub.example.test\n}");
  REQUIRE(harness.prepare() == "");
  CHECK(harness.ask("sub.example.test. DS").starts_with("NOERROR aa\nsub.example.test. 60 IN DS 1 13 2 "));
  PluginHarness alone(kPlugins, "test {\n file " + child + " sub.example.test\n}");
  REQUIRE(alone.prepare() == "");
  CHECK(alone.ask("sub.example.test. DS").starts_with("NOERROR aa\n-- authority\nsub.example.test. 30 IN SOA "));
}

TEST_CASE("file: fallthrough gives names that do not exist to the next plugin") {
  const Folder folder;
  const std::string parent = folder.write("parent", kParent);
  const auto rest = [](const Query& query, Response& response) -> Result<Outcome> {
    response.rcode = dns::Rcode::noerror;
    response.answer.push_back({query.qname, dns::Type::txt, dns::Class::in, 1, as_bytes(std::string_view("\1x"))});
    return Outcome::send;
  };
  PluginHarness harness(kPlugins, "example.test {\n file " + parent + " {\n  fallthrough a.example.test\n }\n}", rest);
  REQUIRE(harness.prepare() == "");
  CHECK(harness.ask("x.a.example.test. TXT") == "NOERROR\nx.a.example.test. 1 IN TXT \"x\"\n");
  CHECK(harness.ask("x.b.example.test. TXT").starts_with("NXDOMAIN aa"));
  CHECK(harness.ask("ns.example.test. TXT").starts_with("NOERROR aa\n-- authority"));
}

TEST_CASE("file: a zone that is not as its ZONEMD record says is refused") {
  const Folder folder;
  const std::string path = folder.file("zone");
  const std::string digest(96, '0');
  const auto prepare = [&](std::string_view serial, std::string_view option, std::string& said) {
    static_cast<void>(folder.write("zone", fmt::format("{}@ ZONEMD {} 1 1 {}\n", kChild, serial, digest)));
    PluginHarness harness(kPlugins, fmt::format("example.test {{\n file {} {{\n {}\n }}\n}}", path, option));
    tests::LogCapture log;
    const std::string error = harness.prepare();
    said = error.empty() ? harness.ask("example.test. ZONEMD") : "";
    return error;
  };
  std::string said;
  const std::string wrong = prepare("8", "zonemd check", said);
  CHECK(wrong.starts_with("Corefile:2: " + path + ": zone example.test.: its SHA-384 digest is "));
  CHECK(wrong.ends_with("; its ZONEMD record says " + digest + " (RFC 8976 section 4)"));
  CHECK(prepare("7", "reload 1h", said) ==
        "Corefile:2: " + path +
            ": zone example.test.: its ZONEMD record is for serial 7; the serial is 8 "
            "(RFC 8976 section 4)");
  CHECK(prepare("7", "zonemd off", said) == "");
  CHECK(said.find("ZONEMD 7 1 1 ") != std::string::npos);
  CHECK(prepare("7", "zonemd generate", said) == "");
  CHECK(said.find(" 60 IN ZONEMD 8 1 1 ") != std::string::npos);
  CHECK(prepare("7", "zonemd generate sha512", said) == "");
  CHECK(said.find(" 60 IN ZONEMD 8 1 2 ") != std::string::npos);
  CHECK(setup_error("example.org {\n file zone {\n  zonemd generate md5\n }\n}") ==
        "Corefile:3: file: zonemd: expected check, off, or generate with sha384 or sha512");
}

TEST_CASE("file: a compiled zone is kept for the next start") {
  using namespace std::chrono_literals;
  const Folder folder;
  const std::string images = folder.file("images");
  std::filesystem::create_directory(images);
  std::filesystem::permissions(images, std::filesystem::perms::owner_all);
  const auto start = [&](std::string& said, bool keeps) {
    PluginHarness harness(kPlugins, fmt::format("example.test {{\n file {} {{\n images {}\n reload 5ms\n }}\n}}",
                                                folder.file("zone"), images));
    tests::LogCapture log;
    CHECK(harness.prepare() == "");
    said = log.take();
    const std::string answer = harness.ask("example.test. SOA");
    if (keeps) CHECK(tests::run_until(harness.service(), 5ms, [&] { return !std::filesystem::is_empty(images); }));
    return answer;
  };
  static_cast<void>(folder.write("zone", kChild));
  std::this_thread::sleep_for(150ms);  // its time tells a change
  std::string said;
  const std::string first = start(said, true);
  CHECK(said == "[INFO] plugin/file: example.test.: 3 records, serial 8, from " + folder.file("zone") + "\n");
  CHECK(start(said, false) == first);
  CHECK(said.ends_with(folder.file("zone") + ", as it was kept\n"));
  std::filesystem::permissions(images, std::filesystem::perms::all);
  CHECK(start(said, false) == first);
  CHECK(said.starts_with("[WARNING] plugin/file: " + images + ": others may write it; " + folder.file("zone") +
                         " is read instead\n"));
  std::filesystem::permissions(images, std::filesystem::perms::owner_all);
  static_cast<void>(folder.write("zone", std::string(kChild) + "new A 192.0.2.3\n"));
  static_cast<void>(start(said, false));
  CHECK(said.ends_with("4 records, serial 8, from " + folder.file("zone") + "\n"));
}
