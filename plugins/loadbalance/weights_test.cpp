#include <fmt/format.h>

#include "plugins/loadbalance/weights.h"

#include <catch2/catch.hpp>  // last: its CHECK is the one that counts here

using namespace swage;
using plugins::loadbalance::find_weight;
using plugins::loadbalance::parse_weights;
using plugins::loadbalance::Weight;
using plugins::loadbalance::write_weights;

namespace {

// "name address weight" for each, or the error.
std::string read(std::string_view text) {
  const auto weights = parse_weights("weights", text);
  if (!weights) return weights.error().text();
  std::string lines;
  for (const Weight& each : *weights) {
    lines += fmt::format("{} {} {}\n", each.name.to_string(), each.address.to_string(), each.weight);
  }
  return lines;
}

unsigned find(Bytes bytes, std::string_view name, std::string_view address) {
  return find_weight(shm::FlatMap(bytes), *dns::Name::parse(name), IpAddress::parse(address)->bytes());
}

}  // namespace

TEST_CASE("loadbalance: weight files") {
  struct Case {
    std::string_view text, read;
  };
  const Case cases[] = {
      {"", ""},
      {"\n# nothing\n\n", ""},
      {"\nw1,example.org\n192.168.1.15 10\n192.168.1.14 20\n",
       "w1,example.org. 192.168.1.15 10\nw1,example.org. 192.168.1.14 20\n"},
      {"# 1\nW1.example.org\n192.168.1.15   10\n192.168.1.14\t20\r\n\n# 2\nw2.example.org\n # 3\n w3.example.org\n "
       "2001:db8::1 255",
       "w1.example.org. 192.168.1.15 10\nw1.example.org. 192.168.1.14 20\nw3.example.org. 2001:db8::1 255\n"},
      {"w1.example.org\n192.168.1.14\n192.168.1.15 20\n",
       "weights:2: expected a weight after the address '192.168.1.14'"},
      {"# none\n192.168.1.14 10\nw2.example.org\n", "weights:2: expected a name before the first address"},
      {"a b c\n", "weights:1: expected a name, or an address and its weight, on a line"},
  };
  for (const Case& test : cases) {
    INFO(test.text);
    CHECK(read(test.text) == test.read);
  }
  for (const char* const line : {"192.168.1.300 10", "192.168.1.14 300", "192.168.1.14 0", "192.168.1.14 -1",
                                 "192.168.1.14 1x", "..", "www.example.org 1"}) {
    INFO(line);
    CHECK(read(fmt::format("a\n{}\n", line)).starts_with("weights:2: "));
  }
}

TEST_CASE("loadbalance: weights are found in what is published") {
  const auto weights = parse_weights("weights",
                                     "b.example\n192.0.2.1 5\n192.0.2.2 6\n2001:db8::1 7\n192.0.2.1 8\n"
                                     "a.example\n192.0.2.1 9\nc.example\nA.EXAMPLE\n192.0.2.3 10\n");
  REQUIRE(weights);
  const auto memory = write_weights("swage test", *weights);
  REQUIRE(memory);
  const Bytes bytes = memory->bytes();
  CHECK(shm::FlatMap(bytes).count() == 5);
  CHECK(find(bytes, "b.example", "192.0.2.1") == 5);  // the first of two
  CHECK(find(bytes, "B.example", "192.0.2.2") == 6);
  CHECK(find(bytes, "b.example", "2001:db8::1") == 7);
  CHECK(find(bytes, "a.example", "192.0.2.1") == 9);
  CHECK(find(bytes, "a.example", "192.0.2.3") == 10);
  CHECK(find(bytes, "a.example", "192.0.2.2") == 1);
  CHECK(find(bytes, "c.example", "192.0.2.1") == 1);
  CHECK(find(bytes, "", "192.0.2.1") == 1);
  CHECK(find({}, "a.example", "192.0.2.1") == 1);
  CHECK(find(write_weights("swage test", {})->bytes(), "a.example", "192.0.2.1") == 1);
}
