#include "core/config/parser.h"

#include <catch2/catch.hpp>
#include <map>

#include <fmt/format.h>

#include "core/config/expander.h"

namespace swage::config {
namespace {

// The structure of a Corefile, a line for each server block and each directive:
//
//   example.org.:53 example.net.
//     file | db.example { reload '10s' } / file other
//
// with literal tokens in '' and a '/' before each token that starts a line, but for the first.
std::string dump(const std::vector<ServerBlock>& blocks) {
  std::string out;
  for (const ServerBlock& block : blocks) {
    for (const Key& key : block.keys) {
      out += fmt::format("{}{} ", fmt::join(key.zones, " "), key.port ? fmt::format(":{}", *key.port) : "");
    }
    out.back() = '\n';
    for (const Directive& directive : block.directives) {
      CHECK(directive.name == directive.tokens.front());
      out += "  " + directive.name.text;
      for (std::size_t i = 1; i < directive.tokens.size(); ++i) {
        const Token& token = directive.tokens[i];
        out +=
            fmt::format("{}{}", token.starts_line ? " / " : " ", token.literal ? "'" + token.text + "'" : token.text);
      }
      out += '\n';
    }
  }
  return out;
}

using Files = std::map<std::string, std::string>;

Sources sources_of(const Files& files) {
  Sources sources;
  for (const auto& [path, text] : files) sources.add(path, text);
  sources.set_env("ZONE", "example.org");
  sources.set_env("ZONES", "a.example,b.example");
  sources.set_env("EMPTY", "");
  sources.set_env("TWO", "one two");
  sources.set_env("BRACE", "{");
  sources.set_env("IMPORT", "import");
  sources.set_env("NESTED", "{$ZONE}");
  sources.set_env("FILE", "log.conf");
  return sources;
}

std::string parse_and_dump(const Files& files) {
  Sources sources = sources_of(files);
  const auto blocks = parse(sources, "Corefile");
  std::string out = blocks ? dump(*blocks) : blocks.error().text();
  for (const std::string& warning : sources.warnings()) out += "warning: " + warning + "\n";
  return out;
}

struct Case {
  std::string_view name;
  std::string_view corefile;
  std::string_view expected;
};

void check_cases(std::span<const Case> cases, Files files = {}) {
  for (const Case& c : cases) {
    INFO(c.name);
    files["Corefile"] = c.corefile;
    CHECK(parse_and_dump(files) == c.expected);
  }
}

constexpr Case kBlocks[] = {
    {"empty", "# nothing\n", ""},
    {"no directives", ". {\n}\n", ".\n"},
    {"empty block on one line", ". { }\n", ".\n"},
    {"only a key", ".:53\n", ".:53\n"},
    {"no braces", "example.org\nlog\nfile db {\n reload 1s\n}\n", "example.org.\n  log\n  file db { / reload 1s / }\n"},
    {"two blocks", "a {\n log\n}\nb {\n errors\n}\n", "a.\n  log\nb.\n  errors\n"},
    {"two blocks, one line between", "a {\n log\n} b {\n}\n", "a.\n  log\nb.\n"},
    {"brace on the next line", "a\n{\n log\n}\n", "a.\n  log\n"},
    {"directive behind the brace", "a { log\n errors\n}\n", "a.\n  log\n  errors\n"},
    {"keys with blanks", "a b:53 dns://c {\n}\n", "a. b.:53 c.\n"},
    {"keys with commas", "a, b,\n  c,d ,e,\n\n# and\n f {\n}\n", "a. b. c. d. e. f.\n"},
    {"keys without braces", "a,\nb\nlog\n", "a. b.\n  log\n"},
    {"quoted key", "\"a\" {\n}\n", "a.\n"},
    {"CIDR", "10.0.2.0/23:53 {\n}\n", "2.0.10.in-addr.arpa. 3.0.10.in-addr.arpa.:53\n"},
    {"same directive again", ". {\n file a b\n log\n file c {\n  d\n }\n}\n",
     ".\n  file a b / file c { / d / }\n  log\n"},
    {"same directive in two blocks", "a {\n log\n}\nb {\n log\n}\n", "a.\n  log\nb.\n  log\n"},
    {"nested blocks", ". {\n a {\n  b c {\n   d\n  }\n  e\n }\n f\n}\n", ".\n  a { / b c { / d / } / e / }\n  f\n"},
    {"block on one line begins", ". {\n a { b\n }\n}\n", ".\n  a { b / }\n"},
    {"quoted braces are words", ". {\n a \"{\" b\n \"}\"\n}\n", ".\n  a '{' b\n  }\n"},
    {"quoted lines", ". {\n a \"1\n2\" b\n c\n}\n", ".\n  a '1\n2' b\n  c\n"},
};

TEST_CASE("server blocks", "[config]") { check_cases(kBlocks); }

constexpr Case kBadBlocks[] = {
    {"no zone", "{\n log\n}\n", "Corefile:1: expected a zone, such as example.org, before the block"},
    {"empty zone", "{$EMPTY} {\n log\n}\n", "Corefile:1: expected a zone, such as example.org, before the block"},
    {"comma and brace", "a,\nb, {\n}\n", "Corefile:2: expected another zone after ','"},
    {"comma and end", "a,\n", "Corefile:1: expected another zone after ','"},
    {"comma first", "\n, a {\n}\n", "Corefile:2: expected a zone before ','"},
    {"bad key", "a {\n}\n\nb grpc://c {\n}\n",
     "Corefile:4: transport 'grpc' is not supported; expected dns://, tls://, https:// or none"},
    {"never closed", "\n\n. {\n log\n", "Corefile:3: '{' is never closed"},
    {"inner never closed", ". {\n log {\n  a\n}\n", "Corefile:1: '{' is never closed"},
    {"closed twice", ". {\n}\n}\n", "Corefile:3: '}' closes nothing"},
    {"block on one line", ". { log }\n", "Corefile:1: '}' must be on a line of its own"},
    {"directive's block on one line", ". {\n a { b }\n}\n", "Corefile:2: '}' must be on a line of its own"},
    {"two closes on a line", ". {\n a {\n  b\n } }\n", "Corefile:4: '}' must be on a line of its own"},
    {"brace on the line behind a directive", ". {\n a\n {\n  b\n }\n}\n",
     "Corefile:3: '{' must be on the line of what it opens"},
    {"brace on the line behind a property", ". {\n a {\n  b\n  {\n  }\n }\n}\n",
     "Corefile:4: '{' must be on the line of what it opens"},
    {"block without directive", ". {\n {\n }\n}\n", "Corefile:2: expected a directive before '{'"},
    {"word behind a block", ". {\n a {\n } b\n}\n", "Corefile:3: expected a new line after '}', not 'b'"},
    {"two names for a snippet", "(a) (b) {\n}\n",
     "Corefile:1: '(a)' is not a valid zone: a snippet is '(name) {' on a line of its own"},
};

TEST_CASE("bad server blocks", "[config]") { check_cases(kBadBlocks); }

constexpr Case kValues[] = {
    {"in a key", "{$ZONE}:53 {\n}\n", "example.org.:53\n"},
    {"Windows spelling", "{%ZONE%} {\n}\n", "example.org.\n"},
    {"several keys", "{$ZONES} {\n}\n", "a.example. b.example.\n"},
    {"empty key", "a {$EMPTY} {$UNSET} {\n}\n", "a.\n"},
    {"in a directive", ". {\n a x{$ZONE}y{%ZONE%}z \"{$ZONE}\"\n}\n",
     ".\n  a 'xexample.orgyexample.orgz' 'example.org'\n"},
    {"a directive", ". {\n {$ZONE} a\n}\n", ".\n  example.org a\n"},
    {"not set", ". {\n a {$UNSET} b\n}\n", ".\n  a '' b\n"},
    {"defaults", ". {\n a {$UNSET:x:y} {$EMPTY:z} {$ZONE:n} {$UNSET:}\n}\n", ".\n  a 'x:y' 'z' 'example.org' ''\n"},
    {"blanks stay inside", ". {\n a {$TWO}\n}\n", ".\n  a 'one two'\n"},
    {"values are not structure", ". {\n a {$BRACE}\n {$IMPORT} b\n}\n", ".\n  a '{'\n  import b\n"},
    {"values are not searched again", ". {\n a {$NESTED}\n}\n", ".\n  a '{$ZONE}'\n"},
    {"other braces are text", ". {\n a {$} {%%} {$ZONE {%ZONE} {} {x} {args[0]} {args.0} {args[:]}\n}\n",
     ".\n  a {$} {%%} {$ZONE {%ZONE} {} {x} {args[0]} {args.0} {args[:]}\n"},
};

TEST_CASE("environment variables", "[config]") { check_cases(kValues); }

const Files kFiles = {
    {"log.conf", "log\n"},
    {"blocks.conf", "a.example {\n log\n}\nb.example {\n import log.conf\n}\n"},
    {"keys.conf", "b.example, c.example"},
    {"empty.conf", "# nothing\n"},
    {"snippets.conf", "(one) {\n log {args[0]}\n}\n(two) {\n import one {args[1]}\n import one {args.0}\n}\n"},
    {"conf.d/1.conf", "import sub/x\n"},
    {"conf.d/2.conf", "errors {args[0]}\n"},
    {"conf.d/.3.conf", "hidden\n"},
    {"conf.d/sub/x", "import ../../log.conf\n"},
    {"bad.conf", "log {\n"},
    {"loop.conf", "a\nimport ./loop.conf\n"},
    {"ping.conf", "import pong.conf\n"},
    {"pong.conf", "\nimport ping.conf\n"},
};

constexpr Case kImports[] = {
    {"file", ". {\n import log.conf\n errors\n}\n", ".\n  log\n  errors\n"},
    {"file from a variable", ". {\n import {$FILE}\n}\n", ".\n  log\n"},
    {"quoted file", ". {\n import \"log.conf\"\n}\n", ".\n  log\n"},
    {"behind a brace", ". { import log.conf\n}\n", ".\n  log\n"},
    {"last in a block", ". {\n errors\n import log.conf\n}\n", ".\n  errors\n  log\n"},
    {"in a directive's block", ". {\n a {\n  import log.conf\n  b\n }\n}\n", ".\n  a { / log / b / }\n"},
    {"twice", ". {\n import log.conf\n import log.conf\n}\n", ".\n  log / log\n"},
    {"without braces", ".\nimport log.conf\nerrors\n", ".\n  log\n  errors\n"},
    {"server blocks", "import blocks.conf\nc.example {\n}\n", "a.example.\n  log\nb.example.\n  log\nc.example.\n"},
    {"keys", "a.example,\nimport keys.conf\n{\n}\n", "a.example. b.example. c.example.\n"},
    {"empty file", ". {\n import empty.conf\n}\n", ".\n"},
    {"pattern", ". {\n import conf.d/*.conf x\n}\n", ".\n  log\n  errors 'x'\n"},
    {"pattern without a match", ". {\n import none.d/*.conf\n log\n}\n",
     ".\n  log\nwarning: Corefile:2: import 'none.d/*.conf' matches no file\n"},
    {"an argument is no import", ". {\n a import log.conf\n \"import\" x\n}\n", ".\n  a import log.conf\n  import x\n"},
    {"snippet", "(s) {\n a b {\n  c\n }\n log\n}\n. {\n import s\n}\n", ".\n  a b { / c / }\n  log\n"},
    {"snippet on one line", "(s) { log }\n. {\n import s\n import s\n}\n", ".\n  log / log\n"},
    {"empty snippet", "(s) {\n}\n. {\n import s\n log\n}\n", ".\n  log\n"},
    {"snippet of server blocks", "(s) {\n {args[0]} {\n  log\n }\n}\nimport s a\nimport s b\n",
     "a.\n  log\nb.\n  log\n"},
    {"snippet before a file", "(log.conf) {\n errors\n}\n. {\n import log.conf\n}\n", ".\n  errors\n"},
    {"snippet in a block is a directive", ". {\n (s) {\n }\n}\n", ".\n  (s) { / }\n"},
    {"arguments", "(s) {\n a {args[1]} {args.0} x{args[0]}y \"{args[1]}\"\n}\n. {\n import s 1 \"2 3\"\n}\n",
     ".\n  a '2 3' '1' 'x1y' '2 3'\n"},
    {"ranges",
     "(s) {\n a {args[:]}\n b {args[1:]}\n c {args[:1]}\n d {args[1:2]}\n e {args.*}\n f \"{args[:]}\"\n}\n"
     ". {\n import s 1 2 3\n}\n",
     ".\n  a '1' '2' '3'\n  b '2' '3'\n  c '1'\n  d '2'\n  e '1' '2' '3'\n  f '1 2 3'\n"},
    {"ranges beyond the end", "(s) {\n a {args[2:]} {args[5:9]} {args[3:1]} x\n}\n. {\n import s 1\n}\n", ".\n  a x\n"},
    {"a range of no arguments starts no line", "(s) {\n a\n {args[:]} b\n}\n. {\n import s\n}\n", ".\n  a\n  b\n"},
    {"arguments are not searched again",
     "(s) {\n a {args[0]}\n}\n(t) {\n import s {args[0]}\n}\n. {\n import t {args[1]}\n}\n", ".\n  a '{args[1]}'\n"},
    {"an environment variable as argument", "(s) {\n a {args[0]}\n}\n. {\n import s {$ZONE}\n}\n",
     ".\n  a 'example.org'\n"},
    {"passing all on", "(s) {\n a {args[:]}\n}\n(t) {\n import s x {args[:]}\n}\n. {\n import t 1 2\n}\n",
     ".\n  a 'x' '1' '2'\n"},
    {"snippets of a file", "import snippets.conf\n. {\n import two 1 2\n}\n", ".\n  log '2' / log '1'\n"},
};

TEST_CASE("imports", "[config]") { check_cases(kImports, kFiles); }

constexpr Case kBadImports[] = {
    {"nothing", ". {\n import\n log\n}\n", "Corefile:2: 'import' expects a snippet, a file or a pattern"},
    {"nothing from a variable", ". {\n import {$EMPTY}\n}\n",
     "Corefile:2: 'import' expects a snippet, a file or a pattern"},
    {"no such file", ". {\n import none.conf\n}\n",
     "Corefile:2: import 'none.conf': no such snippet, and as a file: none.conf: No such file or directory"},
    {"no such snippet", "(common) {\n}\n. {\n import comon\n}\n",
     "Corefile:4: import 'comon': no such snippet, and as a file: comon: No such file or directory; did you mean "
     "'common'?"},
    {"a snippet is defined above", ". {\n import s\n}\n(s) {\n}\n",
     "Corefile:2: import 's': no such snippet, and as a file: s: No such file or directory"},
    {"with a block", ". {\n import log.conf {\n }\n}\n", "Corefile:2: 'import' takes no block"},
    {"brace on its line", ". { import log.conf }\n", "Corefile:1: '}' must be on a line of its own"},
    {"snippet twice", "(s) {\n}\n(s) {\n}\n", "Corefile:3: snippet 's' is already defined at Corefile:1"},
    {"open brace in a file", ". {\n import bad.conf\n}\n", "bad.conf:1: '{' is never closed"},
    {"too few arguments", "(s) {\n a {args[1]}\n}\n. {\n import s x\n}\n",
     "Corefile:2: {args[1]} needs more arguments than the 1 of its import: (s) at Corefile:5"},
    {"file that imports itself", ". {\n import loop.conf\n}\n",
     "loop.conf:2: loop.conf imports itself: loop.conf at Corefile:2 → loop.conf at loop.conf:2"},
    {"files that import each other", "import ping.conf\n",
     "pong.conf:2: ping.conf imports itself: ping.conf at Corefile:1 → pong.conf at ping.conf:1 → ping.conf at "
     "pong.conf:2"},
    {"pattern that matches its file", "import Core*\n", "Corefile:1: Corefile imports itself: Corefile at Corefile:1"},
    {"snippet that imports itself", "(s) {\n import s\n}\n. {\n import s\n}\n",
     "Corefile:2: (s) imports itself: (s) at Corefile:5 → (s) at Corefile:2"},
};

TEST_CASE("bad imports", "[config]") { check_cases(kBadImports, kFiles); }

TEST_CASE("tokens know their file and line", "[config]") {
  Sources sources = sources_of(kFiles);
  sources.add("Corefile", ". {\n import conf.d/1.conf\n errors\n}\n");
  const auto blocks = parse(sources, "Corefile");
  REQUIRE(blocks);
  const auto& directives = blocks->at(0).directives;
  CHECK(directives.at(0).name.error("x").text() == "log.conf:1: x");
  CHECK(directives.at(1).name.error("x").text() == "Corefile:3: x");
  CHECK(blocks->at(0).keys.at(0).token.error("x").text() == "Corefile:1: x");
}

TEST_CASE("files are found beside the file that imports them", "[config]") {
  Sources sources;
  sources.add("/etc/swage/Corefile", ". {\n import conf.d/*\n import /opt/log\n}\n");
  sources.add("/etc/swage/conf.d/a", "import b.d/b\n");
  sources.add("/etc/swage/conf.d/b.d/b", "errors\n");
  sources.add("/opt/log", "log\n");
  CHECK(dump(*parse(sources, "/etc/swage/Corefile")) == ".\n  errors\n  log\n");
  CHECK(parse(sources, "none").error().text() == "none: No such file or directory");
}

TEST_CASE("expansions are bounded", "[config]") {
  // Each snippet imports the one before it ten times: ten to the fifth imports.
  std::string corefile = "(s0) {\n x\n}\n";
  for (int i = 1; i <= 5; ++i) {
    corefile += fmt::format("(s{}) {{\n", i);
    for (int k = 0; k < 10; ++k) corefile += fmt::format(" import s{}\n", i - 1);
    corefile += "}\n";
  }
  CHECK(parse_and_dump({{"Corefile", corefile + ". {\n import s5\n}\n"}}) ==
        "Corefile:14: more than 10000 imports: (s5) at Corefile:65 → (s4) at Corefile:53 → (s3) at Corefile:49 → "
        "(s2) at Corefile:38 → (s1) at Corefile:26 → (s0) at Corefile:14");

  std::string words = "(s) {\n a";
  for (int i = 0; i < 1000; ++i) words += " x";
  words += "\n}\n. {\n";
  for (int i = 0; i < 100; ++i) words += " import s\n";
  CHECK(parse_and_dump({{"Corefile", words + "}\n"}}) ==
        "Corefile:2: the Corefile grows beyond 100000 words or 4194304 bytes: (s) at Corefile:104");

  // Each snippet doubles its argument, and then the number of its arguments.
  for (const std::string_view twice : {"{args[0]}{args[0]}", "{args[:]} {args[:]}"}) {
    std::string doubling = "(s0) {\n x\n}\n";
    for (int i = 1; i <= 30; ++i) doubling += fmt::format("(s{}) {{\n import s{} {}\n}}\n", i, i - 1, twice);
    const std::string error = parse_and_dump({{"Corefile", doubling + ". {\n import s30 abc\n}\n"}});
    CHECK((error.find("the Corefile grows beyond") != std::string::npos ||
           error.find("a word of more than") != std::string::npos));
  }

  Files deep;
  deep["Corefile"] = "import 1\n";
  for (int i = 1; i <= 40; ++i) deep[std::to_string(i)] = fmt::format("import {}\n", i + 1);
  CHECK(parse_and_dump(deep).starts_with("32:1: imports are more than 32 deep: 1 at Corefile:1 → 2 at 1:1 → "));
}

TEST_CASE("unknown directives", "[config]") {
  constexpr std::string_view kKnown[] = {"errors", "file", "ipsubdomain", "log"};
  const auto error = [&kKnown](std::string name) {
    return unknown_directive({std::move(name), "Corefile", 7, false, true}, kKnown).text();
  };
  CHECK(error("ipsubdomian") == "Corefile:7: unknown directive 'ipsubdomian'; did you mean 'ipsubdomain'?");
  CHECK(error("nonsense") == "Corefile:7: unknown directive 'nonsense'");
  CHECK(
      error("autopath") ==
      "Corefile:7: unknown directive 'autopath' (it is CoreDNS's; swage does not have it): swage asks other servers by "
      "'forward' alone, and does no more with what they say (docs/coredns.md)");
  CHECK(error("autopaht")
            .starts_with(
                "Corefile:7: unknown directive 'autopaht'; CoreDNS's 'autopath' perhaps, which swage does not have: "));
}

// All errors of a Corefile, in its order, and none that follows from another.
constexpr Case kSeveral[] = {
    {"keys and braces", "grpc://a b {\n log { x }\n}\nc..d {\n log {\n } x\n}\n",
     "Corefile:1: transport 'grpc' is not supported; expected dns://, tls://, https:// or none\n"
     "Corefile:2: '}' must be on a line of its own\n"
     "Corefile:4: 'c..d' is not a valid zone: it has an empty label\n"
     "Corefile:6: expected a new line after '}', not 'x'"},
    {"two keys of a block", "grpc://a quic://b {\n}\n",
     "Corefile:1: transport 'grpc' is not supported; expected dns://, tls://, https:// or none\n"
     "Corefile:1: transport 'quic' is not supported; expected dns://, tls://, https:// or none"},
    {"imports", "import none.conf\n. {\n import bad.conf\n a {\n  import nowhere.conf\n }\n import loop.conf\n}\n",
     "Corefile:1: import 'none.conf': no such snippet, and as a file: none.conf: No such file or directory\n"
     "Corefile:5: import 'nowhere.conf': no such snippet, and as a file: nowhere.conf: No such file or directory\n"
     "bad.conf:1: '{' is never closed\n"
     "loop.conf:2: loop.conf imports itself: loop.conf at Corefile:7 → loop.conf at loop.conf:2"},
    {"a file that is not there may have had the snippets", "import none.conf\na {\n import common\n}\n",
     "Corefile:1: import 'none.conf': no such snippet, and as a file: none.conf: No such file or directory"},
    {"a file that is not there may have had the keys", "import none.conf\n{\n log\n}\n",
     "Corefile:1: import 'none.conf': no such snippet, and as a file: none.conf: No such file or directory"},
    {"missing arguments", "(s) {\n a {args[0]} {args[1]}\n {args[2]} x\n}\n. {\n import s\n import s\n}\n",
     "Corefile:2: {args[0]} needs more arguments than the 0 of its import: (s) at Corefile:6\n"
     "Corefile:2: {args[1]} needs more arguments than the 0 of its import: (s) at Corefile:6\n"
     "Corefile:2: {args[0]} needs more arguments than the 0 of its import: (s) at Corefile:7\n"
     "Corefile:2: {args[1]} needs more arguments than the 0 of its import: (s) at Corefile:7\n"
     "Corefile:3: {args[2]} needs more arguments than the 0 of its import: (s) at Corefile:6\n"
     "Corefile:3: {args[2]} needs more arguments than the 0 of its import: (s) at Corefile:7"},
};

TEST_CASE("several errors", "[config]") { check_cases(kSeveral, kFiles); }

// Lines outside of server blocks: what parse() gives, then the paths, with where they stand.
std::string plugins_of(const Files& files) {
  std::string out = parse_and_dump(files);
  Sources sources = sources_of(files);
  for (const Token& path : plugin_paths(sources, "Corefile")) {
    out += fmt::format("{}:{} {}\n", path.file, path.line, path.text);
  }
  return out;
}

TEST_CASE("plugins that a Corefile loads stand outside of its server blocks", "[config]") {
  const Files imported = {{"more.conf", "plugin c\n(log) {\n log\n}\n"}};
  const auto of = [&](const std::string& corefile) {
    Files files = imported;
    files["Corefile"] = corefile;
    return plugins_of(files);
  };
  CHECK(of("plugin a/b\nplugin \"c d\"\n. {\n log\n}\nplugin {$FILE}\n") ==
        ".\n  log\nCorefile:1 a/b\nCorefile:2 c d\nCorefile:6 log.conf\n");
  CHECK(of("import more.conf\n. {\n import log\n}\n") == ".\n  log\nmore.conf:1 c\n");
  CHECK(of("plugin a\n.\nlog\n") == ".\n  log\nCorefile:1 a\n");
  CHECK(of("plugin a b\n") == "Corefile:1: plugin: unexpected 'b'; expected the end of the line");
  CHECK(of("plugin\n. {\n}\n") ==
        "Corefile:1: plugin: expected the path of a plugin; a zone of that name is written 'plugin.'");
  CHECK(of(". {\n plugin a\n}\n") == ".\n  plugin a\n");  // no directive has that name: unknown_directive()
  // A zone of that name.
  CHECK(of("plugin {\n log\n}\n") == "plugin.\n  log\n");
  CHECK(of("plugin example.org {\n log\n}\n") == "plugin. example.org.\n  log\n");
  CHECK(of("plugin a,\nb {\n log\n}\n") == "plugin. a. b.\n  log\n");
  CHECK(of("plugin. b\nlog\n") == "plugin. b.\n  log\n");
  CHECK(of("\"plugin\" b\nlog\n") == "plugin. b.\n  log\n");
  CHECK(unknown_directive({.text = "plugin", .file = "Corefile", .line = 2}, {}).text() ==
        "Corefile:2: unknown directive 'plugin': 'plugin PATH' stands outside of server blocks, above them");
}

TEST_CASE("the record of a parse gives the same parse", "[config]") {
  Sources sources = sources_of(kFiles);
  sources.add("Corefile", "import snippets.conf\n{$ZONE} {\n import conf.d/*.conf x\n import two 1 2\n}\n");
  const auto first = parse(sources, "Corefile");
  auto copy = Sources::deserialize(sources.serialize());
  REQUIRE(copy);
  const auto second = parse(*copy, "Corefile");
  REQUIRE(first);
  REQUIRE(second);
  CHECK(dump(*first) == dump(*second));
}

}  // namespace
}  // namespace swage::config
