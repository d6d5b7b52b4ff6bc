#include "plugins/root/root.h"

#include <array>

#include <fmt/format.h>
#include <catch2/catch.hpp>

#include "tests/support/plugin_harness.h"

using namespace swage;
using tests::PluginHarness;

namespace {

std::string opened;  // what the directive `open FILE` opens

constexpr std::array kPlugins = {
    PluginType{"root", &plugins::root::setup},
    PluginType{"open",
               [](Controller& controller) -> Result<> {
                 controller.next();
                 TRY(const std::string_view file, controller.expect_arg("a file"));
                 opened = controller.block().path(file);
                 return {};
               }},
};

std::string setup_error(std::string_view corefile) { return PluginHarness::setup_error(kPlugins, corefile); }

std::string path_with(std::string_view directives) {
  REQUIRE(setup_error(fmt::format(". {{\n{}\n}}", directives)) == "");
  return opened;
}

}  // namespace

TEST_CASE("root: setup") {
  CHECK(setup_error(". {\n root\n}") == "Corefile:2: root: expected a folder after 'root'");
  CHECK(setup_error(". {\n root \"\"\n}") == "Corefile:2: root: the folder's path is empty");
  CHECK(setup_error(". {\n root a b\n}") == "Corefile:2: root: unexpected 'b'; expected the end of the line");
  CHECK(setup_error(". {\n root a {\n  b\n }\n}") == "Corefile:2: root: takes no block");
  CHECK(setup_error(". {\n root a\n root b\n}") == "Corefile:3: root: stands twice in a server block");
}

TEST_CASE("root: files are below it, in its server block") {
  CHECK(path_with("open db.example") == "db.example");
  CHECK(path_with("root zones\nopen db.example") == "zones/db.example");
  CHECK(path_with("open sub/db.example\nroot /no/such/folder") == "/no/such/folder/sub/db.example");
  CHECK(path_with("root zones\nopen /etc/db.example") == "/etc/db.example");
  CHECK(setup_error("a.test {\n root zones\n}\nb.test {\n open db.example\n}") == "");
  CHECK(opened == "db.example");
}
