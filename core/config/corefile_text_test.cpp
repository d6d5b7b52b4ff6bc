// What to_text() writes parses as what it was made from.
#include <fmt/format.h>

#include "core/config/corefile_text.h"

#include <catch2/catch.hpp>  // last: its CHECK is the one that counts here

namespace swage::config {
namespace {

std::vector<ServerBlock> parsed(const std::string& corefile) {
  Sources sources;
  sources.add("Corefile", corefile);
  sources.set_env("BRACE", "{");
  sources.set_env("TWO", "one two");
  sources.set_env("EMPTY", "");
  auto blocks = parse(sources, "Corefile");
  INFO(corefile);
  REQUIRE(blocks);
  return *std::move(blocks);
}

std::string words(const std::vector<ServerBlock>& blocks) {
  std::string text;
  for (const ServerBlock& block : blocks) {
    for (const Key& key : block.keys) text += fmt::format("[{}:{}]", fmt::join(key.zones, ","), key.port.value_or(0));
    for (const Directive& directive : block.directives) {
      for (const Token& token : directive.tokens) {
        text += fmt::format("{}<{}>", token.starts_line ? "\n" : "", token.text);
        if (token.is_open() || token.is_close()) text += '!';
      }
    }
  }
  return text;
}

}  // namespace

TEST_CASE("corefile text: blocks, keys and nested blocks") {
  CHECK(to_text(parsed("a b:53,\nc {\nlog\nfile x # y\nhosts h {\n inline { \n q\n }\n}\nfile z { }\n}\nd\nlog")) ==
        "a b:53, c {\n    log\n    file x\n    file z { }\n    hosts h {\n        inline {\n            q\n        }\n"
        "    }\n}\n\nd {\n    log\n}\n");
  CHECK(to_text({}).empty());
}

TEST_CASE("corefile text: parses as the same") {
  for (const char* const corefile :
       {"a {\nlog \"two words\" \"\" \"#\" a#b \"say \\\"hi\\\"\" a\"b \"over\nlines\"\n}",
        "a, b,c {\nlog {$BRACE} {$TWO}\n}", "a {\n\"import\" x\n\"\" y\nlog \"}\" \"x{\" {$BRACE}\n}",
        "\"import\" a {\nlog\n}", "a {$EMPTY} b {\nlog ü \\ \"a\\b\"\n}", "a 10.0.0.0/23 {\n}", "a b b {\n}",
        "a,a a,a\n", "a {\nlog {\n x {\n }\n y z\n}\n}\na:5300 {\nlog\n}"}) {
    const auto blocks = parsed(corefile);
    CHECK(words(parsed(to_text(blocks))) == words(blocks));
  }
}

}  // namespace swage::config
