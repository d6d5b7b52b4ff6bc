#include "plugins/rrl/rrl.h"

#include <array>

#include <fmt/format.h>

#include "tests/support/plugin_harness.h"

#include <catch2/catch.hpp>  // last: its CHECK is the one that counts here

using namespace swage;
using tests::PluginHarness;

namespace {

constexpr std::array kPlugins = {PluginType{"rrl", &plugins::rrl::setup}};

constexpr const char* kZone = R"($TTL 3600
@ SOA ns hostmaster 1 7200 3600 1209600 300
@ NS ns
ns A 192.0.2.1
www A 192.0.2.2
*.wild A 192.0.2.3
sub NS ns.sub
ns.sub A 192.0.2.4
)";

std::string setup_error(std::string_view text) {
  return PluginHarness::setup_error(kPlugins, fmt::format("example.org {{\n rrl {}\n}}", text));
}

struct Limited : PluginHarness {
  explicit Limited(std::string_view lines)
      : PluginHarness(kPlugins, fmt::format("example.org {{\n rrl {{\n{}\n }}\n}}", lines),
                      tests::zone_rest(kZone, "example.org.")) {
    arrival.received = 100'000'000'000;
  }
  // How many of 30 questions are answered whole, with TC and no records, and not at all.
  std::string fates(std::string_view question, int times = 30) {
    int whole = 0, slipped = 0, dropped = 0;
    for (int i = 0; i < times; ++i) {
      std::string text(question);
      if (const std::size_t at = text.find('#'); at != std::string::npos) text.replace(at, 1, std::to_string(i));
      if (ask(text) == "drop") {
        ++dropped;
      } else if (response().truncated) {
        CHECK((sent()[2] & 2) != 0);
        CHECK(load_u16(&sent()[6]) + load_u16(&sent()[8]) == 0);
        ++slipped;
      } else {
        ++whole;
      }
    }
    return fmt::format("{} {} {}", whole, slipped, dropped);
  }
  void wait(int seconds) { arrival.received += seconds * std::int64_t{1'000'000'000}; }
  void from(const char* client) { arrival.client.address = *IpAddress::parse(client); }
};

}  // namespace

TEST_CASE("rrl: setup") {
  for (const char* const text :
       {"", "off", "example.org", "{\n responses-per-second 10\n}",
        "example.org a.example.org {\n window 5\n ipv4-prefix-length 32\n ipv6-prefix-length 64\n responses-per-second "
        "10\n "
        "nodata-per-second 5\n nxdomains-per-second 5\n referrals-per-second 5\n errors-per-second 5\n "
        "requests-per-second 100\n slip-ratio 3\n max-table-size 1000\n report-only\n exempt 192.0.2.0/24 ::1\n "
        "exempt 10.0.0.0/8\n large-answers-per-second 100\n}"}) {
    INFO(text);
    CHECK(setup_error(text) == "");
  }
  CHECK(setup_error("{\n responses-per-second -1\n}").starts_with("Corefile:3: rrl: "));
  CHECK(setup_error("{\n ipv4-prefix-length 33\n}").starts_with("Corefile:3: rrl: "));
  CHECK(setup_error("{\n ipv6-prefix-length 0\n}").starts_with("Corefile:3: rrl: "));
  CHECK(setup_error("{\n window 0\n}").starts_with("Corefile:3: rrl: "));
  CHECK(setup_error("{\n exempt\n}").starts_with("Corefile:3: rrl: "));
  CHECK(setup_error("{\n exempt nowhere\n}").starts_with("Corefile:3: rrl: "));
  CHECK(setup_error("{\n slip 2\n}").starts_with("Corefile:3: rrl: "));
  CHECK(setup_error("\n rrl off") == "Corefile:3: rrl: stands twice in a server block");
}

TEST_CASE("rrl: each class by its own account") {
  Limited harness(" responses-per-second 10\n nxdomains-per-second 4");
  CHECK(harness.fates("www.example.org. A") == "10 10 10");
  CHECK(harness.fates("ns.example.org. A") == "10 10 10");       // another name
  CHECK(harness.fates("www.example.org. MX") == "10 10 10");     // NODATA
  CHECK(harness.fates("www.example.org. TXT") == "0 15 15");     // of whatever type
  CHECK(harness.fates("no-#.example.org. A") == "4 13 13");      // NXDOMAIN: of the zone
  CHECK(harness.fates("a#.wild.example.org. A") == "10 10 10");  // one wildcard
  CHECK(harness.fates("x#.sub.example.org. A") == "10 10 10");   // one delegation
  harness.from("192.0.2.200");                                   // the same network
  CHECK(harness.fates("www.example.org. A") == "0 15 15");
  harness.from("192.0.3.7");
  CHECK(harness.fates("www.example.org. A") == "10 10 10");
  CHECK(harness.metrics_text().find(R"(swage_rrl_limited_total{class="nxdomain",result="dropped"} 13)") !=
        std::string::npos);
}

TEST_CASE("rrl: who stops is answered again within the window; over TCP always") {
  Limited harness(" responses-per-second 10\n window 5\n slip-ratio 0");
  CHECK(harness.fates("www.example.org. A", 1000) == "10 0 990");
  harness.arrival.transport = dns::Transport::tcp;
  CHECK(harness.fates("www.example.org. A") == "30 0 0");
  harness.arrival.transport = dns::Transport::udp;
  harness.wait(5);
  CHECK(harness.fates("www.example.org. A", 1) == "0 0 1");
  harness.wait(6);
  CHECK(harness.fates("www.example.org. A") == "10 0 20");
}

TEST_CASE("rrl: slip, exemptions, requests, reports") {
  CHECK(Limited(" responses-per-second 10\n slip-ratio 1").fates("www.example.org. A") == "10 20 0");
  CHECK(Limited(" responses-per-second 10\n exempt 192.0.2.0/28").fates("www.example.org. A") == "30 0 0");
  CHECK(Limited(" requests-per-second 12").fates("#.example.org. A") == "12 9 9");
  Limited reporting(" responses-per-second 10\n report-only");
  CHECK(reporting.fates("www.example.org. A") == "30 0 0");
  CHECK(reporting.metrics_text().find(R"(swage_rrl_limited_total{class="response",result="reported"} 20)") !=
        std::string::npos);
  CHECK(Limited("").fates("www.example.org. A") == "30 0 0");
}
