#include "core/config/dispenser.h"

#include <catch2/catch.hpp>

#include "core/config/parser.h"

namespace swage::config {
namespace {

// A Dispenser over the first directive of ". {\nTEXT\n}": its lines are 2 and on.
Dispenser dispense(std::string_view text) {
  Sources sources;
  sources.add("Corefile", fmt::format(". {{\n{}\n}}\n", text));
  auto blocks = parse(sources, "Corefile");
  REQUIRE(blocks);
  return Dispenser(blocks->at(0).directives.at(0).tokens);
}

TEST_CASE("next goes over everything", "[config]") {
  Dispenser d = dispense("a b {\n c\n}");
  CHECK(d.directive() == "a");
  CHECK(d.val() == "a");  // before the first next(), errors name the directive
  std::string seen;
  while (d.next()) seen += d.val() + " ";
  CHECK(seen == "a b { c } ");
  CHECK_FALSE(d.next());
  CHECK_FALSE(d.next_arg());
  CHECK_FALSE(d.next_line());
  CHECK_FALSE(d.next_block());
  CHECK(d.val() == "}");
}

TEST_CASE("arguments end with their line", "[config]") {
  Dispenser d = dispense("a b \"{\" {\n c d\n e\n}\na f \"x\ny\" g\na");
  REQUIRE(d.next());
  CHECK(d.remaining_args() == std::vector<std::string>{"b", "{"});
  CHECK_FALSE(d.next_arg());
  CHECK_FALSE(d.next_line());
  REQUIRE(d.next_block());
  CHECK(d.val() == "c");
  CHECK(d.line() == 3);
  REQUIRE(d.next_arg());
  CHECK(d.val() == "d");
  REQUIRE(d.next_line());
  CHECK(d.val() == "e");
  CHECK(d.remaining_args().empty());
  CHECK_FALSE(d.next_block());
  REQUIRE(d.next());
  CHECK(d.remaining_args() == std::vector<std::string>{"f", "x\ny", "g"});
  REQUIRE(d.next());
  CHECK(d.line() == 8);
  CHECK(d.remaining_args().empty());
  CHECK_FALSE(d.next());
}

TEST_CASE("all occurrences of a directive come one after the other", "[config]") {
  Dispenser d = dispense("file a {\n reload 1s\n}\nlog\nfile b\nfile c { }\nfile d");
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
}

TEST_CASE("what a setup does not read is not skipped", "[config]") {
  Dispenser d = dispense("a {\n b {\n  c\n }\n}");
  REQUIRE(d.next());
  REQUIRE(d.next_block());
  REQUIRE(d.next_block());
  CHECK(d.unknown_property({"b"}).text() == "Corefile:3: directive 'a': unknown property '{'; expected b");
}

TEST_CASE("expectations and errors", "[config]") {
  Dispenser d = dispense("file db.example extra {\n relaod 1\n upstream\n}");
  CHECK(d.error("no zones: {}", 0).text() == "Corefile:2: no zones: 0");
  REQUIRE(d.next());
  CHECK(d.expect_arg("a path") == "db.example");
  CHECK(d.arg_error().text() ==
        "Corefile:2: directive 'file': wrong argument count or unexpected line ending after 'db.example'");
  CHECK(d.expect_end().error().text() ==
        "Corefile:2: directive 'file': unexpected 'extra'; expected the end of the line");
  CHECK(d.expect_arg("a zone").error().text() == "Corefile:2: directive 'file': expected a zone after 'extra'");
  CHECK(d.expect_end());
  REQUIRE(d.next_block());
  CHECK(d.unexpected_token().text() == "Corefile:3: directive 'file': unexpected 'relaod'");
  CHECK(d.unknown_property({"transfer", "reload"}).text() ==
        "Corefile:3: directive 'file': unknown property 'relaod'; did you mean 'reload'?");
  CHECK_FALSE(d.next_line());  // there is a word left on this one
  CHECK(d.remaining_args() == std::vector<std::string>{"1"});
  REQUIRE(d.next_line());
  CHECK(d.unknown_property({"transfer", "reload"}).text() ==
        "Corefile:4: directive 'file': unknown property 'upstream'; expected transfer, reload");
}

}  // namespace
}  // namespace swage::config
