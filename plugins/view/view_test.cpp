#include "plugins/view/view.h"

#include <array>

#include <fmt/format.h>

#include "tests/support/plugin_harness.h"

#include <catch2/catch.hpp>  // last: its CHECK is the one that counts here

using namespace swage;
using tests::PluginHarness;

namespace {

// Answers with its argument as the rcode's number: which block was it?
class Mark : public Plugin {
 public:
  explicit Mark(std::uint16_t mark) : mark_(mark) {}
  Result<Outcome> serve(const Query& query, Response& response, Next) const override {
    response.rcode = dns::Rcode{mark_};
    response.authoritative = query.zone.is_root();
    return Outcome::send;
  }

 private:
  std::uint16_t mark_;
};

Result<> mark(Controller& controller) {
  controller.next();
  TRY(const std::string_view text, controller.expect_arg("a number"));
  controller.add(std::unique_ptr<const Plugin>(std::make_unique<Mark>(static_cast<std::uint16_t>(text[0] - '0'))));
  return {};
}

constexpr std::array kPlugins = {PluginType{"view", &plugins::view::setup}, PluginType{"mark", &mark}};

std::string setup_error(std::string_view corefile) { return PluginHarness::setup_error(kPlugins, corefile); }

// The number of the block that answers; 0: none.
int block(PluginHarness& harness, std::string_view question, std::string_view client = "192.0.2.7") {
  harness.arrival.client.address = *IpAddress::parse(client);
  const server::Router& router = harness.configuration().listeners.begin()->second;
  static_cast<void>(harness.ask(question));
  return router.match(harness.query()).block == nullptr ? 0 : static_cast<int>(harness.response().rcode);
}

}  // namespace

TEST_CASE("view: setup") {
  CHECK(setup_error(". {\n view example {\n  expr name() == 'example.com.'\n }\n}") == "");
  CHECK(setup_error(". {\n view example {\n  expr incidr(client_ip(), '10.0.0.0/24')\n }\n}") == "");
  CHECK(setup_error(". {\n view example {\n  expr name() == 'a.'\n  expr name() == 'b.'\n }\n}") == "");
  CHECK(setup_error(". {\n view example\n}") == "");
  CHECK(setup_error(". {\n view\n}") == "Corefile:2: view: expected a name after 'view'");
  CHECK(setup_error(". {\n view a b\n}") == "Corefile:2: view: unexpected 'b'; expected the end of the line");
  CHECK(setup_error(". {\n view a {\n  expr invalid expression\n }\n}") ==
        "Corefile:3: view: at 1: 'invalid' is not known");
  CHECK(setup_error(". {\n view x {\n  foo bar\n }\n}") == "Corefile:3: view: unknown property 'foo'; expected expr");
  CHECK(setup_error(". {\n view a {\n }\n view b {\n }\n}") == "Corefile:4: view: stands twice in a server block");
}

TEST_CASE("view: the first block that takes a query answers it") {
  PluginHarness harness(kPlugins, R"(
    . {
      view example1 {
        expr incidr(client_ip(), '127.0.0.0/24')
      }
      mark 1
    }
    . {
      view example2 {
        expr incidr(client_ip(), '192.168.0.0/16')
      }
      mark 2
    }
    . {
      view v6_example1 {
        expr incidr(client_ip(), '2001:0DB8::/32')
      }
      mark 3
    }
    . {
      mark 4
    })");
  CHECK(block(harness, "test. A", "127.0.0.1") == 1);
  CHECK(block(harness, "test. A", "192.168.3.4") == 2);
  CHECK(block(harness, "test. AAAA", "2001:db8::7") == 3);
  CHECK(block(harness, "test. A", "192.0.2.7") == 4);
  CHECK(block(harness, "test. A", "2001:db9::7") == 4);
  CHECK(harness.response().authoritative);
}

TEST_CASE("view: types and names") {
  PluginHarness harness(kPlugins,
                        ". {\nview a {\nexpr type() in ['A', 'AAAA']\n}\nmark 1\n}\n"
                        ". {\nview b {\nexpr name() matches '^abc\\\\..*\\\\.example\\\\.com\\\\.$'\n}\nmark 2\n}\n"
                        ". {\nmark 3\n}");
  CHECK(block(harness, "test. A") == 1);
  CHECK(block(harness, "test. AAAA") == 1);
  CHECK(block(harness, "abc.x.y.example.com. TXT") == 2);
  CHECK(block(harness, "ABC.x.Example.com. TXT") == 2);
  CHECK(block(harness, "abc.example.com. TXT") == 3);
  CHECK(block(harness, "test. MX") == 3);
}

