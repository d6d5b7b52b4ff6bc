#include "plugins/timeouts/timeouts.h"

#include <array>

#include <fmt/format.h>

#include "tests/support/plugin_harness.h"

#include <catch2/catch.hpp>  // last: its CHECK is the one that counts here

using namespace swage;
using tests::PluginHarness;

namespace {

constexpr std::array kPlugins = {PluginType{"timeouts", &plugins::timeouts::setup}};

std::string setup_error(std::string_view block) {
  return PluginHarness::setup_error(kPlugins, fmt::format(". {{\n timeouts {}\n}}", block));
}

// idle, read, write and queries; 0 for what is not said.
std::array<long, 4> limits(std::string_view corefile) {
  const PluginHarness harness(kPlugins, corefile);
  const TcpLimits& tcp = harness.configuration().listeners.begin()->second.tcp;
  const auto count = [](const std::optional<std::chrono::seconds>& time) { return time ? time->count() : 0L; };
  return {count(tcp.idle), count(tcp.read), count(tcp.write), static_cast<long>(tcp.most_requests.value_or(0))};
}

}  // namespace

TEST_CASE("timeouts: setup") {
  for (const char* const block :
       {"{\n read 30s\n}", "{\n read 1m\n write 2m\n}", "{\n idle 1h\n}", "{\n read 10\n write 20\n idle 60\n}",
        "{\n maxtcpqueries 128\n}", "{\n maxtcpqueries -1\n}", "{\n read 10s\n maxtcpqueries 128\n}"}) {
    INFO(block);
    CHECK(setup_error(block) == "");
  }
  CHECK(setup_error("") == "Corefile:2: timeouts: expected a block with at least one time-out");
  CHECK(setup_error("{\n}") == "Corefile:2: timeouts: expected a block with at least one time-out");
  CHECK(setup_error("30s") ==
        "Corefile:2: timeouts: unexpected '30s'; expected the end of the line\n"
        "Corefile:2: timeouts: expected a block with at least one time-out");
  CHECK(setup_error("{\n read 10s\n giraffe 30s\n}") ==
        "Corefile:4: timeouts: unknown property 'giraffe'; expected read, write, idle, maxtcpqueries");
  CHECK(setup_error("{\n read 10s 20s\n}") ==
        "Corefile:3: timeouts: read: unexpected '20s'; expected the end of the line");
  CHECK(setup_error("{\n write\n}") == "Corefile:3: timeouts: expected a duration after 'write'");
  CHECK(setup_error("{\n write snake\n}").starts_with("Corefile:3: timeouts: write: 'snake' is not a duration"));
  CHECK(setup_error("{\n idle 0s\n}") == "Corefile:3: timeouts: idle: '0s' is not between 1s and 24h");
  CHECK(setup_error("{\n idle 999ms\n}") == "Corefile:3: timeouts: idle: '999ms' is not between 1s and 24h");
  CHECK(setup_error("{\n read 48h\n}") == "Corefile:3: timeouts: read: '48h' is not between 1s and 24h");
  for (const char* const number : {"0", "-2", "snake", "1.5", "99999999999"}) {
    CHECK(setup_error(fmt::format("{{\n maxtcpqueries {}\n}}", number)).starts_with("Corefile:3: timeouts: "));
  }
}

TEST_CASE("timeouts: what a listener is told") {
  using Limits = std::array<long, 4>;
  CHECK(limits(".") == Limits{0, 0, 0, 0});
  CHECK(limits(". {\n timeouts {\n read 15s\n write 30\n }\n}") == Limits{0, 15, 30, 0});
  CHECK(limits(". {\n timeouts {\n idle 1500ms\n maxtcpqueries 128\n }\n}") == Limits{2, 0, 0, 128});
  CHECK(limits(". {\n timeouts {\n maxtcpqueries 1\n maxtcpqueries -1\n }\n}") == Limits{0, 0, 0, 0});
  CHECK(limits("a.test {\n timeouts {\n idle 5s\n read 6s\n }\n}\nb.test {\n timeouts {\n idle 7s\n }\n}\nc.test") ==
        Limits{7, 6, 0, 0});
}
