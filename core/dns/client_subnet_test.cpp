#include "core/dns/client_subnet.h"

#include <algorithm>

#include <catch2/catch.hpp>  // last: its CHECK is the one that counts here

namespace swage::dns {
namespace {

using Option = std::vector<std::uint8_t>;

// The network of a query whose only option has this data; "-": none.
std::string subnet_of(const Option& data) {
  Option options = {0, kOptionClientSubnet, 0, static_cast<std::uint8_t>(data.size())};
  options.insert(options.end(), data.begin(), data.end());
  Query query;
  query.edns.present = true;
  query.edns.options = options;
  const auto subnet = client_subnet(query);
  return subnet ? subnet->to_string() : "-";
}

TEST_CASE("client subnet: what queries say", "[dns]") {
  CHECK(subnet_of({0, 1, 24, 0, 192, 0, 2}) == "192.0.2.0/24");
  CHECK(subnet_of({0, 1, 32, 0, 192, 0, 2, 1}) == "192.0.2.1/32");
  CHECK(subnet_of({0, 1, 20, 0, 192, 0, 0xF0}) == "192.0.240.0/20");
  CHECK(subnet_of({0, 1, 0, 0}) == "0.0.0.0/0");
  CHECK(subnet_of({0, 2, 32, 0, 0x20, 0x01, 0x0d, 0xb8}) == "2001:db8::/32");
  CHECK(subnet_of({0, 2, 0, 0}) == "::/0");
  CHECK(client_subnet(Query()) == std::nullopt);
}

TEST_CASE("client subnet: what is not well formed is none", "[dns]") {
  CHECK(subnet_of({}) == "-");
  CHECK(subnet_of({0, 1, 24}) == "-");
  CHECK(subnet_of({0, 3, 0, 0}) == "-");                  // no such family
  CHECK(subnet_of({1, 1, 0, 0}) == "-");                  // nor this
  CHECK(subnet_of({0, 1, 33, 0, 1, 2, 3, 4, 5}) == "-");  // longer than an address
  CHECK(subnet_of({0, 1, 24, 0, 192, 0}) == "-");         // too short
  CHECK(subnet_of({0, 1, 24, 0, 192, 0, 2, 0}) == "-");   // too long
  CHECK(subnet_of({0, 1, 24, 8, 192, 0, 2}) == "-");      // a scope in a query
  CHECK(subnet_of({0, 1, 20, 0, 192, 0, 0xF1}) == "-");   // bits beyond the prefix
}

TEST_CASE("client subnet: what answers say", "[dns]") {
  Response response;
  add_client_subnet(response, {*IpAddress::parse("192.0.240.0"), 20}, 16);
  add_client_subnet(response, {*IpAddress::parse("2001:db8::"), 32}, 0);
  add_client_subnet(response, {}, 0);
  REQUIRE(response.options.size() == 3);
  CHECK(response.options[0].code == 8);
  CHECK(std::ranges::equal(response.options[0].data, Option{0, 1, 20, 16, 192, 0, 240}));
  CHECK(std::ranges::equal(response.options[1].data, Option{0, 2, 32, 0, 0x20, 0x01, 0x0d, 0xb8}));
  CHECK(std::ranges::equal(response.options[2].data, Option{0, 1, 0, 0}));
}

}  // namespace
}  // namespace swage::dns
