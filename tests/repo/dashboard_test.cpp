// What the documentation asks Prometheus, in docs/grafana-dashboard.json and docs/alerts.yml: good expressions, and of
// metrics that a plugin's README has. Each alert fires when it should (tests/repo/alerts.yml) and is explained.
#include <filesystem>
#include <regex>
#include <set>
#include <sstream>
#include <string>
#include <utility>
#include <vector>

#include <fmt/format.h>
#include <yaml-cpp/yaml.h>
#include <nlohmann/json.hpp>

#include "tests/support/process.h"
#include "tests/support/server.h"

#include <catch2/catch.hpp>  // last: its CHECK is the one that counts here

namespace {

using namespace swage::tests;
using namespace std::chrono_literals;
using nlohmann::json;

json dashboard() { return json::parse(read_file("docs/grafana-dashboard.json")); }

// As Grafana would fill them in.
std::string without_variables(std::string text) {
  for (const auto& [variable, value] : {std::pair("$__rate_interval", "1m"), std::pair("$instance", ".*")}) {
    for (std::size_t at = 0; (at = text.find(variable)) != std::string::npos;) {
      text.replace(at, std::string(variable).size(), value);
    }
  }
  return text;
}

std::vector<YAML::Node> alerts() {
  std::vector<YAML::Node> rules;
  for (const YAML::Node& group : YAML::LoadFile("docs/alerts.yml")["groups"]) {
    for (const YAML::Node& rule : group["rules"]) rules.push_back(rule);
  }
  return rules;
}

// Whether it is there; ends well.
bool promtool(std::vector<std::string> arguments) {
  if (!installed("promtool")) {
    WARN("SKIPPED: promtool is not installed (Debian: prometheus)");
    return true;
  }
  arguments.insert(arguments.begin(), "promtool");
  auto process = Process::start({.arguments = std::move(arguments)});
  REQUIRE(process);
  const auto status = process->wait(120s);
  INFO(process->log());
  REQUIRE(status);
  CHECK(status->clean());
  return status->clean();
}

std::vector<std::string> expressions() {
  std::vector<std::string> all;
  const json content = dashboard();
  for (const json& annotation : content["annotations"]["list"]) all.push_back(without_variables(annotation["expr"]));
  for (const json& panel : content["panels"]) {
    for (const json& target : panel.value("targets", json::array())) all.push_back(without_variables(target["expr"]));
  }
  for (const YAML::Node& rule : alerts()) all.push_back(rule["expr"].as<std::string>());
  return all;
}

}  // namespace

TEST_CASE("dashboard, alerts: promtool takes every expression") {
  json rules = json::array();  // JSON is YAML
  for (const std::string& expression : expressions()) {
    rules.push_back({{"record", fmt::format("expression_{}", rules.size())}, {"expr", expression}});
  }
  CHECK(rules.size() > 40);
  const Folder folder;
  const std::string file = folder.write("rules.yml", json{{"groups", {{{"name", "all"}, {"rules", rules}}}}}.dump(1));
  CHECK(promtool({"check", "rules", file}));
}

TEST_CASE("alerts: each fires when it should, and not in an ordinary hour; each is in the guide") {
  CHECK(promtool({"check", "rules", "docs/alerts.yml"}));
  CHECK(promtool({"test", "rules", "tests/repo/alerts.yml", "tests/repo/alerts_of_days.yml"}));
  const std::string guide = read_file("docs/operating.md"),
                    tests = read_file("tests/repo/alerts.yml") + read_file("tests/repo/alerts_of_days.yml");
  CHECK(alerts().size() > 10);
  for (const YAML::Node& rule : alerts()) {
    const auto name = rule["alert"].as<std::string>();
    INFO(name);
    CHECK(guide.find("| " + name + " |") != std::string::npos);
    CHECK(tests.find(name) != std::string::npos);
    CHECK(rule["annotations"]["summary"]);
    CHECK(rule["annotations"]["description"]);
  }
}

TEST_CASE("dashboard, alerts: every metric is in a plugin's README") {
  std::string readmes;
  for (const auto& plugin : std::filesystem::directory_iterator("plugins")) {
    if (plugin.is_directory()) readmes += read_file(plugin.path() / "README.md");
  }
  std::set<std::string> metrics;
  const std::regex name("(coredns|swage)_[a-z0-9_]+");
  const std::regex of_histogram("_(bucket|sum|count)$");
  for (const std::string& expression : expressions()) {
    for (std::sregex_iterator it(expression.begin(), expression.end(), name), end; it != end; ++it) {
      metrics.insert(std::regex_replace(it->str(), of_histogram, ""));
    }
  }
  CHECK(metrics.size() > 20);
  for (const std::string& metric : metrics) {
    INFO(metric);
    CHECK(std::regex_search(readmes, std::regex("`[^`]*\\b" + metric + "\\b")));
  }
}

TEST_CASE("dashboard: no two panels in the same place") {
  std::set<int> ids;
  std::set<std::pair<int, int>> taken;
  const json content = dashboard();
  for (const json& panel : content["panels"]) {
    const std::string title = panel["title"];
    const int id = panel["id"];
    INFO(title);
    CHECK(ids.insert(id).second);
    const json& at = panel["gridPos"];
    const int left = at["x"], top = at["y"], width = at["w"], height = at["h"];
    CHECK(left + width <= 24);
    int shared = 0;
    for (int x = left; x < left + width; ++x) {
      for (int y = top; y < top + height; ++y) shared += taken.emplace(x, y).second ? 0 : 1;
    }
    CHECK(shared == 0);
  }
}
