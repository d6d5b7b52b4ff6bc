#include "plugins/local/local.h"

#include <array>

#include <fmt/format.h>

#include "core/log.h"
#include "core/metrics/sums.h"
#include "tests/support/log_capture.h"
#include "tests/support/plugin_harness.h"

#include <catch2/catch.hpp>  // last: its CHECK is the one that counts here

using namespace swage;
using tests::PluginHarness;

namespace {

constexpr std::array kPlugins = {PluginType{"local", &plugins::local::setup}};

std::string setup_error(std::string_view corefile) { return PluginHarness::setup_error(kPlugins, corefile); }

Result<Outcome> next(const Query&, Response& response) {
  response.rcode = dns::Rcode::yxdomain;  // nobody else says this
  return Outcome::send;
}

constexpr const char* kNext = "YXDOMAIN\n";
constexpr std::string_view kSoa = " 604800 IN SOA localhost. root.localhost. 1 0 0 0 604800\n";

std::string nodata(std::string_view owner) { return fmt::format("NOERROR\n-- authority\n{}{}", owner, kSoa); }
std::string nxdomain(std::string_view owner) { return fmt::format("NXDOMAIN\n-- authority\n{}{}", owner, kSoa); }

}  // namespace

TEST_CASE("local: names of this host are counted") {
  PluginHarness server(kPlugins, ". {\n local\n}\n");
  for (const char* const name : {"a.localhost. A", "localhost.example.org. TXT", "localhost. A", "example.org. A"}) {
    static_cast<void>(server.ask(name));
  }
  metrics::SheetReader sheet(server.configuration().metrics->memory());
  sheet.update();
  metrics::Sums sums;
  sums.add_trusted(sheet, metrics::Sums::Gauges::take);
  CHECK(sums.text().find("\ncoredns_local_localhost_requests_total 2\n") != std::string::npos);
}

TEST_CASE("local: setup") {
  CHECK(setup_error(". {\n local\n}") == "");
  CHECK(setup_error(". {\n local {\n  localhost_prefix on\n }\n}") == "");
  CHECK(setup_error(". {\n local {\n  localhost_prefix off\n }\n}") == "");
  CHECK(setup_error(". {\n local {\n }\n}") == "");
  CHECK(setup_error(". {\n local example.org\n}") ==
        "Corefile:2: local: unexpected 'example.org'; expected the end of the line");
  CHECK(setup_error(". {\n local {\n  foo\n }\n}") ==
        "Corefile:3: local: unknown property 'foo'; expected localhost_prefix");
  CHECK(setup_error(". {\n local {\n  localhost_prefix\n }\n}") ==
        "Corefile:3: local: expected 'on' or 'off' after 'localhost_prefix'");
  CHECK(setup_error(". {\n local {\n  localhost_prefix maybe\n }\n}")
            .starts_with("Corefile:3: local: localhost_prefix: "));
  CHECK(setup_error(". {\n local\n local\n}") == "Corefile:3: local: stands twice in a server block");
}

TEST_CASE("local: answers") {
  struct Case {
    std::string_view question;
    std::string answer;
  };
  const Case cases[] = {
      {"localhost. A", "NOERROR\nlocalhost. 604800 IN A 127.0.0.1\n"},
      {"localHOst. A", "NOERROR\nlocalHOst. 604800 IN A 127.0.0.1\n"},
      {"localhost. AAAA", "NOERROR\nlocalhost. 604800 IN AAAA ::1\n"},
      {"localhost. NS", "NOERROR\nlocalhost. 604800 IN NS localhost.\n"},
      {"localhost. SOA", fmt::format("NOERROR\nlocalhost.{}", kSoa)},
      {"localhost. MX", nodata("localhost.")},
      {"a.localhost. A", "NOERROR\na.localhost. 604800 IN A 127.0.0.1\n"},
      {"a.b.localhost. AAAA", "NOERROR\na.b.localhost. 604800 IN AAAA ::1\n"},
      {"a.localhost. MX", nodata("a.localhost.")},
      {"a.localhost. SOA", nodata("a.localhost.")},
      {"localhost.example.net. A", "NOERROR\nlocalhost.example.net. 604800 IN A 127.0.0.1\n"},
      {"LOCALHOST.example.net. TXT", nodata("LOCALHOST.example.net.")},
      {"127.in-addr.arpa. A", nodata("127.in-addr.arpa.")},
      {"0.in-addr.arpa. AAAA", nodata("0.in-addr.arpa.")},
      {"255.in-addr.arpa. SOA", fmt::format("NOERROR\n255.in-addr.arpa.{}", kSoa)},
      {"127.in-addr.ARPA. NS", "NOERROR\n127.in-addr.ARPA. 604800 IN NS localhost.\n"},
      {"1.0.0.127.in-addr.arpa. PTR", "NOERROR\n1.0.0.127.in-addr.arpa. 604800 IN PTR localhost.\n"},
      {"1.0.0.127.in-addr.arpa. MX", nodata("127.in-addr.arpa.")},
      {"2.0.0.127.in-addr.arpa. PTR", nxdomain("127.in-addr.arpa.")},
      {"0.127.IN-addr.arpa. PTR", nxdomain("127.IN-addr.arpa.")},
      {"1.255.in-addr.arpa. A", nxdomain("255.in-addr.arpa.")},
      // Not its own.
      {". NS", kNext},
      {"notlocalhost. A", kNext},
      {"a.notlocalhost. A", kNext},
      {"localhosts.example.net. A", kNext},
      {"www.localhost.example.net. A", kNext},
      {"1.in-addr.arpa. PTR", kNext},
      {"in-addr.arpa. NS", kNext},
      {"1.0.0.127.in-addr.example. PTR", kNext},
  };
  PluginHarness harness(kPlugins, ". {\n local\n}", &next);
  for (const Case& test : cases) {
    INFO(test.question);
    CHECK(harness.ask(test.question) == test.answer);
  }
}

TEST_CASE("local: with debug, answers for names that are localhost's in a wider sense are logged") {
  PluginHarness harness(kPlugins, ". {\n local\n}", &next);
  tests::LogCapture log;
  static_cast<void>(harness.ask("a.localhost. A"));
  CHECK(log.take() == "");
  swage::log::show_debug(true);
  static_cast<void>(harness.ask("localhost. A"));
  static_cast<void>(harness.ask("A.localhost. TXT"));
  static_cast<void>(harness.ask("localhost.example.net. A"));
  swage::log::show_debug(false);
  CHECK(log.take() ==
        "[DEBUG] plugin/local: a.localhost. TXT from 192.0.2.7\n"
        "[DEBUG] plugin/local: localhost.example.net. A from 192.0.2.7\n");
}

TEST_CASE("local: localhost_prefix off leaves names that only begin with localhost to the next plugin") {
  PluginHarness harness(kPlugins, ". {\n local {\n  localhost_prefix off\n }\n}", &next);
  CHECK(harness.ask("localhost.example.net. A") == kNext);
  CHECK(harness.ask("localhost. A") == "NOERROR\nlocalhost. 604800 IN A 127.0.0.1\n");
  CHECK(harness.ask("localhost.localhost. A") == "NOERROR\nlocalhost.localhost. 604800 IN A 127.0.0.1\n");
}
