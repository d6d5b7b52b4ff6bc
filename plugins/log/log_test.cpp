// What is logged, and for which queries. The lines themselves are format_test.cpp's.
#include "plugins/log/log.h"

#include <array>
#include <catch2/catch.hpp>
#include <regex>

#include <fmt/format.h>

#include "tests/support/log_capture.h"
#include "tests/support/plugin_harness.h"

using namespace swage;
using tests::LogCapture;
using tests::PluginHarness;

namespace {

constexpr std::array kPlugins = {PluginType{"log", &plugins::log::setup}};

std::string setup_error(std::string_view corefile) { return PluginHarness::setup_error(kPlugins, corefile); }

// Answers by the first label: "ok", "nxdomain", "fail"; anything else is refused.
Result<Outcome> answer(const Query& query, Response& response) {
  static constexpr std::array<std::uint8_t, 4> kAddress = {192, 0, 2, 1};
  const std::string_view label = as_text(query.key.view().first_label());
  if (label == "fail") return fail("broken");
  if (label == "nxdomain") response.rcode = dns::Rcode::nxdomain;
  if (label == "ok") {
    response.rcode = dns::Rcode::noerror;
    response.answer.push_back({.owner = query.qname, .type = dns::Type::a, .ttl = 60, .rdata = kAddress});
  }
  return Outcome::send;
}

// The lines for these queries, without "[INFO] ".
std::string logged(std::string_view directives, const std::vector<std::string>& queries) {
  PluginHarness harness(kPlugins, fmt::format(". {{\n{}\n}}", directives), answer);
  LogCapture log;
  for (const std::string& query : queries) static_cast<void>(harness.ask(query));
  return std::regex_replace(log.take(), std::regex("\\[INFO\\] "), "");
}

const std::vector<std::string> kEach = {"ok.example.org. A", "nxdomain.example.org. A", "fail.example.org. A",
                                        "refused.example.net. A"};

}  // namespace

TEST_CASE("log: setup") {
  for (const char* const directive :
       {"log", "log example.org", "log example.org.", "log {common}", "log example.org example.net {combined}",
        "log example.org \"{proto} {/forward/upstream}\"", "log . {combined} {\n class denial error\n class all\n}",
        "log example.org {host}\nlog example.org {when}", "log {\n class success\n}"}) {
    INFO(directive);
    CHECK(setup_error(fmt::format(". {{\n{}\n}}", directive)) == "");
  }
  CHECK(setup_error(". {\n log {common} example.org\n}") == "Corefile:2: log: the format '{common}' must come last");
  CHECK(setup_error(". {\n log a..b\n}") == "Corefile:2: log: empty label in domain name 'a..b'");
  CHECK(setup_error(". {\n log {\n  klass all\n }\n}") ==
        "Corefile:3: log: unknown property 'klass'; did you mean 'class'?");
  CHECK(setup_error(". {\n log {\n  class\n }\n}") ==
        "Corefile:3: log: expected 'success', 'denial', 'error' or 'all' after 'class'");
  CHECK(setup_error(". {\n log\n log {\n  class denial abracadabra\n }\n}") ==
        "Corefile:4: log: class: expected 'success', 'denial', 'error' or 'all', not 'abracadabra'");
}

TEST_CASE("log: what looks like a placeholder and is none is warned of") {
  const auto warnings = [](std::string_view format) {
    const PluginHarness harness(kPlugins, fmt::format(". {{\n log . {}\n}}", format), answer);
    std::string text;
    for (const Error& each : harness.configuration().warnings) text += each.text() + "\n";
    return text;
  };
  CHECK(warnings("\"{foo} {name} {>nothing} x\"") ==
        "Corefile:2: log: '{foo}' is not a placeholder; it is logged as it stands\n"
        "Corefile:2: log: '{>nothing}' is not a placeholder; it is logged as it stands\n");
  CHECK(warnings("{common}") == "");
  CHECK(warnings(R"("{ \"name\": \"{name}\" } {} {a b}")") == "");
}

TEST_CASE("log: one line a query, as it was sent") {
  CHECK(logged("log . \"{name} {rcode}\"", kEach) ==
        "ok.example.org. NOERROR\nnxdomain.example.org. NXDOMAIN\nfail.example.org. SERVFAIL\n"
        "refused.example.net. REFUSED\n");
  CHECK(logged("log {rsize}", {"ok.example.org. A"}) == "48\n");
}

TEST_CASE("log: the default is the common format") {
  PluginHarness harness(kPlugins, ". {\n log\n}", answer);
  LogCapture log;
  static_cast<void>(harness.ask("OK.example.org. A do"));
  const std::string line = log.take();
  INFO(line);
  CHECK(std::regex_match(line, std::regex(R"(\[INFO\] 192\.0\.2\.7:50000 - \d+ "A IN ok\.example\.org\. udp 43 true )"
                                          R"(1232" NOERROR qr 59 \d+(\.\d+)?s\n)")));
}

TEST_CASE("log: names") {
  CHECK(logged("log example.org {name}", {"example.org. A", "a.EXAMPLE.org. A", "example.net. A", "xexample.org. A"}) ==
        "example.org.\na.example.org.\n");
  CHECK(logged("log a.test b.test {name}", {"x.a.test. A", "x.b.test. A", "test. A"}) == "x.a.test.\nx.b.test.\n");
}

TEST_CASE("log: the first directive with the name counts, whatever its classes") {
  CHECK(logged("log a.test \"1 {name}\" {\n class error\n}\nlog . \"2 {name}\"",
               {"ok.a.test. A", "refused.a.test. A", "b.test. A"}) == "1 refused.a.test.\n2 b.test.\n");
}

TEST_CASE("log: classes") {
  const auto classes = [](std::string_view names) {
    return logged(fmt::format("log {{rcode}} {{\n class {}\n}}", names), kEach);
  };
  CHECK(classes("success") == "NOERROR\n");
  CHECK(classes("denial") == "NXDOMAIN\n");
  CHECK(classes("error") == "SERVFAIL\nREFUSED\n");
  CHECK(classes("denial success") == "NOERROR\nNXDOMAIN\n");
  CHECK(classes("denial\n class success") == "NOERROR\nNXDOMAIN\n");
  CHECK(classes("denial all") == "NOERROR\nNXDOMAIN\nSERVFAIL\nREFUSED\n");
}

TEST_CASE("log: the duration runs from the query's arrival by the steady clock") {
  const plugins::log::Log observer(
      {{.names = {dns::Name()}, .format = plugins::log::Format("{duration}"), .classes = {}}},
      [] { return std::chrono::steady_clock::time_point(std::chrono::microseconds(1500)); });
  Query query;
  query.received = 1'000'000;
  LogCapture log;
  observer.sent(query, Response(), {});
  CHECK(log.take() == "[INFO] 0.0005s\n");
}
