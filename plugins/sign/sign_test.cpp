#include "plugins/sign/sign.h"

#include <array>
#include <filesystem>

#include <fmt/format.h>

#include "core/dnssec/key_file.h"
#include "tests/support/log_capture.h"
#include "tests/support/loopback.h"
#include "tests/support/plugin_harness.h"
#include "tests/support/process.h"
#include "tests/support/service_run.h"

#include <catch2/catch.hpp>  // last: its CHECK is the one that counts here

using namespace swage;
using namespace std::chrono_literals;

namespace {

constexpr std::array kPlugins = {PluginType{"sign", &plugins::sign::setup}};
constexpr const char* kKey = "zones/keys/Kexample.org.+013+20111";
constexpr const char* kSignature = " 20111 example.org. ";  // in each RRSIG record
constexpr std::string_view kZone = "$TTL 60\n@ SOA ns host 1 2 3 4 5\n@ NS ns\nns A 192.0.2.1\nwww A 192.0.2.2\n";

struct Signing {
  explicit Signing(const std::string& more = "")
      : zone(folder.write("zone", kZone)),
        corefile(fmt::format("example.org {{\n sign {} {{\n  key file {}\n  directory {}\n{} }}\n}}", zone, kKey,
                             folder.path(), more)) {}
  [[nodiscard]] std::string written() const { return tests::read_file(folder.file("db.example.org.signed")); }

  tests::Folder folder;
  std::string zone, corefile;
};

}  // namespace

TEST_CASE("sign: setup") {
  const auto error = [](std::string_view lines) {
    return tests::PluginHarness::setup_error(kPlugins, fmt::format("example.org {{\n sign zone {{\n{} }}\n}}", lines));
  };
  CHECK(error("  key file a b.key\n  key directory c\n  directory d\n") == "");
  CHECK(error("  key file a\n  nsec3 opt-out salt ABCD\n  serial date\n  signatures 240h renew 72h jitter 24h\n") ==
        "");
  CHECK(error("  directory d\n") == "Corefile:2: sign: expected 'key file KEY…' or 'key directory DIR' in its block");
  CHECK(error("  key folder a\n").starts_with("Corefile:3: sign: key: "));
  CHECK(error("  key file\n") == "Corefile:3: sign: key: expected the path of a key after 'file'");
  CHECK(error("  key file a\n  nsec3 salt XY\n") ==
        "Corefile:4: sign: nsec3: 'XY' is not a salt: up to 255 bytes in hexadecimal");
  CHECK(error("  key file a\n  zonemd\n") == "");
  CHECK(error("  key file a\n  zonemd md5\n").starts_with("Corefile:4: sign: zonemd: "));
  CHECK(error("  key file a\n  serial last\n").starts_with("Corefile:4: sign: serial: "));
  CHECK(error("  key file a\n  signatures 240h renew 216h jitter 24h\n")
            .starts_with("Corefile:4: sign: signatures: 'renew' (777600 s) and 'jitter' (86400 s) leave nothing"));
  CHECK(tests::PluginHarness::setup_error(
            kPlugins, "example.org {\n sign a {\n  key file a\n }\n sign b {\n  key file a\n }\n}") ==
        "Corefile:5: sign: example.org. is already written to /var/lib/swage/db.example.org.signed");
}

