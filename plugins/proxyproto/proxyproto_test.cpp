#include <array>

#include <fmt/format.h>

#include "tests/support/plugin_harness.h"

#include <catch2/catch.hpp>  // last: its CHECK is the one that counts here

namespace swage::plugins::proxyproto {

Result<> setup(Controller& controller);

namespace {

using tests::PluginHarness;
using Rule = ProxyPolicy::Rule;

constexpr std::array kPlugins = {PluginType{"proxyproto", &setup}};

std::string setup_error(std::string_view corefile) { return PluginHarness::setup_error(kPlugins, corefile); }

// What the first listener does with headers.
const ProxyPolicy& policy(const PluginHarness& harness) {
  const ProxyPolicy* const found = harness.configuration().listeners.begin()->second.proxy;
  REQUIRE(found != nullptr);
  return *found;
}

}  // namespace

TEST_CASE("proxyproto: setup") {
  CHECK(setup_error(
            ". {\n proxyproto {\n  allow 10.0.0.0/8 192.0.2.1\n  allow 2001:db8::/32\n  default reject\n }\n}") == "");
  CHECK(
      setup_error(". {\n proxyproto\n}") ==
      "Corefile:2: proxyproto: expected 'allow' with the networks of proxies; or 'default use', to believe everybody");
  CHECK(setup_error(". {\n proxyproto {\n  allow\n }\n}") ==
        "Corefile:3: proxyproto: expected an address or a network after 'allow'");
  CHECK(setup_error(". {\n proxyproto {\n  default maybe\n }\n}") ==
        "Corefile:3: proxyproto: default: expected 'use', 'ignore', 'reject' or 'skip', not 'maybe'");
  CHECK(setup_error(". {\n proxyproto {\n  allow 10.0.0.1\n  udp_session_tracking 28s\n }\n}") ==
        "Corefile:4: proxyproto: 'udp_session_tracking' is not supported");
  CHECK(setup_error(". {\n proxyproto {\n  default use\n }\n proxyproto {\n  default use\n }\n}") ==
        "Corefile:5: proxyproto: stands twice in a server block");
  constexpr std::string_view kTwo =
      "a.test {{\n proxyproto {{\n  allow 10.0.0.1 {}\n }}\n}}\nb.test {{\n proxyproto {{\n  "
      "allow 10.0.0.2 10.0.0.1\n }}\n}}\n";
  CHECK(setup_error(fmt::format(kTwo, "10.0.0.2")) == "");
  CHECK(setup_error(fmt::format(kTwo, "")).starts_with("Corefile:6: proxyproto: another server block on "));
}

TEST_CASE("proxyproto: what is said holds where the server block listens") {
  const PluginHarness one(kPlugins, "a.test {\n proxyproto {\n  allow ::ffff:10.0.0.0/104\n }\n}\nb.test\n");
  CHECK(policy(one).rule_for(*IpAddress::parse("10.9.9.9")) == Rule::use);
  CHECK(policy(one).rule_for(*IpAddress::parse("::ffff:10.9.9.9")) == Rule::use);
  CHECK(policy(one).rule_for(*IpAddress::parse("11.0.0.1")) == Rule::ignore);
  const PluginHarness all(kPlugins, ". {\n proxyproto {\n  default use\n }\n}");
  CHECK(policy(all).rule_for(*IpAddress::parse("2001:db8::1")) == Rule::use);
}

}  // namespace swage::plugins::proxyproto
