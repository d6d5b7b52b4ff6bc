#include "plugins/user/user.h"

#include <array>
#include <catch2/catch.hpp>

#include "tests/support/plugin_harness.h"

using namespace swage;
using tests::PluginHarness;

namespace {

constexpr std::array kPlugins = {PluginType{"user", &plugins::user::setup}};

std::string setup_error(std::string_view corefile) { return PluginHarness::setup_error(kPlugins, corefile); }

}  // namespace

TEST_CASE("user: setup") {
  CHECK(setup_error(". {\n user swage\n}") == "");
  CHECK(setup_error(". {\n user\n}") == "Corefile:2: user: expected a user after 'user'");
  CHECK(setup_error(". {\n user \"\"\n}") == "Corefile:2: user: the user's name is empty");
  CHECK(setup_error(". {\n user a b\n}") == "Corefile:2: user: unexpected 'b'; expected the end of the line");
  CHECK(setup_error(". {\n user a {\n  b\n }\n}") == "Corefile:2: user: takes no block");
  CHECK(setup_error(". {\n user a\n user b\n}") == "Corefile:3: user: stands twice in a server block");
}

TEST_CASE("user: once in a Corefile") {
  CHECK(setup_error("a.test {\n user a\n}\nb.test {\n user b\n}") ==
        "Corefile:5: user: it is already set at Corefile:2");
}