TEST_CASE("sign: writes a zone that is good, once, and again when something has changed") {
  const Signing signing;
  tests::PluginHarness harness(kPlugins, signing.corefile);
  REQUIRE(harness.prepare() == "");
  const std::string first = signing.written();
  CHECK(first.find(" CDS 20111 13 2 ") != std::string::npos);
  const auto verified = tests::run({.arguments = {"ldns-verify-zone", signing.folder.file("db.example.org.signed")}});
  if (!verified) FAIL(verified.error().text());
  CHECK(harness.metrics_text().find("swage_sign_signatures_made_total{zone=\"example.org.\"} ") != std::string::npos);

  tests::PluginHarness again(kPlugins, signing.corefile);  // a restart of the server
  REQUIRE(again.prepare() == "");
  CHECK(signing.written() == first);

  SECTION("the zone file changes") {
    static_cast<void>(signing.folder.write("zone", std::string(kZone) + "new A 192.0.2.3\n"));
    const auto has_new = [&] { return signing.written().find("new.example.org. 60 A 192.0.2.3") != std::string::npos; };
    REQUIRE(tests::run_until(again.service(), 50ms, has_new));
    const auto count = [](const std::string& text, const std::string& part) {
      std::size_t found = 0;
      for (std::size_t at = 0; (at = text.find(part, at)) != std::string::npos; ++at) ++found;
      return found;
    };
    const std::string now = signing.written();
    CHECK(count(now, kSignature) == count(first, kSignature) + 2);
    std::size_t kept = 0;
    for (std::size_t at = 0, end; (end = first.find('\n', at)) != std::string::npos; at = end + 1) {
      const std::string line = first.substr(at, end - at);
      if (line.find(kSignature) != std::string::npos && now.find(line) != std::string::npos) ++kept;
    }
    CHECK(kept == count(first, kSignature) - 2);  // of the SOA, and of the NSEC before the new name
  }
  SECTION("it becomes wrong") {
    static_cast<void>(signing.folder.write("zone", "nonsense"));
    tests::LogCapture log;
    std::string said;
    const auto told = [&] { return (said += log.take()).find("stays as it was") != std::string::npos; };
    CHECK(tests::run_until(again.service(), 50ms, told));
    CHECK(signing.written() == first);
  }
  SECTION("what was written is damaged, or gone") {
    static_cast<void>(signing.folder.write("db.example.org.signed", first.substr(0, first.size() / 2) + " ("));
    tests::PluginHarness after(kPlugins, signing.corefile);
    REQUIRE(after.prepare() == "");
    CHECK(signing.written().find(" NSEC ") != std::string::npos);
    std::filesystem::remove(signing.folder.file("db.example.org.signed"));
    tests::PluginHarness gone(kPlugins, signing.corefile);
    REQUIRE(gone.prepare() == "");
    CHECK(signing.written().find(" NSEC ") != std::string::npos);
  }
}

TEST_CASE("sign: the digest of the signed zone (RFC 8976) is good, signed, and made again with the zone") {
  const tests::Folder keys;
  const auto second = swage::dnssec::Key::generate(*dns::Name::parse("example.org"),
                                                   swage::dnssec::Algorithm::ecdsap384sha384, swage::dnssec::kKsk);
  REQUIRE(second);
  REQUIRE(swage::dnssec::write_key_files(std::string(keys.path()), {.key = *second}).has_value());
  const std::string another = fmt::format("  key file {}/{}\n", keys.path(), swage::dnssec::file_name(*second));
  const Signing signing(GENERATE(false, true) ? "  zonemd sha512\n" + another : "  zonemd\n");
  const auto check = [&] {
    const auto good =
        tests::run({.arguments = {"ldns-verify-zone", "-ZZ", signing.folder.file("db.example.org.signed")}});
    if (!good) FAIL(good.error().text() << signing.written());
  };
  tests::PluginHarness harness(kPlugins, signing.corefile);
  REQUIRE(harness.prepare() == "");
  const std::string first = signing.written();
  CHECK(first.find(" RRSIG ZONEMD 13 2 60 ") != std::string::npos);
  check();
  tests::PluginHarness again(kPlugins, signing.corefile);
  REQUIRE(again.prepare() == "");
  CHECK(signing.written() == first);

  static_cast<void>(signing.folder.write("zone", std::string(kZone) + "new A 192.0.2.3\n"));
  const auto has_new = [&] { return signing.written().find("new.example.org. 60 A 192.0.2.3") != std::string::npos; };
  REQUIRE(tests::run_until(again.service(), 50ms, has_new));
  check();
}

TEST_CASE("sign: what cannot be done is said, and nothing is written") {
  const Signing signing;
  const auto error = [&](const std::string& from, const std::string& to) {
    std::string corefile = signing.corefile;
    corefile.replace(corefile.find(from), from.size(), to);
    const tests::PluginHarness harness(kPlugins, corefile);
    return harness.prepare();
  };
  CHECK(error(kKey, "nowhere/Kexample.org.+013+00001").find("nowhere/Kexample.org.+013+00001") != std::string::npos);
  CHECK(error(signing.zone, signing.zone + "x") == "Corefile:2: " + signing.zone + "x: No such file or directory");
  CHECK(error("directory " + signing.folder.path(), "directory /nowhere") ==
        "Corefile:2: /nowhere/db.example.org.signed.new: No such file or directory");
  const std::string half = signing.folder.file("Kexample.org.+013+20111.key");
  std::filesystem::copy_file(std::string(kKey) + ".key", half);
  CHECK(error(kKey, half).find("Kexample.org.+013+20111.private") != std::string::npos);
  CHECK(error("directory " + signing.folder.path(), "directory /dev/full").starts_with("Corefile:2: /dev/full/"));
  CHECK(signing.written().empty());
}
