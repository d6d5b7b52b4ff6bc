#include "core/format.h"

#include <limits>

#include <catch2/catch.hpp>

namespace swage {
namespace {

TEST_CASE("format: what is put in") {
  const std::string name = "a";
  char text[] = "b";
  const char* const other = "c";
  CHECK(formatted("none") == "none");
  CHECK(formatted("{}{}{}{}{}", name, std::string_view("x"), text, other, "d") == "axbcd");
  CHECK(formatted("{} {} {}", true, 'c', 1.5) == "true c 1.5");
  CHECK(formatted("{} {}", std::numeric_limits<std::int64_t>::min(), std::numeric_limits<std::uint64_t>::max()) ==
        "-9223372036854775808 18446744073709551615");
  CHECK(formatted("{} {} {}", std::uint8_t{200}, std::int8_t{-1}, std::uint16_t{65535}) == "200 -1 65535");
  CHECK(formatted("{}", std::string(5000, 'x')) == std::string(5000, 'x'));
  CHECK(formatted("{}", std::string_view("a\0b", 3)) == std::string("a\0b", 3));
  CHECK(formatted("{}", 0.1F) == formatted("{}", static_cast<double>(0.1F)));
}

TEST_CASE("format: in which way") {
  CHECK(formatted("{{{}}}", 1) == "{1}");
  CHECK(formatted("{:02x} {:.2f} {:>4} {:<3}| {:s} {:c} {:d}", 10, 2.0 / 3, 7, "a", "b", 'c', 'd') ==
        "0a 0.67    7 a  | b c 100");
  CHECK(formatted("{:>{}} {:.{}}", "a", 3, "bcd", 2) == "  a bc");
}

TEST_CASE("format: many values") {
  CHECK(formatted("{}{}{}{}{}{}{}{}{}{}{}{}{}{}{}{}", 1, 2, 3, 4, 5, 6, 7, 8, 9, 0, 1, 2, 3, 4, 5, "x") ==
        "123456789012345x");
  CHECK(formatted("{}{}{}{}{}{}{}{}{}{}{}{}{}{}{}{}{}", 1, 2, 3, 4, 5, 6, 7, 8, 9, 0, 1, 2, 3, 4, 5, 6, "x") ==
        "1234567890123456x");
}

TEST_CASE("format: what only the run can tell is said in the text") {
  CHECK(formatted("{:>{}}", "a", -1) == "{:>{}} (negative width)");
}

// What the compiler refuses: tests/repo/… cannot see it, so that the check itself is asked here.
template <typename... Values>
constexpr bool is_taken(std::string_view text) {
  return detail::fits(text, {FormatValue::kind_of<Values>()...}) == detail::Fit::good;
}
static_assert(is_taken<>(""));
static_assert(is_taken<int, std::string>("{} {}"));
static_assert(!is_taken<int>("{} {}"));
static_assert(!is_taken<int, int>("{}"));
static_assert(!is_taken<int>("{"));
static_assert(!is_taken<int>("}{}"));
static_assert(!is_taken<int>("{0}"));
static_assert(!is_taken<int>("{:>{}}"));
static_assert(!is_taken<std::string>("{:x}"));
static_assert(!is_taken<std::string>("{:.2f}"));
static_assert(!is_taken<double>("{:x}"));

}  // namespace
}  // namespace swage
