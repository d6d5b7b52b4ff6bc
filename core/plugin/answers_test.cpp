#include "core/plugin/answers.h"

#include "tests/support/dns_message.h"
#include "tests/support/plugin_harness.h"

#include <array>

#include <fmt/format.h>
#include <catch2/catch.hpp>  // last: its CHECK is the one that counts here

namespace swage {
namespace {

using tests::PluginHarness;

// Answers by the first label of the name.
class Computes : public Plugin {
 public:
  Result<Outcome> serve(const Query& query, Response& response, Next next) const override {
    const std::string_view label = as_text(query.key.view().first_label());
    if (label == "four") return answer_address(query, response, 5, *IpAddress::parse("192.0.2.1"));
    if (label == "six") return answer_address(query, response, 6, *IpAddress::parse("2001:db8::1"));
    if (label == "text") return answer_text(query, response, 7, "one text");
    if (label == "empty") return answer_text(query, response, 7, "");
    if (label == "long") return answer_text(query, response, 7, std::string(255, 'a') + "b");
    if (label == "two") {
      answer_text(query, response, 7, "first");
      return answer_text(query, response, 7, "second");
    }
    if (label == "none") return name_error(query, response, next, query.zone);
    if (label == "soa") return answer_soa(query, response, next, query.zone);
    if (label == "failure") {
      answer_text(query, response, 7, "of no use");
      add_extended_error(response, dns::ExtendedError::network_error, "once");
      return answer_failure(response, dns::ExtendedError::network_error, "twice");
    }
    if (label == "reasons") {
      add_extended_error(response, dns::ExtendedError::stale_answer);
      add_extended_error(response, dns::ExtendedError::other, std::string(200, 'x'));
      return answer_text(query, response, 7, "old");
    }
    return no_data(query, response, next, query.zone);
  }
};

constexpr std::array kPlugins = {PluginType{"computes", [](Controller& controller) -> Result<> {
                                              controller.once();
                                              controller.add(std::make_unique<const Computes>());
                                              return {};
                                            }}};
constexpr std::string_view kCorefile = "z.test {\n computes\n}";

TEST_CASE("answers: records of the query's name") {
  PluginHarness harness(kPlugins, kCorefile);
  CHECK(harness.ask("four.z.test. A") == "NOERROR aa\nfour.z.test. 5 IN A 192.0.2.1\n");
  CHECK(harness.ask("Six.z.test. A") == "NOERROR aa\nSix.z.test. 6 IN AAAA 2001:db8::1\n");
  CHECK(harness.ask("text.z.test. TXT") == "NOERROR aa\ntext.z.test. 7 IN TXT \"one text\"\n");
  CHECK(harness.ask("empty.z.test. TXT") == "NOERROR aa\nempty.z.test. 7 IN TXT \"\"\n");
  CHECK(harness.ask("long.z.test. TXT") ==
        "NOERROR aa\nlong.z.test. 7 IN TXT \"" + std::string(255, 'a') + "\" \"b\"\n");
  CHECK(harness.ask("two.z.test. TXT") ==
        "NOERROR aa\ntwo.z.test. 7 IN TXT \"first\"\ntwo.z.test. 7 IN TXT \"second\"\n");
}

TEST_CASE("answers: without a zone that comes next the SOA record is made up") {
  PluginHarness harness(kPlugins, kCorefile);
  const std::string soa = "z.test. 86400 IN SOA ns.z.test. hostmaster.z.test. 1 86400 2400 604800 86400\n";
  CHECK(harness.ask("x.z.test. A") == "NOERROR aa\n-- authority\n" + soa);
  CHECK(harness.ask("none.z.test. A") == "NXDOMAIN aa\n-- authority\n" + soa);
  CHECK(harness.ask("soa.z.test. SOA") == "NOERROR aa\n" + soa);
}

TEST_CASE("answers: the SOA record of the zone that comes next, with the TTL of a negative answer where it is one") {
  PluginHarness harness(
      kPlugins, kCorefile,
      tests::zone_rest("@ 3600 IN SOA ns.example. admin.example. 7 1 2 3 60\n@ 3600 IN NS ns.example.\n", "z.test."));
  const std::string soa = " IN SOA ns.example. admin.example. 7 1 2 3 60\n";
  CHECK(harness.ask("x.z.test. A") == "NOERROR aa\n-- authority\nz.test. 60" + soa);
  CHECK(harness.ask("none.z.test. A") == "NXDOMAIN aa\n-- authority\nz.test. 60" + soa);
  CHECK(harness.ask("soa.z.test. SOA") == "NOERROR aa\nz.test. 3600" + soa);
  PluginHarness drops(kPlugins, kCorefile, [](const Query&, Response&) -> Result<Outcome> { return Outcome::drop; });
  CHECK(drops.ask("none.z.test. A") == "drop");
  PluginHarness waits(kPlugins, kCorefile, [](const Query&, Response&) -> Result<Outcome> { return Outcome::later; });
  CHECK(waits.ask("none.z.test. A") == "later: ");
  PluginHarness fails(kPlugins, kCorefile, [](const Query&, Response&) -> Result<Outcome> { return fail("no zone"); });
  CHECK(fails.ask("none.z.test. A") == "error: no zone");
}

TEST_CASE("answers: the reason of a failure is in an option, each once (RFC 8914)") {
  PluginHarness harness(kPlugins, kCorefile);
  const auto reasons = [&harness] {
    std::vector<std::string> texts;
    for (const dns::EdnsOption& each : harness.response().options) {
      CHECK(each.code == 15);
      texts.push_back(fmt::format("{} {}", load_u16(each.data.data()), as_text(each.data.subspan(2))));
    }
    return texts;
  };
  CHECK(harness.ask("failure.z.test. TXT do") == "SERVFAIL\n");
  CHECK(reasons() == std::vector<std::string>{"23 once"});
  CHECK(tests::decode(harness.sent())->opt->option(15)->data == std::string("\0\x17once", 6));
  CHECK(harness.ask("failure.z.test. TXT") == "SERVFAIL\n");
  CHECK_FALSE(tests::decode(harness.sent())->opt);
  CHECK(harness.ask("reasons.z.test. TXT do") == "NOERROR aa\nreasons.z.test. 7 IN TXT \"old\"\n");
  CHECK(reasons() == std::vector<std::string>{"3 ", "0 " + std::string(64, 'x')});
}

}  // namespace
}  // namespace swage
