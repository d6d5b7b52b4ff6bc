// The file .env: what its statements mean, what is refused, and that the environment has precedence.
#include "core/config/dotenv.h"

#include <cstdlib>

#include <fmt/format.h>

#include "tests/support/loopback.h"

#include <catch2/catch.hpp>  // last: its CHECK is the one that counts here

namespace swage::config {
namespace {

std::string variables(std::string_view text) {
  const Environment environment = [](const std::string& name) {
    return name == "HOME" ? std::optional<std::string>("/root") : std::nullopt;
  };
  const auto parsed = parse_dotenv(text, ".env", environment);
  if (!parsed) return parsed.error().text();
  std::string out;
  for (const auto& [name, value] : *parsed) out += fmt::format("{}=<{}>", name, value);
  return out;
}

}  // namespace

TEST_CASE("dotenv: statements") {
  struct Row {
    const char *text, *variables;
  };
  for (const Row& row : std::initializer_list<Row>{
           {"", ""},
           {"\n # nothing\n\n", ""},
           {"A=1\nB = two words  \r\nC=", "A=<1>B=<two words>C=<>"},
           {"export A=1\nexported=2\nB.c_9: 3", "A=<1>B.c_9=<3>exported=<2>"},
           {"A=x#y\nB=x # y\nC=x # y # z\nD=# y", "A=<x#y>B=<x>C=<x # y>D=<# y>"},
           {"A='$HOME \\n \"' # c\nB=\"a\\nb\\r\\\"\\t\"\nC='over\nlines'\nD=\"\"",
            "A=<$HOME \\n \">B=<a\nb\r\"t>C=<over\nlines>D=<>"},
           {"A=1\nB=$A${A}x$HOME\nC=\"\\$A $NONE $ $a $(x)\"\nA=2", "A=<2>B=<11x/root>C=<$A  $ $a $(x)>"},
           {"A=\"unclosed\\\"", ".env:1: the quote is never closed"},
           {"A=1\nB='x\ny'\nFORGE ACCESS=secret", ".env:4: expected NAME=VALUE"},
           {"A=1\nsecret", ".env:2: expected NAME=VALUE"},
           {"=x", ".env:1: expected NAME=VALUE"},
       }) {
    INFO(row.text);
    CHECK(variables(row.text) == row.variables);
  }
  CHECK(variables(std::string_view("A=\0", 3)) == ".env: a NUL byte; expected a text file");
}

TEST_CASE("dotenv: no prefix of a file does harm") {
  const std::string text = "export A='x\ny' # z\nB=\"${A} \\\\\\$\\n\"\nC=$A${B} # d\n";
  for (std::size_t size = 0; size <= text.size(); ++size) CHECK_NOTHROW(variables(text.substr(0, size)));
}

TEST_CASE("dotenv: sets what is not set") {
  const tests::Folder folder;
  CHECK_FALSE(load_dotenv(folder.file(".env")).value());
  const std::string path = folder.write(".env", "SWAGE_TEST_A=file\nSWAGE_TEST_B=file\nSWAGE_TEST_C=file\n");
  setenv("SWAGE_TEST_A", "environment", 1);
  setenv("SWAGE_TEST_B", "", 1);
  unsetenv("SWAGE_TEST_C");
  CHECK(load_dotenv(path).value());
  CHECK(std::getenv("SWAGE_TEST_A") == std::string("environment"));
  CHECK(std::getenv("SWAGE_TEST_B") == std::string());
  CHECK(std::getenv("SWAGE_TEST_C") == std::string("file"));
  for (const char* const name : {"SWAGE_TEST_A", "SWAGE_TEST_B", "SWAGE_TEST_C"}) unsetenv(name);

  static_cast<void>(folder.write(".env", "SWAGE_TEST_D=1\nsecret\n"));
  const auto wrong = load_dotenv(path);
  REQUIRE_FALSE(wrong);
  CHECK(wrong.error().text() == path + ":2: expected NAME=VALUE");
  CHECK(std::getenv("SWAGE_TEST_D") == nullptr);
  CHECK_FALSE(load_dotenv(folder.path()));
}

}  // namespace swage::config
