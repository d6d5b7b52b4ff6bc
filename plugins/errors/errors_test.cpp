#include "plugins/errors/errors.h"

#include <array>

#include <fmt/format.h>
#include <catch2/catch.hpp>

#include "core/log.h"
#include "tests/support/log_capture.h"
#include "tests/support/plugin_harness.h"

using namespace swage;
using tests::LogCapture;
using tests::PluginHarness;

namespace {

constexpr std::array kPlugins = {PluginType{"errors", &plugins::errors::setup}};
constexpr std::int64_t kSecond = 1'000'000'000;

std::string setup_error(std::string_view corefile) { return PluginHarness::setup_error(kPlugins, corefile); }

// The error of a Corefile whose errors block has one line.
std::string option_error(std::string_view option) {
  return setup_error(fmt::format(". {{\n errors {{\n  {}\n }}\n}}", option));
}

// A server whose plugins fail as they are told.
struct Failing {
  std::string with;  // nothing: they do not
  PluginHarness harness;

  explicit Failing(std::string_view block)
      : harness(kPlugins, fmt::format(". {{\n errors {{\n{}\n}}\n}}", block), [this](const Query&, Response&) {
          return with.empty() ? Result<Outcome>(Outcome::send) : fail("{}", with);
        }) {}

  void ask(std::string_view error, std::int64_t at = 0) {
    with = error;
    harness.arrival.received = at;
    CHECK(harness.ask("Example.org. A") == (error.empty() ? "REFUSED\n" : fmt::format("error: {}", error)));
  }
};

}  // namespace

TEST_CASE("errors: setup") {
  CHECK(setup_error(". {\n errors\n}") == "");
  CHECK(setup_error(". {\n errors stdout\n}") == "");
  CHECK(setup_error(". {\n errors stderr\n}") == "Corefile:2: errors: expected 'stdout', not 'stderr'");
  CHECK(setup_error(". {\n errors stdout twice\n}") ==
        "Corefile:2: errors: unexpected 'twice'; expected the end of the line");
  CHECK(setup_error(". {\n errors\n errors\n}") == "Corefile:3: errors: stands twice in a server block");
  CHECK(option_error("stacktrace") == "");
  CHECK(option_error("stacktrace on") ==
        "Corefile:3: errors: stacktrace: unexpected 'on'; expected the end of the line");
  CHECK(option_error("consolidated") ==
        "Corefile:3: errors: unknown property 'consolidated'; did you mean 'consolidate'?");
}

