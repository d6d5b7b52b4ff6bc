// Only the loopback interface is known on every machine, and of it only 127.0.0.1.
#include "plugins/bind/bind.h"

#include <algorithm>
#include <array>

#include <fmt/format.h>
#include <catch2/catch.hpp>

#include "tests/support/plugin_harness.h"

using namespace swage;
using tests::PluginHarness;

namespace {

constexpr std::array kPlugins = {PluginType{"bind", &plugins::bind::setup}};

std::string setup_error(std::string_view corefile) { return PluginHarness::setup_error(kPlugins, corefile); }

// The addresses of the block's listeners, sorted.
std::vector<std::string> listeners(std::string_view directives) {
  const PluginHarness harness(kPlugins, fmt::format(". {{\n{}\n}}", directives));
  std::vector<std::string> found;
  for (const auto& [endpoint, router] : harness.configuration().listeners) {
    found.push_back(endpoint.address.to_string());
  }
  std::sort(found.begin(), found.end());
  return found;
}

using Addresses = std::vector<std::string>;

}  // namespace

TEST_CASE("bind: setup") {
  CHECK(setup_error(". {\n bind\n}") == "Corefile:2: bind: expected an address or an interface after 'bind'");
  CHECK(setup_error(". {\n bind 127.0.0.1 no-such0\n}") ==
        "Corefile:2: bind: 'no-such0' is neither an IP address nor an interface of this host");
  CHECK(setup_error(". {\n bind 127.0.0.1:53\n}") ==
        "Corefile:2: bind: '127.0.0.1:53' is neither an IP address nor an interface of this host");
  CHECK(setup_error(". {\n bind 127.0.0.1 fe80::1\n}") ==
        "Corefile:2: bind: the link-local address fe80::1 cannot be bound");
  CHECK(setup_error(". {\n bind lo {\n  expect 127.0.0.1\n }\n}") ==
        "Corefile:3: bind: unknown property 'expect'; did you mean 'except'?");
  CHECK(setup_error(". {\n bind lo {\n  except\n }\n}") ==
        "Corefile:3: bind: expected an address or an interface after 'except'");
  CHECK(setup_error(". {\n bind lo {\n  except no-such0\n }\n}") ==
        "Corefile:3: bind: except: 'no-such0' is neither an IP address nor an interface of this host");
  CHECK(setup_error(". {\n bind 127.0.0.1\n bind 127.0.0.2 {\n  except 127.0.0.2\n }\n}") ==
        "Corefile:3: bind: 'except' leaves no address");
}

TEST_CASE("bind: the addresses of a server block") {
  CHECK(listeners("") == Addresses{"0.0.0.0", "::"});
  CHECK(listeners("bind 127.0.0.1 ::1") == Addresses{"127.0.0.1", "::1"});
  CHECK(listeners("bind 127.0.0.1\nbind ::1") == Addresses{"127.0.0.1", "::1"});
  CHECK(listeners("bind 127.0.0.2 127.0.0.1 127.0.0.2\nbind 127.0.0.1") == Addresses{"127.0.0.1", "127.0.0.2"});
  CHECK(listeners("bind 127.0.0.1 127.0.0.2 {\n except 127.0.0.1 fe80::1 192.0.2.1\n}") == Addresses{"127.0.0.2"});
  CHECK(listeners("bind 127.0.0.1 127.0.0.2 127.0.0.3 {\n except 127.0.0.1\n except 127.0.0.2\n}") ==
        Addresses{"127.0.0.3"});
  CHECK(listeners("bind 127.0.0.1 127.0.0.2 {\n except 127.0.0.1\n}\nbind 127.0.0.1") ==
        Addresses{"127.0.0.1", "127.0.0.2"});
}

TEST_CASE("bind: interfaces stand for their addresses") {
  const Addresses all = listeners("bind lo");
  CHECK(std::ranges::count(all, "127.0.0.1") == 1);
  CHECK(std::ranges::count(all, "0.0.0.0") == 0);
  CHECK(listeners("bind lo lo 127.0.0.1") == all);
  CHECK(listeners("bind 127.0.0.1 127.0.0.2 {\n except lo\n}") == Addresses{"127.0.0.2"});
}
