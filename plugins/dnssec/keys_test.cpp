// keys DIR: keys that the server makes and rolls, with a parent that is asked for the DS.
#include <array>
#include <ctime>

#include <fmt/format.h>

#include "core/dnssec/key_folder.h"
#include "plugins/dnssec/dnssec.h"
#include "tests/support/loopback.h"
#include "tests/support/plugin_harness.h"
#include "tests/support/service_run.h"
#include "tests/support/upstream.h"
#include "tests/support/zone_answers.h"

#include <catch2/catch.hpp>  // last: its CHECK is the one that counts here

namespace swage::plugins::dnssec {
namespace {

using swage::dnssec::KeyFolder;
using tests::Packet;
using tests::PluginHarness;

constexpr std::array kPlugins = {PluginType{"dnssec", &setup}};
constexpr std::string_view kZone = "$TTL 60\n@ SOA ns host 1 7200 3600 1209600 300\n@ NS ns\nns A 192.0.2.1\n";
const dns::Name kApex = dns::Name::parse("example.org").value();

std::string corefile(const std::string& folder, std::string_view lines) {
  return fmt::format("example.org {{\n dnssec {{\n  keys {} {{\n{}  }}\n }}\n}}", folder, lines);
}
std::string setup_error(std::string_view lines) {
  return PluginHarness::setup_error(kPlugins, corefile("/keys", lines));
}

int count(const std::string& text, std::string_view what) {
  int found = 0;
  for (std::size_t at = 0; (at = text.find(what, at)) != std::string::npos; ++at) ++found;
  return found;
}

// The keys of a zone as if the server had had them since `age` ago.
KeyFolder::Updated age(const std::string& folder, std::int64_t age, const KeyFolder::Sight& sight = {}) {
  std::vector<std::string> warnings;
  const auto open = KeyFolder::open(folder);
  const std::int64_t now = std::time(nullptr) - age;
  auto updated = open->update(kApex, {}, now, sight, warnings);
  REQUIRE(updated.has_value());
  return *std::move(updated);
}
constexpr std::int64_t kDay = 86400;

// The parent's answer: the DS records, if any.
Packet ds_answer(const Packet& query, const std::vector<std::vector<std::uint8_t>>& records) {
  Packet answer = tests::answer_to(query, 1, 3);
  answer[2] = 0x84;
  answer[3] = 0;
  store_u16(&answer[6], static_cast<std::uint16_t>(records.size()));
  for (const auto& rdata : records) {
    const std::array<std::uint8_t, 12> head{0xC0, 12, 0, 43, 0, 1,
                                            0,    0,  0, 60, 0, static_cast<std::uint8_t>(rdata.size())};
    answer.insert(answer.end(), head.begin(), head.end());
    answer.insert(answer.end(), rdata.begin(), rdata.end());
  }
  return answer;
}

}  // namespace

TEST_CASE("dnssec keys: setup") {
  CHECK(setup_error("") == "");
  CHECK(setup_error("algorithm ed25519\nsplit\nksk-lifetime 8760h\nzsk-lifetime 2160h\ndnskey-ttl 1h\nzone-ttl 60\n"
                    "propagation 5m\nparent-ttl 1h\nparent-propagation 0\nsafety 0\nunsign\n"
                    "parent 192.0.2.1 [2001:db8::1]:5300 every 10m\n") == "");
  CHECK(setup_error("algorithm RSAMD5\n") ==
        "Corefile:4: dnssec: algorithm: 'RSAMD5' is not an algorithm that is supported: RSASHA256, RSASHA512, "
        "ECDSAP256SHA256, ECDSAP384SHA384 or ED25519");
  CHECK(setup_error("parent ns.example.org\n").starts_with("Corefile:4: dnssec: parent: "));
  CHECK(
      setup_error("split\nzsk-lifetime 1h\n") ==
      "Corefile:3: dnssec: keys: zsk-lifetime: a roll takes 191400 seconds with these times: no key may live shorter");
  CHECK(setup_error("zsk-lifetime 2160h\n") ==
        "Corefile:3: dnssec: keys: zsk-lifetime: is for 'split'; without, there is one key, of ksk-lifetime");
  CHECK(PluginHarness::setup_error(kPlugins, "example.org {\n dnssec {\n key file a\n keys b\n }\n}") ==
        "Corefile:4: dnssec: one 'keys', or 'key' lines, in a block");
  CHECK(PluginHarness::setup_error(kPlugins, "example.org {\n dnssec {\n keys b\n key file a\n }\n}") ==
        "Corefile:4: dnssec: 'key' and 'keys' in one block");
}

TEST_CASE("dnssec keys: the server makes them, and signs with them") {
  const tests::Folder folder;
  PluginHarness harness(kPlugins, corefile(folder.path(), "split\n"), tests::zone_rest(kZone, "example.org"));
  REQUIRE(harness.prepare() == "");
  const std::string keys = harness.ask("example.org. DNSKEY do");
  CHECK(count(keys, " IN DNSKEY 257 3 13 ") == 1);
  CHECK(count(keys, " IN DNSKEY 256 3 13 ") == 1);
  CHECK(count(keys, " IN RRSIG DNSKEY ") == 1);
  CHECK(count(harness.ask("ns.example.org. A do"), " IN RRSIG A ") == 1);
  CHECK(count(harness.ask("example.org. CDS"), " CDS ") == 0);

  PluginHarness next(kPlugins, corefile(folder.path(), "split\n"), tests::zone_rest(kZone, "example.org"));
  REQUIRE(next.prepare() == "");
  CHECK(count(next.ask("example.org. DNSKEY do"), " IN DNSKEY 25") == 2);
}

TEST_CASE("dnssec keys: the parent is asked for the DS that it should have") {
  const tests::Folder folder;
  age(folder.path(), 3 * kDay);
  const KeyFolder::Updated ready = age(folder.path(), kDay);
  REQUIRE(ready.in_force.cds.size() == 1);
  const tests::UpstreamServer parent(
      [&](const Packet& query, bool) { return tests::UpstreamServer::Reply{{ds_answer(query, ready.in_force.cds)}}; });
  const std::string lines = fmt::format("parent {} every 10s\n", parent.endpoint().to_string());
  PluginHarness harness(kPlugins, corefile(folder.path(), lines), tests::zone_rest(kZone, "example.org"));
  REQUIRE(harness.prepare() == "");
  CHECK(count(harness.ask("example.org. CDS do"), " IN CDS ") == 1);
  CHECK(count(harness.ask("example.org. CDNSKEY do"), " IN CDNSKEY 257 3 13 ") == 1);
  const auto life = [&] {
    std::vector<std::string> warnings;
    return KeyFolder::open(folder.path())->read(kApex, std::time(nullptr), warnings)->at(0).life;
  };
  CHECK(life().ds_seen == 0);
  CHECK(tests::run_until(harness.service(), std::chrono::milliseconds(100), [&] { return life().ds_seen != 0; }));
  const std::string metrics = harness.metrics_text();
  CHECK_THAT(metrics, Catch::Contains("swage_keys{zone=\"example.org.\",stage=\"ds-published\"} 1"));
  CHECK_THAT(metrics, Catch::Contains("swage_keys_parent_wait_timestamp_seconds{zone=\"example.org.\"} 0"));
}

TEST_CASE("dnssec keys: a zone goes back to being unsigned") {
  const tests::Folder folder;
  age(folder.path(), 9 * kDay);
  age(folder.path(), 7 * kDay);
  const auto present = [](const swage::dnssec::Key&) { return swage::dnssec::DsSight::present; };
  age(folder.path(), 6 * kDay, present);
  const std::string unsign = corefile(folder.path(), "unsign\n");
  {
    PluginHarness harness(kPlugins, unsign, tests::zone_rest(kZone, "example.org"));
    REQUIRE(harness.prepare() == "");
    CHECK_THAT(harness.ask("example.org. CDS do"), Catch::Contains(" IN CDS 0 0 0 00") && Catch::Contains("RRSIG CDS"));
    CHECK_THAT(harness.ask("example.org. CDNSKEY"), Catch::Contains(" IN CDNSKEY 0 3 0 "));
    CHECK(count(harness.ask("ns.example.org. A do"), " IN RRSIG A ") == 1);
  }
  std::vector<std::string> warnings;
  swage::dnssec::Policy policy;
  policy.secure = false;
  const auto absent = [](const swage::dnssec::Key&) { return swage::dnssec::DsSight::absent; };
  REQUIRE(KeyFolder::open(folder.path())->update(kApex, policy, std::time(nullptr) - 3 * kDay, absent, warnings));
  PluginHarness harness(kPlugins, unsign, tests::zone_rest(kZone, "example.org"));
  REQUIRE(harness.prepare() == "");
  CHECK(count(harness.ask("example.org. DNSKEY do"), "DNSKEY 25") == 0);
  CHECK(count(harness.ask("ns.example.org. A do"), " IN RRSIG A ") == 0);
  CHECK(count(harness.ask("ns.example.org. A do"), " IN A 192.0.2.1") == 1);
}

}  // namespace swage::plugins::dnssec