TEST_CASE("errors: setup of consolidate") {
  for (const char* const option : {"1m ^a", "1m30s \"^a b$\" info", "1s a show_first", "1s a debug show_first"}) {
    INFO(option);
    CHECK(option_error(fmt::format("consolidate {}\n  consolidate {}", option, option)) == "");
  }
  const auto error = [](std::string_view option) {
    const std::string text = option_error(fmt::format("consolidate {}", option));
    constexpr std::string_view kWhere = "Corefile:3: errors: ";
    REQUIRE(text.starts_with(kWhere));
    const std::string what = text.substr(kWhere.size());
    constexpr std::string_view kProperty = "consolidate: ";
    return what.starts_with(kProperty) ? what.substr(kProperty.size()) : what;
  };
  CHECK(error("") == "expected a duration after 'consolidate'");
  CHECK(error("1m") == "expected a regular expression after '1m'");
  CHECK(error("soon a") == "'soon' is not a duration; expected a number with a unit, such as 500ms, 30s or 1h30m");
  CHECK(error("1m a fatal") == "'fatal' is neither a level (error, warning, info or debug) nor 'show_first'");
  CHECK(error("1m a info error") == "'error': there can be one level, before 'show_first'");
  CHECK(error("1m a show_first info") == "'info': there can be one level, before 'show_first'");
  CHECK(error("1m a show_first show_first") ==
        "'show_first' is neither a level (error, warning, info or debug) nor 'show_first'");
  CHECK(error("1m " + std::string(10'001, 'a')) == "a regular expression of 10001 bytes; at most 10000 are allowed");
  CHECK(error("1m (a").starts_with("'(a' is not a valid regular expression: "));
  CHECK(error("1m a(?=b)").starts_with("'a(?=b)' is not a valid regular expression: "));
  CHECK(error(R"(1m "(a)\1")").starts_with(R"('(a)\1' is not a valid regular expression: )"));
}

TEST_CASE("errors: an error is logged and passed on") {
  Failing server("stacktrace");
  LogCapture log;
  server.ask("");
  CHECK(log.take() == "");
  server.ask("not loaded yet");
  server.ask("not loaded yet");
  CHECK(log.take() ==
        "[ERROR] plugin/errors: 2 example.org. A: not loaded yet\n"
        "[ERROR] plugin/errors: 2 example.org. A: not loaded yet\n");
}

TEST_CASE("errors: consolidated errors give one line after their time") {
  Failing server("consolidate 30s \"^cannot .+\" warning\nconsolidate 1m yet$ info");
  LogCapture log;
  server.ask("cannot read", 10 * kSecond);
  server.ask("cannot write yet", 20 * kSecond);  // the first that matches counts
  server.ask("not yet", 30 * kSecond);
  CHECK(log.take() == "");
  server.ask("something else", 31 * kSecond);
  CHECK(log.take() == "[ERROR] plugin/errors: 2 example.org. A: something else\n");
  server.ask("", 40 * kSecond - 1);
  CHECK(log.take() == "");
  server.ask("", 40 * kSecond);
  CHECK(log.take() == "[WARNING] plugin/errors: 2 errors like '^cannot .+' occurred in last 30s\n");
  server.ask("cannot read", 50 * kSecond);
  server.ask("", 95 * kSecond);
  CHECK(log.take() ==
        "[WARNING] plugin/errors: 1 errors like '^cannot .+' occurred in last 30s\n"
        "[INFO] plugin/errors: 1 errors like 'yet$' occurred in last 1m\n");
  server.ask("", 1000 * kSecond);
  CHECK(log.take() == "");
}

TEST_CASE("errors: show_first logs the first at once, and no number of one") {
  Failing server("consolidate 30s a warning show_first");
  LogCapture log;
  server.ask("a", 0);
  CHECK(log.take() == "[WARNING] plugin/errors: 2 example.org. A: a\n");
  server.ask("", 30 * kSecond);
  CHECK(log.take() == "");
  server.ask("aa", 40 * kSecond);
  server.ask("aaa", 41 * kSecond);
  CHECK(log.take() == "[WARNING] plugin/errors: 2 example.org. A: aa\n");
  server.ask("", 70 * kSecond);
  CHECK(log.take() == "[WARNING] plugin/errors: 2 errors like 'a' occurred in last 30s\n");
}

TEST_CASE("errors: lines of level debug are written only where somebody wants to see them") {
  Failing server("consolidate 30s a debug show_first");
  LogCapture log;
  server.ask("a", 0);
  server.ask("a", 1);
  server.ask("", 31 * kSecond);
  CHECK(log.take() == "");
  swage::log::show_debug(true);
  server.ask("a", 40 * kSecond);
  swage::log::show_debug(false);
  CHECK(log.take() == "[DEBUG] plugin/errors: 2 example.org. A: a\n");
}

TEST_CASE("errors: what is still counted is logged at the end") {
  LogCapture log;
  {
    Failing server("consolidate 1h a");
    server.ask("a");
    CHECK(log.take() == "");
  }
  CHECK(log.take() == "[ERROR] plugin/errors: 1 errors like 'a' occurred in last 1h\n");
}

TEST_CASE("errors: regular expressions") {
  struct Case {
    std::string_view pattern, text;
    bool matches;
  };
  const Case cases[] = {
      {".* i/o timeout$", "read udp 10.0.0.1:53: i/o timeout", true},
      {".* i/o timeout$", "i/o timeout: 3", false},
      {R"(^\w+ \d{1,3}[[:space:]](?:a|b)*?$)", "read 123 abba", true},
      {"(?i)FAILED", "it failed", true},
      {"it (?P<how>(?i:FAILED))", "it failed", true},
      {"FAILED", "it failed", false},
      {"", "anything", true},
  };
  for (const Case& test : cases) {
    INFO(test.pattern << " on " << test.text);
    const auto made = plugins::errors::Consolidation::make(
        {.duration = "1s", .period = kSecond, .pattern = std::string(test.pattern)});
    REQUIRE(made);
    CHECK(made->matches(std::string(test.text)) == test.matches);
  }
}

TEST_CASE("errors: no text makes matching slow or deep") {
  const auto made = plugins::errors::Consolidation::make({.duration = "1s", .pattern = "^(a+)+(a|aa)*$"});
  REQUIRE(made);
  CHECK_FALSE(made->matches(std::string(5'000, 'a') + "b"));
}
