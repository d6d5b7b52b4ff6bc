#include "plugins/whoami/whoami.h"

#include <array>
#include <catch2/catch.hpp>

#include "tests/support/plugin_harness.h"

using namespace swage;
using tests::PluginHarness;

namespace {

constexpr std::array kPlugins = {PluginType{"whoami", &plugins::whoami::setup}};

std::string setup_error(std::string_view corefile) { return PluginHarness::setup_error(kPlugins, corefile); }

}  // namespace

TEST_CASE("whoami: setup") {
  CHECK(setup_error(". {\n whoami\n}") == "");
  CHECK(setup_error(". {\n whoami {\n }\n}") == "");
  CHECK(setup_error(". {\n whoami me\n}") == "Corefile:2: whoami: unexpected 'me'; expected the end of the line");
  CHECK(setup_error(". {\n whoami {\n  ttl 5\n }\n}") == "Corefile:2: whoami: takes no block");
  CHECK(setup_error(". {\n whoami\n whoami\n}") == "Corefile:3: whoami: stands twice in a server block");
}

TEST_CASE("whoami: answers every query with address, port and transport") {
  PluginHarness harness(kPlugins, ". {\n whoami\n}");
  CHECK(harness.ask("www.example.org. A") ==
        "NOERROR aa\n-- additional\n"
        "www.example.org. 0 IN A 192.0.2.7\n"
        "_udp.www.example.org. 0 IN SRV 0 0 50000 .\n");
  CHECK(harness.ask("www.example.org. TYPE65280") == harness.ask("www.example.org. A"));
  CHECK(harness.ask("wWw.Example.org. AAAA") ==
        "NOERROR aa\n-- additional\n"
        "wWw.Example.org. 0 IN A 192.0.2.7\n"
        "_udp.wWw.Example.org. 0 IN SRV 0 0 50000 .\n");
  CHECK(harness.ask("version.bind. TXT CH") ==
        "NOERROR aa\n-- additional\n"
        "version.bind. 0 CH A 192.0.2.7\n"
        "_udp.version.bind. 0 CH SRV 0 0 50000 .\n");

  harness.arrival.transport = dns::Transport::tcp;
  harness.arrival.client = {.address = *IpAddress::parse("2001:db8::7"), .port = 65535};
  CHECK(harness.ask(". A") ==
        "NOERROR aa\n-- additional\n"
        ". 0 IN AAAA 2001:db8::7\n"
        "_tcp. 0 IN SRV 0 0 65535 .\n");
}

TEST_CASE("whoami: no SRV record where the name has no room for the transport's label") {
  PluginHarness harness(kPlugins, ". {\n whoami\n}");
  const std::string label(62, 'a');  // 63 bytes each on the wire, without the root
  const std::string base = label + "." + label + "." + label + ".";
  for (const auto& [length, records] : {std::pair{59U, 2U}, {60U, 1U}, {64U - 1U, 1U}}) {
    INFO(length);
    static_cast<void>(harness.ask(std::string(length, 'b') + "." + base + " A"));
    CHECK(harness.response().additional.size() == records);
  }
}
