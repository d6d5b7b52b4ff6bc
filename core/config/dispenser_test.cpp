#include "core/config/dispenser.h"

#include <fmt/ranges.h>

#include <catch2/catch.hpp>

#include "core/config/parser.h"

namespace swage::config {
namespace {

using namespace std::chrono_literals;

// A Dispenser over the first directive of ". {\nTEXT\n}": its lines are 2 and on.
Dispenser dispense(std::string_view text) {
  Sources sources;
  sources.set_env("SET", "value");
  sources.set_env("EMPTY", "");
  sources.add("Corefile", fmt::format(". {{\n{}\n}}\n", text));
  auto blocks = parse(sources, "Corefile");
  REQUIRE(blocks);
  return Dispenser(blocks->at(0).directives.at(0).tokens);
}

// All that is wrong, a line each.
std::string errors_of(Dispenser& d) {
  d.finish();
  std::string text;
  for (const Error& each : d.errors()) text += each.text() + '\n';
  return text;
}

TEST_CASE("next goes from one occurrence of the directive to the next", "[config]") {
  Dispenser d = dispense("file a {\n reload 1s\n}\nlog\nfile b\nfile c { }\nfile d");
  CHECK(d.directive() == "file");
  CHECK(d.val() == "file");  // before the first next(), errors name the directive
  std::string seen;
  while (d.next()) {
    seen += d.val();
    seen += fmt::format(" {}:", fmt::join(d.remaining_args(), ","));
    while (d.next_block()) {
      seen += " " + d.val();
      seen += fmt::format("={}", fmt::join(d.remaining_args(), ","));
    }
    seen += '\n';
  }
  CHECK(seen == "file a: reload=1s\nfile b:\nfile c:\nfile d:\n");
  CHECK_FALSE(d.next());
  CHECK_FALSE(d.next_arg());
  CHECK_FALSE(d.next_block());
  CHECK(errors_of(d) == "");
}

TEST_CASE("arguments end with their line", "[config]") {
  Dispenser d = dispense("a b \"{\" {\n c d\n e\n}\na f \"x\ny\" g\na");
  REQUIRE(d.next());
  CHECK(d.has_arg());
  CHECK(d.remaining_args() == std::vector<std::string>{"b", "{"});
  CHECK_FALSE(d.has_arg());
  CHECK_FALSE(d.next_arg());
  REQUIRE(d.next_block());
  CHECK(d.val() == "c");
  CHECK(d.line() == 3);
  REQUIRE(d.next_arg());
  CHECK(d.val() == "d");
  REQUIRE(d.next_block());
  CHECK(d.val() == "e");
  CHECK(d.remaining_args().empty());
  CHECK_FALSE(d.next_block());
  REQUIRE(d.next());
  CHECK(d.remaining_args() == std::vector<std::string>{"f", "x\ny", "g"});
  REQUIRE(d.next());
  CHECK(d.occurrence().line == 8);
  CHECK(d.remaining_args().empty());
  CHECK_FALSE(d.next());
}

TEST_CASE("blocks in blocks", "[config]") {
  Dispenser d = dispense("a {\n b 1 {\n  c\n  d {\n   e\n  }\n }\n f { }\n g {\n  h\n }\n i\n}\na");
  std::string seen;
  const auto lines = [&](auto&& self) -> void {
    const unsigned level = d.nesting();
    while (d.next_block(level)) {
      seen += d.val();
      seen += fmt::format("{}", fmt::join(d.remaining_args(), ","));
      seen += '[';
      self(self);
      seen += ']';
    }
    CHECK(d.nesting() == level);
  };
  while (d.next()) {
    seen += d.val() + "(";
    lines(lines);
    seen += ")";
  }
  CHECK(seen == "a(b1[c[]d[e[]]]f[]g[h[]]i[])a()");
  CHECK(errors_of(d) == "");
}

TEST_CASE("what a setup does not read is an error", "[config]") {
  const auto unread = [](std::string_view text, unsigned arguments) {
    Dispenser d = dispense(text);
    while (d.next()) {
      for (unsigned i = 0; i < arguments; ++i) REQUIRE(d.next_arg());
    }
    return errors_of(d);
  };
  CHECK(unread("hello a", 1) == "");
  CHECK(unread("hello a { }", 1) == "");
  CHECK(unread("hello a b c", 1) == "Corefile:2: hello: unexpected 'b'; expected the end of the line\n");
  CHECK(unread("hello a {\n garbage\n}", 1) == "Corefile:2: hello: takes no block\n");
  CHECK(unread("hello a b {\n garbage {\n  more\n }\n}\nhello c", 1) ==
        "Corefile:2: hello: unexpected 'b'; expected the end of the line\n");
  CHECK(unread("hello a\nhello b c\nhello d {\n e\n}", 1) ==
        "Corefile:3: hello: unexpected 'c'; expected the end of the line\nCorefile:4: hello: takes no block\n");

  Dispenser d = dispense("file a b {\n reload 1s 2s\n upstream {\n  x\n }\n plain { }\n}");
  REQUIRE(d.next());
  REQUIRE(d.next_arg());
  std::string lines;
  while (d.next_block()) {
    lines += d.val() + ' ';
    if (d.val() == "reload") REQUIRE(d.next_arg());
  }
  CHECK(lines == "reload upstream plain ");
  CHECK(errors_of(d) ==
        "Corefile:2: file: unexpected 'b'; expected the end of the line\n"
        "Corefile:3: file: reload: unexpected '2s'; expected the end of the line\n"
        "Corefile:4: file: upstream: takes no block\n");
}

TEST_CASE("a directive that stands once", "[config]") {
  Dispenser d = dispense("any\nany x\nany");
  d.once();
  CHECK(d.val() == "any");
  CHECK(d.line() == 2);
  CHECK_FALSE(d.next());
  CHECK(errors_of(d) == "Corefile:3: any: stands twice in a server block\n");
  Dispenser alone = dispense("any x {\n y\n}");
  alone.once();
  CHECK(alone.remaining_args() == std::vector<std::string>{"x"});
  CHECK(alone.next_block());
  CHECK_FALSE(alone.next_block());
  CHECK(errors_of(alone) == "");
}

std::string shown(std::chrono::milliseconds value) { return fmt::format("{}", value.count()); }
std::string shown(const Prefix& value) { return value.to_string(); }
std::string shown(const IpAddress& value) { return value.to_string(); }
std::string shown(const Endpoint& value) { return value.to_string(); }
template <typename T>
std::string shown(const T& value) {
  return fmt::format("{}", value);
}

// What a block of kinds of values says, read with the typed tokens.
std::string read(std::string_view block) {
  Dispenser d = dispense(fmt::format("kinds {{\n{}\n}}", block));
  d.once();
  std::string seen;
  const auto show = [&](auto value) -> Result<> {
    if (!value) return std::unexpected(value.error());
    seen += shown(*value) + ' ';
    return {};
  };
  const Result<> done = d.read_block({
      {"duration", [&] { return show(d.expect_duration()); }},
      {"patience", [&] { return show(d.expect_duration(2s, 24h)); }},
      {"ttl", [&] { return show(d.expect_ttl()); }},
      {"number", [&] { return show(d.expect_number<std::uint16_t>(1, 100)); }},
      {"switch", [&] { return show(d.expect_switch()); }},
      {"net", [&] { return show(d.expect_prefix()); }},
      {"address", [&] { return show(d.expect_address()); }},
      {"endpoint", [&] { return show(d.expect_endpoint(53)); }},
      {"size", [&] { return show(d.expect_size(1, 4096)); }},
      {"word", [&] { return show(d.one_of({"a", "b", "c"})); }},
      {"bare", [&]() -> Result<> { return swage::fail("a bare failure"); }},
      {"deep",
       [&] {
         return d.read_block(
             {{"ttl", [&] { return show(d.expect_ttl()); }}, {"word", [&] { return show(d.one_of({"x", "y"})); }}});
       }},
  });
  CHECK(done.has_value() == d.errors().empty());
  if (!done) CHECK(done.error().text() == d.errors().front().text());
  const std::string errors = errors_of(d);
  return errors.empty() ? seen : errors;
}

TEST_CASE("typed tokens", "[config]") {
  CHECK(read("duration 1500us\nduration 1h30m\npatience 2s\npatience 24h") == "2 5400000 2000 86400000 ");
  CHECK(read("ttl 3600\nttl 1h\nttl 0\nttl 2147483647") == "3600 3600 0 2147483647 ");
  CHECK(read("number 1\nnumber 100\nswitch on\nswitch false") == "1 100 true false ");
  CHECK(read("net 192.0.2.0/24\nnet 2001:db8::1\nword c") == "192.0.2.0/24 2001:db8::1/128 c ");
  CHECK(read("address 192.0.2.1\naddress 2001:db8::1") == "192.0.2.1 2001:db8::1 ");
  CHECK(read("endpoint 192.0.2.1\nendpoint [2001:db8::1]:5300") == "192.0.2.1:53 [2001:db8::1]:5300 ");
  CHECK(read("size 1\nsize 4KiB") == "1 4096 ");
  CHECK(read("deep {\n ttl 5\n word y\n}\nttl 6") == "5 y 6 ");
  CHECK(read("duration") == "Corefile:3: kinds: expected a duration after 'duration'\n");
  CHECK(read("duration soon") ==
        "Corefile:3: kinds: duration: 'soon' is not a duration; expected a number with a unit, such as 500ms, 30s or "
        "1h30m\n");
  CHECK(read("patience 1s") == "Corefile:3: kinds: patience: '1s' is not between 2s and 24h\n");
  CHECK(read("ttl 1500ms") ==
        "Corefile:3: kinds: ttl: '1500ms' is not 0 to 2147483647 seconds; expected a number, or a duration of whole "
        "seconds such as 1h\n");
  CHECK(read("number 101") == "Corefile:3: kinds: number: '101' is not a number from 1 to 100\n");
  CHECK(read("number") == "Corefile:3: kinds: expected a number from 1 to 100 after 'number'\n");
  CHECK(read("switch maybe") == "Corefile:3: kinds: switch: 'maybe' is neither 'on' nor 'off'\n");
  CHECK(read("net 192.0.2.0/33") ==
        "Corefile:3: kinds: net: '192.0.2.0/33' is neither an address nor a network in CIDR notation\n");
  CHECK(read("address") == "Corefile:3: kinds: expected an address after 'address'\n");
  CHECK(read("address 192.0.2.1:53") == "Corefile:3: kinds: address: '192.0.2.1:53' is not an IP address\n");
  CHECK(read("endpoint ns.example") ==
        "Corefile:3: kinds: endpoint: 'ns.example' is not an address with or without a port\n");
  CHECK(read("endpoint 192.0.2.1:0") == "Corefile:3: kinds: endpoint: '192.0.2.1:0': '0' is not a port\n");
  CHECK(read("size 5K") == "Corefile:3: kinds: size: '5K' is not between 1 and 4096 bytes\n");
  CHECK(read("size 5kilo") ==
        "Corefile:3: kinds: size: '5kilo' is not a size; expected bytes, such as 4096, 64KiB or 1GiB\n");
  CHECK(read("word d") == "Corefile:3: kinds: word: expected 'a', 'b' or 'c', not 'd'\n");
  CHECK(read("bare") == "Corefile:3: kinds: a bare failure\n");
}

TEST_CASE("all that is wrong in a block is told", "[config]") {
  CHECK(read("ttl x\nnubmer 5\nnumber 5 6\ndeep {\n ttl y\n wrod x\n word z\n ttl 1 {\n  a\n }\n}\nnumber 0") ==
        "Corefile:3: kinds: ttl: 'x' is not 0 to 2147483647 seconds; expected a number, or a duration of whole seconds "
        "such as 1h\n"
        "Corefile:4: kinds: unknown property 'nubmer'; did you mean 'number'?\n"
        "Corefile:5: kinds: number: unexpected '6'; expected the end of the line\n"
        "Corefile:7: kinds: ttl: 'y' is not 0 to 2147483647 seconds; expected a number, or a duration of whole seconds "
        "such as 1h\n"
        "Corefile:8: kinds: unknown property 'wrod'; did you mean 'word'?\n"
        "Corefile:9: kinds: word: expected 'x' or 'y', not 'z'\n"
        "Corefile:10: kinds: ttl: takes no block\n"
        "Corefile:14: kinds: number: '0' is not a number from 1 to 100\n");
}

TEST_CASE("an error says which variables are not set", "[config]") {
  const auto error = [](std::string_view text) {
    Dispenser d = dispense(text);
    REQUIRE(d.next());
    static_cast<void>(d.next_arg());
    return d.fail("bad '{}'", d.val()).error().text();
  };
  CHECK(error("file {$NONE}") == "Corefile:2: file: bad '' ({$NONE} is not set)");
  CHECK(error("file {%NONE%}/{$OTHER}") == "Corefile:2: file: bad '/' ({%NONE%}, {$OTHER} is not set)");
  CHECK(error("file {$NONE:default}") == "Corefile:2: file: bad 'default'");
  CHECK(error("file {$SET}{$EMPTY}") == "Corefile:2: file: bad 'value'");
}

TEST_CASE("an error without a place gets that of the current token", "[config]") {
  Dispenser d = dispense("file db.example extra");
  CHECK(d.fail("no zones: {}", 0).error().text() == "Corefile:2: file: no zones: 0");
  REQUIRE(d.next());
  CHECK(d.expect_arg("a path") == "db.example");
  CHECK(d.placed(Error("it is empty")).text() == "Corefile:2: file: it is empty");
  CHECK(d.placed(Error("Corefile:9: zone: it is empty")).text() == "Corefile:9: zone: it is empty");
  CHECK(d.placed(Error("Corefile: it is empty")).text() == "Corefile:2: file: Corefile: it is empty");
  REQUIRE(d.next_arg());
  CHECK(d.expect_arg("a zone").error().text() == "Corefile:2: file: expected a zone after 'extra'");
}

}  // namespace
}  // namespace swage::config
