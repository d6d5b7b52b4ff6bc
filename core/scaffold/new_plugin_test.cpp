#include "core/scaffold/new_plugin.h"

#include <algorithm>
#include <array>
#include <filesystem>

#include "tests/support/loopback.h"

#include <catch2/catch.hpp>  // last: its CHECK is the one that counts here

namespace swage::scaffold {
namespace {

constexpr auto kTaken = std::to_array<std::string_view>({"file", "whoami"});

std::string refusal(std::vector<const char*> arguments) {
  const auto plugin = parse_new_plugin(arguments, kTaken);
  return plugin ? "" : plugin.error().text();
}

TEST_CASE("new-plugin: what is asked for") {
  const auto plugin = parse_new_plugin(std::to_array({"--service", "my-plugin2"}), kTaken);
  REQUIRE(plugin.has_value());
  CHECK(plugin->name == "my-plugin2");
  CHECK(plugin->service);
  CHECK_FALSE(plugin->observer);
}

TEST_CASE("new-plugin: names that cannot be") {
  const std::string no_name = "' is not a directive's name: expected at most 40 lower-case letters, digits and '-'";
  for (const char* const name : {"Upper", "a_b", "a--b", "a-", "1a", "../x", "a/b", "ä", "", "a b"}) {
    CHECK(refusal({name}) == "new-plugin: '" + std::string(name) + no_name);
  }
  CHECK(refusal({}) == "new-plugin: '" + no_name);
  CHECK(refusal({std::string(41, 'a').c_str()}) == "new-plugin: '" + std::string(41, 'a') + no_name);
  CHECK(refusal({"file"}) == "new-plugin: there is a directive 'file' already");
  CHECK(refusal({"class"}) == "new-plugin: 'class' means something else in the code of a plugin; take another name");
  CHECK(refusal({"metrics"}) ==
        "new-plugin: 'metrics' means something else in the code of a plugin; take another name");
  CHECK(refusal({"a", "b"}) == "new-plugin: unexpected 'b': expected NAME [--service] [--observer]");
  CHECK(refusal({"a", "--servce"}) == "new-plugin: unexpected '--servce': expected NAME [--service] [--observer]");
}

TEST_CASE("new-plugin: templates are filled") {
  const std::string text =
      "PluginName plugin-name\n// [[service]]\nplugin_name\n  // [[end]]\n# [[observer]]\no\n# [[end]]\nx";
  CHECK(filled(text, {.name = "my-own"}) == "MyOwn my-own\nx");
  CHECK(filled(text, {.name = "my-own", .service = true}) == "MyOwn my-own\nmy_own\nx");
  CHECK(filled(text, {.name = "a", .observer = true}) == "A a\no\nx");
}

TEST_CASE("new-plugin: nothing of the template is left") {
  for (const auto& plugin : {NewPlugin{"greet-all", false, false}, NewPlugin{"greet-all", true, true}}) {
    const auto files = new_plugin_files(plugin);
    std::vector<std::string> paths;
    for (const NewFile& file : files) {
      paths.push_back(file.path);
      INFO(file.path);
      CHECK(file.text.find("[[end") == std::string::npos);
      CHECK(file.text.find("lugin_name") == std::string::npos);
      CHECK(file.text.find("lugin-name") == std::string::npos);
      CHECK(file.text.find("luginName") == std::string::npos);
      CHECK((file.path == "greet_all.cpp" && file.text.find("Service") != std::string::npos) ==
            (file.path == "greet_all.cpp" && plugin.service));
    }
    std::ranges::sort(paths);
    CHECK(paths == std::vector<std::string>{".github/workflows/ci.yml", ".gitignore", "CMakeLists.txt", "README.md",
                                            "greet_all.cpp", "greet_all_test.cpp", "plugin.yaml"});
  }
}

TEST_CASE("new-plugin: a folder that is there is left alone") {
  const tests::Folder folder;
  const auto before = std::filesystem::current_path();
  std::filesystem::current_path(folder.path());
  CHECK(write_new_plugin({.name = "greet"}).has_value());
  CHECK(tests::read_file("greet/plugin.yaml").starts_with("name: greet\n"));
  const auto again = write_new_plugin({.name = "greet"});
  std::filesystem::current_path(before);
  REQUIRE_FALSE(again.has_value());
  CHECK(again.error().text() == "new-plugin: there is a folder greet already");
}

}  // namespace
}  // namespace swage::scaffold
