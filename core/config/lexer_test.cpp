#include <fmt/format.h>

#include "core/config/lexer.h"

#include <catch2/catch.hpp>

namespace swage::config {
namespace {

// "1:log 2:|a b|": the line of each token, literal ones between bars, '/' before the first of each line.
std::string dump(std::string_view text) {
  const auto tokens = lex(text, "Corefile");
  if (!tokens) return tokens.error().text();
  std::string out;
  for (const Token& token : *tokens) {
    CHECK(token.file == "Corefile");
    if (!out.empty()) out += ' ';
    if (token.starts_line) out += '/';
    out += fmt::format("{}:{}", token.line, token.literal ? "|" + token.text + "|" : token.text);
  }
  return out;
}

struct Case {
  std::string_view name;
  std::string_view text;
  std::string_view expected;
};

constexpr Case kCases[] = {
    {"nothing", "", ""},
    {"blank", " \t\r\n\n ", ""},
    {"words and lines", "a b\n  c\n\nd", "/1:a 1:b /2:c /4:d"},
    {"CR LF", "a b\r\nc\r\n", "/1:a 1:b /2:c"},
    {"byte order mark",
     "\xEF\xBB\xBF"
     "a",
     "/1:a"},
    {"no-break and ideographic space",
     "a\xC2\xA0"
     "b\xE3\x80\x80"
     "c",
     "/1:a 1:b 1:c"},
    {"letters outside ASCII", "z\xC3\xBCrich \xE2\x82\xAC", "/1:z\xC3\xBCrich 1:\xE2\x82\xAC"},
    {"comment", "# all\na # rest\nb #", "/2:a /3:b"},
    {"comment at the end without newline", "a # rest", "/1:a"},
    {"comment right after a word", "a#b c\nd 10s#often\n}#end of it\nx\n", "Corefile:3: '}' closes nothing"},
    {"comment right after a brace", ". {#all\n reload 10s#often # and more\n}#end of it\nx",
     "/1:. 1:{ /2:reload 2:10s /3:} /4:x"},
    {"comment right after quotes", "a \"b#c\"#d\ne", "/1:a 1:|b#c| /2:e"},
    {"comment in a variable's name", "a {$B#C}\nd", "/1:a 1:{$B /2:d"},
    {"carriage returns in words", "a\rb \r c\r\r\n\"d\re\"\r\n", "/1:ab 1:c /2:|d\re|"},
    {"no line continuation", "a \\\nb", "/1:a 1:\\ /2:b"},
    {"quotes", "a \"b c\" d", "/1:a 1:|b c| 1:d"},
    {"empty quotes", "a \"\"", "/1:a 1:||"},
    {"quoted quote", R"(a "b \"c\" d")", R"(/1:a 1:|b "c" d|)"},
    {"other backslashes stay", R"("\d+\." "a\\" "\\\"")", R"(/1:|\d+\.| 1:|a\\| 1:|\\"|)"},
    {"backslash outside quotes", R"(a\b \"c)", R"(/1:a\b 1:\"c)"},
    {"quoted lines", "a \"b\nc\" d\ne", "/1:a 1:|b\nc| 2:d /3:e"},
    {"quoted comment and brace", "\"# {\"", "/1:|# {|"},
    {"quote inside a word is a letter", "a\"b c\"", "/1:a\"b 1:c\""},
    {"a word starts behind a closing quote", "\"a\"b", "/1:|a| 1:b"},
    {"braces", ". {\n  log\n}\n", "/1:. 1:{ /2:log /3:}"},
    {"braces in words are letters", "{$A} {{ }} {}", "/1:{$A} 1:{{ 1:}} 1:{}"},
    {"open brace", ". {\n log {\n }\n", "Corefile:1: '{' is never closed"},
    {"two open braces", ". {\n log {\n", "Corefile:2: '{' is never closed"},
    {"quoted brace does not close", ". {\n \"}\"\n", "Corefile:1: '{' is never closed"},
    {"stray brace", "log\n}\n", "Corefile:2: '}' closes nothing"},
    {"brace glued to a zone", "example.org{\n  log\n}\n",
     "Corefile:3: '}' closes nothing; 'example.org{' in line 1 is one word: a brace stands alone"},
    {"brace glued to a directive", ". {\n  log}\n",
     "Corefile:1: '{' is never closed; 'log}' in line 2 is one word: a brace stands alone"},
    {"open quote", "a\n  \"b\nc\n", "Corefile:2: '\"' is never closed"},
    {"open quote ending in a backslash", "\"a\\", "Corefile:1: '\"' is never closed"},
    {"NUL", std::string_view("a\nb\0c", 5), "Corefile:2: a NUL byte; expected a text file"},
};

TEST_CASE("lex", "[config]") {
  for (const Case& c : kCases) {
    INFO(c.name);
    CHECK(dump(c.text) == c.expected);
  }
}

}  // namespace
}  // namespace swage::config