TEST_CASE("view: all expressions must hold; none is no condition") {
  PluginHarness harness(kPlugins,
                        ". {\nview a {\nexpr type() == 'A'\nexpr do()\n}\nmark 1\n}\n. {\nview b\nmark 2\n}\n"
                        ". {\nmark 3\n}");
  CHECK(block(harness, "test. A do") == 1);
  CHECK(block(harness, "test. A") == 2);
  CHECK(block(harness, "test. TXT do") == 2);
}

TEST_CASE("view: what a zone's blocks do not take goes to the zone above, or to nobody") {
  constexpr std::string_view kBlocks =
      "a.example.org {\nview x {\nexpr type() == 'A'\n}\nmark 1\n}\n"
      "example.org {\nview y {\nexpr type() != 'TXT'\n}\nmark 2\n}\n";
  PluginHarness harness(kPlugins, fmt::format("{}.  {{\nmark 3\n}}", kBlocks));
  CHECK(block(harness, "b.a.example.org. A") == 1);
  CHECK(harness.query().zone == *dns::Name::parse("a.example.org."));
  CHECK(block(harness, "b.a.example.org. AAAA") == 2);
  CHECK(harness.query().zone == *dns::Name::parse("example.org."));
  CHECK(block(harness, "b.a.example.org. TXT") == 3);
  CHECK(block(harness, "example.net. A") == 3);
  CHECK(block(harness, "a.example.org. DS") == 2);  // the parent's

  const auto nobody = [&](const char* qname) {
    dns::Query query;
    const dns::Name name = *dns::Name::parse(qname);
    query.ask(name);
    query.qtype = dns::Type::txt;
    PluginHarness other(kPlugins, kBlocks);
    return other.configuration().listeners.begin()->second.match(query).block == nullptr;
  };
  CHECK(nobody("b.a.example.org."));
  CHECK(nobody("example.net."));
}

TEST_CASE("view: a block without a view hides those behind it; two of them are an error") {
  PluginHarness harness(kPlugins, ". {\nmark 1\n}\n. {\nview a\nmark 2\n}");
  CHECK(block(harness, "test. A") == 1);
  CHECK(setup_error("a.test {\nmark 1\n}\na.test {\nview v\n}\na.test {\nmark 2\n}")
            .ends_with("is already that of Corefile:1"));
  CHECK(setup_error("a.test {\nview v\n}\na.test {\nmark 1\n}\na.test {\nmark 2\n}")
            .ends_with("is already that of Corefile:4"));
}

TEST_CASE("view: every block of a zone is in the summary") {
  const PluginHarness harness(kPlugins, "a.test {\nview v\n}\na.test {\nview w\n}\na.test {\nmark 1\n}");
  CHECK(harness.configuration().summary().size() == 6);  // each on 0.0.0.0 and [::]
}

TEST_CASE("view: its name is metadata") {
  PluginHarness harness(kPlugins, ". {\nview inside\nmark 1\n}");
  Metadata& metadata = harness.configuration().blocks[0]->settings.metadata;
  metadata.enable({dns::Name()});
  CHECK(block(harness, "test. A") == 1);
  std::string text;
  CHECK(metadata.append("view/name", harness.query(), text));
  CHECK(text == "inside");
}

TEST_CASE("view: metadata that nobody provides is warned of") {
  const auto warnings = [](std::string_view directives) {
    PluginHarness harness(kPlugins, fmt::format(". {{\nview inside {{\n{}\n}}\nmark 1\n}}", directives));
    std::string text;
    for (const Error& each : harness.configuration().warnings) text += each.text() + "\n";
    return text;
  };
  CHECK(
      warnings("expr metadata('geoip/country/code') == 'DE' || metadata('view/name') == 'x'") ==
      "Corefile:3: view: metadata 'geoip/country/code' is always empty: no directive of this server block provides it; "
      "provided are view/name\n"
      "Corefile:3: view: metadata 'view/name' is always empty: the server block needs the directive 'metadata'\n");
  CHECK(warnings("expr type() == 'A'") == "");
  CHECK(warnings("expr metadata(type()) == 'x'") == "");  // who knows
}
