#include "plugins/bufsize/bufsize.h"

#include <array>

#include <fmt/format.h>

#include "tests/support/dns_message.h"
#include "tests/support/plugin_harness.h"

#include <catch2/catch.hpp>  // last: its CHECK is the one that counts here

using namespace swage;
using tests::PluginHarness;

namespace {

constexpr std::array kPlugins = {PluginType{"bufsize", &plugins::bufsize::setup}};

std::string setup_error(std::string_view arguments) {
  return PluginHarness::setup_error(kPlugins, fmt::format(". {{\n bufsize {}\n}}", arguments));
}

// An answer of `records`, 50 bytes each.
PluginHarness::Rest answer_of(int records) {
  return [records](const Query& query, Response& response) -> Result<Outcome> {
    static constexpr std::uint8_t kText[38] = {37};
    response.rcode = dns::Rcode::noerror;
    for (int i = 0; i < records; ++i) {
      response.answer.push_back({.owner = query.qname, .type = dns::Type::txt, .ttl = 1, .rdata = kText});
    }
    return Outcome::send;
  };
}
constexpr int kMany = 40;  // records: two thousand bytes

}  // namespace

TEST_CASE("bufsize: setup") {
  for (const char* const arguments : {"", "1220", "\"1220\"", "512", "4096"}) {
    INFO(arguments);
    CHECK(setup_error(arguments) == "");
  }
  for (const char* const arguments : {"5000", "511", "abc123", "\"512 512\"", "-1", "\"\""}) {
    INFO(arguments);
    CHECK(setup_error(arguments).starts_with("Corefile:2: bufsize: "));
  }
  CHECK(setup_error("512 512") == "Corefile:2: bufsize: unexpected '512'; expected the end of the line");
  CHECK(setup_error("{\n a\n}") == "Corefile:2: bufsize: takes no block");
  CHECK(setup_error("\n bufsize") == "Corefile:3: bufsize: stands twice in a server block");
}

TEST_CASE("bufsize: limits what is sent over UDP") {
  struct Case {
    std::string_view size, question;
    dns::Transport transport;
    std::size_t most;
    bool truncated;
  };
  constexpr auto kUdp = dns::Transport::udp, kTcp = dns::Transport::tcp;
  const Case cases[] = {
      {"1024", "example.org. TXT size=1152", kUdp, 1024, true},  // less than the client offers
      {"1024", "example.org. TXT size=4096", kUdp, 1024, true},
      {"1024", "example.org. TXT size=896", kUdp, 896, true},  // no more than it offers
      {"1024", "example.org. TXT size=100", kUdp, 512, true},
      {"1024", "example.org. TXT", kUdp, 512, true},  // no OPT record
      {"", "example.org. TXT size=4096", kUdp, 1232, true},
      {"4096", "example.org. TXT size=4096", kUdp, 1232, true},  // never more than the server's own limit
      {"512", "example.org. TXT size=1232", kUdp, 512, true},
      {"512", "example.org. TXT size=1232", kTcp, 2040, false},
  };
  for (const Case& test : cases) {
    INFO(test.size << ", " << test.question);
    std::size_t largest = 0;  // that was sent whole
    for (int records = 1; records <= kMany; ++records) {
      PluginHarness harness(kPlugins, fmt::format(". {{\n bufsize {}\n}}", test.size), answer_of(records));
      harness.arrival.transport = test.transport;
      static_cast<void>(harness.ask(test.question));
      const auto sent = tests::decode(harness.sent());
      REQUIRE(sent);
      CHECK(sent->answer.size() == (sent->has(tests::kTc) ? 0U : static_cast<unsigned>(records)));
      if (!sent->has(tests::kTc)) largest = harness.sent().size();
      if (records == kMany) CHECK(sent->has(tests::kTc) == test.truncated);
      CHECK(sent->opt.has_value() == (test.question.find("size") != std::string_view::npos));
      if (sent->opt) CHECK(sent->opt->udp_size == 1232);
    }
    CHECK(largest <= test.most);
    CHECK(largest + 50 > test.most);
  }
}

TEST_CASE("bufsize: nothing is left for the next query") {
  PluginHarness harness(kPlugins, "example.org {\n bufsize 512\n}\nexample.net", answer_of(20));
  static_cast<void>(harness.ask("example.org. TXT size=1232"));
  CHECK(harness.response().truncated);
  static_cast<void>(harness.ask("example.net. TXT size=1232"));
  CHECK(harness.sent().size() > 1000);
}
