#include "core/config/errors.h"

#include <catch2/catch.hpp>

namespace swage::config {
namespace {

TEST_CASE("errors: by file and line, each once", "[config]") {
  Errors errors;
  CHECK(errors.empty());
  errors.know_file("Corefile");
  errors.know_file("conf.d/a:1");
  errors.know_file("Corefile");
  for (const std::string_view text : {"no line", "conf.d/a:1:2: x", "Corefile:10: b", "Corefile:9: c", "Corefile:10: a",
                                      "Corefile:9: c", "Corefile: as a whole", "conf.d/a:1:1: y\nz"}) {
    errors.add(Error(std::string(text)));
  }
  const Error joined = errors.joined();
  CHECK(joined.text() ==
        "Corefile:9: c\nCorefile:10: b\nCorefile:10: a\nconf.d/a:1:1: y\\x0az\nconf.d/a:1:2: x\nno line\n"
        "Corefile: as a whole");
  CHECK(lines_of(joined).size() == 7);
  CHECK(lines_of(joined)[3] == "conf.d/a:1:1: y\\x0az");
  CHECK(in_one_line(joined) == "Corefile:9: c (the first of several errors)");
  CHECK(in_one_line(Error("one")) == "one");
}

TEST_CASE("errors: twenty are told", "[config]") {
  for (const unsigned count : {20U, 21U, 25U, 3000U}) {
    Errors errors;
    errors.know_file("Corefile");
    for (unsigned line = count; line > 0; --line) errors.add(Error::at("Corefile", line, "wrong"));
    const std::vector<std::string> lines = lines_of(errors.joined());
    REQUIRE(lines.size() == (count == 20 ? 20 : 21));
    if (count <= 1000) CHECK(lines[19] == "Corefile:20: wrong");
    if (count == 21) CHECK(lines.back() == "and 1 more error");
    if (count == 25) CHECK(lines.back() == "and 5 more errors");
    if (count == 3000) CHECK(lines.back() == "and 2980 more errors");
  }
}

}  // namespace
}  // namespace swage::config
