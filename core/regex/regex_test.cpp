#include "core/regex/regex.h"

#include <array>

#include <catch2/catch.hpp>  // last: its CHECK is the one that counts here

using swage::regex::Regex;

TEST_CASE("regex: matches anywhere, as Go's does; groups by number and by name") {
  const auto ip = Regex::compile(R"((^|[.])ip-(?P<a>[0-9]*)-(?P<b>[0-9]*)(x)?[.]example[.]$)");
  REQUIRE(ip);
  CHECK(ip->groups() == 4);
  CHECK(ip->group("a") == 2);
  CHECK(ip->group("b") == 3);
  CHECK_FALSE(ip->group("c"));
  std::array<std::string_view, 6> groups;
  REQUIRE(ip->match("www.ip-10-7.example.", groups));
  CHECK(groups[0] == ".ip-10-7.example.");
  CHECK(groups[1] == ".");
  CHECK(groups[2] == "10");
  CHECK(groups[3] == "7");
  CHECK(groups[4].data() == nullptr);
  CHECK(groups[5].data() == nullptr);
  CHECK_FALSE(ip->match("ip-10-7.example.org.", groups));
  CHECK(Regex::compile("b+")->matches("abc"));
  CHECK(Regex::compile("")->matches(""));
}

TEST_CASE("regex: what cannot be compiled says so") {
  CHECK(Regex::compile("a(b").error().text() == "'a(b' is not a valid regular expression: missing ): a(b");
  CHECK(Regex::compile("(a)\\1").error().text().starts_with("'(a)\\1' is not a valid regular expression: "));
  CHECK(Regex::compile(std::string(10'001, 'a')).error().text() ==
        "a regular expression of 10001 bytes; at most 10000 are allowed");
  CHECK(Regex::compile(std::string(10'000, 'a')));
  CHECK_FALSE(Regex::compile("((a{100}){100}){100}"));
}

TEST_CASE("regex: takes linear time where others take for ever") {
  const auto slow = Regex::compile("(a*)*(a*)*(a*)*(a|aa)+$");
  REQUIRE(slow);
  std::array<std::string_view, 2> groups;
  CHECK_FALSE(slow->match(std::string(1000, 'a') + "b", groups));
}
