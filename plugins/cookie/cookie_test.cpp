#include "plugins/cookie/cookie.h"

#include <array>

#include <fmt/format.h>

#include "core/cookie/cookie.h"
#include "tests/support/dns_message.h"
#include "tests/support/loopback.h"
#include "tests/support/plugin_harness.h"

#include <catch2/catch.hpp>  // last: its CHECK is the one that counts here

using namespace swage;
using tests::PluginHarness;

namespace {

constexpr std::array kPlugins = {PluginType{"cookie", &plugins::cookie::setup}};
constexpr const char *kFirst = "e5e973e5a6b2a43f48e7dc849e37bfcf", *kSecond = "445536bcd2513298075a5d379663c962";

std::string setup_error(std::string_view text) {
  return PluginHarness::setup_error(kPlugins, fmt::format(". {{\n cookie {}\n}}", text));
}

std::string block(std::string_view path) { return fmt::format(". {{\n cookie {{\n  secret {}\n }}\n}}", path); }

Bytes memory(const PluginHarness& harness) { return harness.configuration().snapshots.at("server secrets")->bytes(); }

}  // namespace

TEST_CASE("cookie: setup") {
  for (const char* const text : {"", "off", "{\n}", "{\n secret a b\n secret c\n require\n}", "{\n require\n}"}) {
    INFO(text);
    CHECK(setup_error(text) == "");
  }
  CHECK(setup_error("on") == "Corefile:2: cookie: expected 'off', not 'on'");
  CHECK(setup_error("{\n secret\n}") == "Corefile:3: cookie: expected the path of a file of secrets after 'secret'");
  CHECK(setup_error("{\n require all\n}").starts_with("Corefile:3: cookie: "));
  CHECK(setup_error("{\n secrets a\n}").starts_with("Corefile:3: cookie: "));
  CHECK(setup_error("off\n cookie off") == "Corefile:3: cookie: stands twice in a server block");
  CHECK(PluginHarness::setup_error(kPlugins, "a {\n cookie off\n}\nb {\n cookie {\n  secret f\n }\n}") ==
        "Corefile:5: cookie: Corefile:2 says it already, for the server as a whole");
  CHECK(PluginHarness::setup_error(kPlugins, "a {\n cookie {\n  require\n }\n}\nb {\n cookie off\n}") == "");
}

TEST_CASE("cookie: secrets of files") {
  const tests::Folder folder;
  const std::string path = folder.write("secrets", fmt::format("# ours\n\n {} # new\n{}\r\n", kFirst, kSecond));
  const PluginHarness harness(kPlugins, block(path));
  REQUIRE(harness.prepare() == "");
  const cookie::Secrets secrets(memory(harness));
  REQUIRE(secrets.count() == 2);
  CHECK(tests::to_hex(secrets[0]) == tests::to_hex(tests::from_hex(kFirst)));
  CHECK(tests::to_hex(secrets[1]) == tests::to_hex(tests::from_hex(kSecond)));
  const PluginHarness both(kPlugins, block(path + " " + folder.write("more", kFirst)));
  REQUIRE(both.prepare() == "");
  CHECK(cookie::Secrets(memory(both)).count() == 3);

  const auto error = [&](const std::string& text) {
    const std::string bad = folder.write("bad", text);
    std::string said = PluginHarness(kPlugins, block(bad)).prepare();
    const std::size_t at = said.find(bad);
    return at == std::string::npos ? said : said.substr(0, at) + said.substr(at + bad.size());
  };
  CHECK(error("") == "Corefile:2: : no secret: expected a line of 32 hexadecimal digits");
  CHECK(error("# none\n") == "Corefile:2: : no secret: expected a line of 32 hexadecimal digits");
  CHECK(error("e5e9") == "Corefile:2: :1: expected a secret: 32 hexadecimal digits");
  CHECK(error(fmt::format("{}\n{}0", kFirst, kFirst)) == "Corefile:2: :2: expected a secret: 32 hexadecimal digits");
  CHECK(error(fmt::format("{} {}", kFirst, kFirst)) == "Corefile:2: :1: expected a secret: 32 hexadecimal digits");
  CHECK(error("zze973e5a6b2a43f48e7dc849e37bfcf") == "Corefile:2: :1: expected a secret: 32 hexadecimal digits");
  std::string many;
  for (int i = 0; i < 9; ++i) many += fmt::format("{}\n", kFirst);
  CHECK(error(many) == "Corefile:2: :9: expected no more than 8 secrets");
  CHECK(PluginHarness(kPlugins, block("/nowhere/at/all")).prepare() ==
        "Corefile:2: /nowhere/at/all: No such file or directory");
}

TEST_CASE("cookie: without a file the secret is random, and stays") {
  const PluginHarness harness(kPlugins, ". {\n}");
  REQUIRE(harness.prepare() == "");
  REQUIRE(cookie::Secrets(memory(harness)).count() == 1);
  const std::string before = tests::to_hex(memory(harness));
  REQUIRE(harness.prepare() == "");  // as the process does that takes the place of this one
  CHECK(tests::to_hex(memory(harness)) == before);
  const PluginHarness other(kPlugins, ". {\n}");
  REQUIRE(other.prepare() == "");
  CHECK(tests::to_hex(memory(other)) != before);
  const PluginHarness off(kPlugins, ". {\n cookie off\n}");
  REQUIRE(off.prepare() == "");
  CHECK(cookie::Secrets(memory(off)).count() == 0);
  CHECK(cookie::Secrets(memory(off)).hash_key().size() == 16);
}
