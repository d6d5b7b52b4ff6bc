#include "core/config/values.h"

#include <catch2/catch.hpp>

#include "core/config/nearest.h"

namespace swage::config {
namespace {

struct Case {
  std::string_view text;
  std::string_view expected;  // the number, or the error
};

constexpr Case kDurations[] = {
    {"0", "0"},
    {"0s", "0"},
    {"10s", "10000000000"},
    {"+10s", "10000000000"},
    {"1h30m", "5400000000000"},
    {"1.5h", "5400000000000"},
    {".5s", "500000000"},
    {"1.s", "1000000000"},
    {"500ms", "500000000"},
    {"3us", "3000"},
    {"3\xC2\xB5s", "3000"},
    {"3\xCE\xBCs", "3000"},
    {"7ns", "7"},
    {"0.0000000001s", "0"},
    {"1.333333333333333333333333s", "1333333333"},
    {"9223372036854775807ns", "9223372036854775807"},
    {"", "'' is not a duration; expected a number with a unit, such as 500ms, 30s or 1h30m"},
    {"+", "'+' is not a duration; expected a number with a unit, such as 500ms, 30s or 1h30m"},
    {".s", "'.s' is not a duration; expected a number with a unit, such as 500ms, 30s or 1h30m"},
    {"soon", "'soon' is not a duration; expected a number with a unit, such as 500ms, 30s or 1h30m"},
    {"30", "'30' is not a duration: a unit is missing; expected, say, 30s"},
    {"1m30", "'1m30' is not a duration: a unit is missing; expected, say, 1m30s"},
    {"3d", "'3d' is not a duration: expected ns, us, ms, s, m or h, not 'd'"},
    {"3 s", "'3 s' is not a duration: expected ns, us, ms, s, m or h, not ' s'"},
    {"-1s", "'-1s' is not a duration: it is negative"},
    {"9223372036854775808ns", "'9223372036854775808ns' is not a duration: it is longer than 292 years"},
    {"99999999999999999999h", "'99999999999999999999h' is not a duration: it is longer than 292 years"},
    {"2562047h60m", "'2562047h60m' is not a duration: it is longer than 292 years"},
};

TEST_CASE("parse_duration", "[config]") {
  for (const Case& c : kDurations) {
    INFO(c.text);
    const auto value = parse_duration(c.text);
    CHECK((value ? std::to_string(value->count()) : value.error().text()) == c.expected);
  }
}

constexpr Case kTtls[] = {
    {"0", "0"},
    {"3600", "3600"},
    {"2147483647", "2147483647"},
    {"2147483648", "'2147483648' is not a TTL; expected seconds, 0 to 2147483647"},
    {"-1", "'-1' is not a TTL; expected seconds, 0 to 2147483647"},
    {"1h", "'1h' is not a TTL; expected seconds, 0 to 2147483647"},
    {"", "'' is not a TTL; expected seconds, 0 to 2147483647"},
};

TEST_CASE("parse_ttl", "[config]") {
  for (const Case& c : kTtls) {
    INFO(c.text);
    const auto value = parse_ttl(c.text);
    CHECK((value ? std::to_string(*value) : value.error().text()) == c.expected);
  }
}

TEST_CASE("parse_integer", "[config]") {
  CHECK(parse_integer<std::uint16_t>("65535", 1, 65535) == std::uint16_t{65535});
  CHECK(parse_integer("-3", -5, 5) == -3);
  CHECK(parse_integer("0", 1, 65535).error().text() == "'0' is not a number from 1 to 65535");
  CHECK(parse_integer("7x", 1, 9).error().text() == "'7x' is not a number from 1 to 9");
  CHECK(parse_integer("", 1, 9).error().text() == "'' is not a number from 1 to 9");
  CHECK(parse_integer("99999999999999999999", 1, 9).error().text() ==
        "'99999999999999999999' is not a number from 1 to 9");
}

TEST_CASE("parse_switch", "[config]") {
  CHECK(parse_switch("on") == true);
  CHECK(parse_switch("true") == true);
  CHECK(parse_switch("off") == false);
  CHECK(parse_switch("false") == false);
  CHECK(parse_switch("maybe").error().text() == "'maybe' is neither 'on' nor 'off'");
}

TEST_CASE("parse_bool", "[config]") {
  for (const char* const text : {"1", "t", "T", "TRUE", "true", "True"}) CHECK(parse_bool(text) == true);
  for (const char* const text : {"0", "f", "F", "FALSE", "false", "False"}) CHECK(parse_bool(text) == false);
  CHECK(parse_bool("yes").error().text() == "'yes' is not true or false");
  CHECK_FALSE(parse_bool(""));
}

constexpr Case kSizes[] = {
    {"0", "0"},
    {"4096", "4096"},
    {"64K", "65536"},
    {"64KiB", "65536"},
    {"1M", "1048576"},
    {"2GiB", "2147483648"},
    {"", "'' is not a size; expected bytes, such as 4096, 64KiB or 1GiB"},
    {"MiB", "'MiB' is not a size; expected bytes, such as 4096, 64KiB or 1GiB"},
    {"1MB", "'1MB' is not a size; expected bytes, such as 4096, 64KiB or 1GiB"},
    {"-1", "'-1' is not a size; expected bytes, such as 4096, 64KiB or 1GiB"},
    {"18446744073709551616", "'18446744073709551616' is not a size; expected bytes, such as 4096, 64KiB or 1GiB"},
    {"18446744073709551615K", "'18446744073709551615K' is not a size; expected bytes, such as 4096, 64KiB or 1GiB"},
};

TEST_CASE("parse_size", "[config]") {
  for (const Case& c : kSizes) {
    INFO(c.text);
    const auto value = parse_size(c.text);
    CHECK((value ? std::to_string(*value) : value.error().text()) == c.expected);
  }
}

TEST_CASE("nearest", "[config]") {
  constexpr std::string_view kKnown[] = {"any",         "bind", "errors", "file", "health",
                                         "ipsubdomain", "log",  "loop",   "root"};
  const auto guess = [&kKnown](std::string_view word) { return std::string(nearest(word, kKnown).value_or("-")); };
  CHECK(guess("fiel") == "file");
  CHECK(guess("ipsubdomian") == "ipsubdomain");
  CHECK(guess("ipsub-domain") == "ipsubdomain");
  CHECK(guess("LOG") == "log");
  CHECK(guess("lop") == "log");  // the first of the nearest
  CHECK(guess("eror") == "-");   // two wrong in four
  CHECK(guess("error") == "errors");
  CHECK(guess("forward") == "-");
  CHECK(guess("a") == "-");
  CHECK(guess("") == "-");
  CHECK(guess(std::string(1000, 'a')) == "-");
  CHECK(did_you_mean("fiel", kKnown) == "; did you mean 'file'?");
  CHECK(did_you_mean("kubernetes", kKnown).empty());
}

}  // namespace
}  // namespace swage::config
