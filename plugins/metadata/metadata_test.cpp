#include "plugins/metadata/metadata.h"

#include <array>

#include <fmt/format.h>
#include <catch2/catch.hpp>

#include "tests/support/plugin_harness.h"

using namespace swage;
using tests::PluginHarness;

namespace {

Result<> knows(Controller& controller) {
  controller.next();
  controller.metadata().add("knows/type",
                            [](const Query& query, std::string& text) { text += dns::to_string(query.qtype); });
  controller.metadata().add("knows/nothing", [](const Query&, std::string&) {});
  return {};
}

constexpr std::array kPlugins = {PluginType{"metadata", &plugins::metadata::setup}, PluginType{"knows", &knows}};

std::string value(std::string_view arguments, std::string_view label, std::string_view question) {
  PluginHarness server(kPlugins, fmt::format("example.org {{\n knows\n{}}}\n", arguments));
  static_cast<void>(server.ask(question));
  std::string text;
  const bool known = server.configuration().blocks[0]->settings.metadata.append(label, server.query(), text);
  CHECK(known == !text.empty());
  return text;
}

}  // namespace

TEST_CASE("metadata: values are those of the labels, in the zones that have it") {
  CHECK(value(" metadata\n", "knows/type", "a.example.org. AAAA") == "AAAA");
  CHECK(value(" metadata\n", "knows/nothing", "a.example.org. AAAA").empty());
  CHECK(value(" metadata\n", "other/type", "a.example.org. AAAA").empty());
  CHECK(value("", "knows/type", "a.example.org. AAAA").empty());
  CHECK(value(" metadata b.example.org\n", "knows/type", "a.example.org. AAAA").empty());
  CHECK(value(" metadata b.example.org\n", "knows/type", "a.b.example.org. AAAA") == "AAAA");
}

TEST_CASE("metadata: setup") {
  const auto setup_error = [](std::string_view corefile) { return PluginHarness::setup_error(kPlugins, corefile); };
  CHECK(setup_error(". {\n metadata {\n }\n}").empty());
  CHECK(setup_error(". {\n metadata {\n  x\n }\n}") == "Corefile:2: metadata: takes no block");
  CHECK(setup_error(". {\n metadata\n metadata\n}") == "Corefile:3: metadata: stands twice in a server block");
}
