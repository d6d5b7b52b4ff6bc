// Zones that *file* signs: what is served, what changes, what is refused.
#include <array>

#include <fmt/format.h>

#include "core/zone/all_records.h"
#include "plugins/file/file.h"
#include "tests/support/log_capture.h"
#include "tests/support/loopback.h"
#include "tests/support/plugin_harness.h"
#include "tests/support/service_run.h"

#include <catch2/catch.hpp>  // last: its CHECK is the one that counts here

using namespace swage;
using namespace std::chrono_literals;
using tests::PluginHarness;

namespace {

constexpr std::array kPlugins = {PluginType{"file", &plugins::file::setup}};
constexpr const char* kKey = "zones/keys/Kexample.org.+013+20111";
constexpr std::string_view kZone = "$TTL 60\n@ SOA ns host 1 2 3 4 5\n@ NS ns\nns A 192.0.2.1\nwww A 192.0.2.2\n";

std::string corefile(const std::string& zone, const std::string& more = "", const std::string& besides = "") {
  return fmt::format("example.org {{\n file {} {{\n  reload 50ms\n  sign {{\n   key file {}\n{}  }}\n{} }}\n}}", zone,
                     kKey, more, besides);
}

async::Task<> run_one(Service& service, Host& host) {
  const Result<> ended = co_await service.run(host);
  CHECK(ended.has_value());
}

// Several, as one.
class All : public Service {
 public:
  explicit All(const PluginHarness& harness) : harness_(harness) {}
  async::Task<Result<>> run(Host& host) override {
    const auto& services = harness_.configuration().services;
    for (std::size_t i = 1; i < services.size(); ++i) host.loop().spawn(run_one(*services[i].service, host));
    co_await run_one(*services.front().service, host);
    co_return Result<>();
  }

 private:
  const PluginHarness& harness_;
};

std::string setup_error(const std::string& text) { return PluginHarness::setup_error(kPlugins, text); }

}  // namespace

TEST_CASE("file: sign: setup") {
  CHECK(setup_error(corefile("zone", "   nsec3\n   serial increment\n   signatures 240h\n")) == "");
  CHECK(setup_error("example.org {\n file zone {\n  sign\n }\n}") ==
        "Corefile:3: file: sign: expected 'key file KEY…' or 'key directory DIR' in its block");
  CHECK(setup_error(corefile("zone", "", "  sign {\n   key file a\n  }\n")) == "Corefile:7: file: sign: stands twice");
  CHECK(setup_error(corefile("zone", "", "  zonemd generate sha512\n")) == "");
}

TEST_CASE("file: sign: answers with signatures and denials; what changes in the file is signed") {
  const tests::Folder folder;
  const std::string zone = folder.write("zone", kZone);
  PluginHarness harness(kPlugins, corefile(zone));
  REQUIRE(harness.prepare() == "");
  const std::string answer = harness.ask("www.example.org. A do");
  CHECK(answer.find("192.0.2.2") != std::string::npos);
  CHECK(answer.find("RRSIG A 13 3 60 ") != std::string::npos);
  CHECK(harness.ask("example.org. DNSKEY").find("DNSKEY 257 3 13 ") != std::string::npos);
  CHECK(harness.ask("a.example.org. A do").find("example.org. 5 IN NSEC ns.example.org. NS SOA RRSIG NSEC DNSKEY") !=
        std::string::npos);

  static_cast<void>(folder.write("zone", std::string(kZone) + "new A 192.0.2.3\n"));
  const auto is_signed = [&] {
    return harness.ask("new.example.org. A do").find("RRSIG A 13 3 60 ") != std::string::npos;
  };
  All services(harness);
  REQUIRE(tests::run_until(services, 20ms, is_signed));
  CHECK(harness.ask("nev.example.org. A do").find("example.org. 5 IN NSEC new.example.org. NS SOA") !=
        std::string::npos);
  CHECK(harness.metrics_text().find("swage_zone_signatures_made_total{zone=\"example.org.\"} 12\n") !=
        std::string::npos);
}

TEST_CASE("file: sign: what cannot be signed is an error of the start") {
  const tests::Folder folder;
  const std::string zone = folder.write("zone", kZone);
  const auto error = [&](const std::string& text) {
    const PluginHarness harness(kPlugins, text);
    return harness.prepare();
  };
  std::string other = corefile(zone);
  other.replace(other.find("example.org"), 11, "example.net");
  CHECK(error(other) == "Corefile:2: no key signs example.net. now");
  std::string missing = corefile(zone);
  missing.replace(missing.find(kKey), std::string_view(kKey).size(), folder.file("Kexample.org.+013+00001"));
  CHECK(error(missing).find("Kexample.org.+013+00001") != std::string::npos);
}
