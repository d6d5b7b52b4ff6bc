#include "core/dial/network.h"

#include <string>
#include <utility>

#include <catch2/catch.hpp>  // last: its CHECK is the one that counts here

namespace swage::dial {

TEST_CASE("network: of an address, and of the IPv4 address that an IPv6 address stands for") {
  const std::pair<const char*, const char*> cases[] = {
      {"192.0.2.255", "192.0.2.0/24"},
      {"0.0.0.0", "0.0.0.0/24"},
      {"2001:db8:1:2::3", "2001:db8:1::/48"},
      {"::1", "::/48"},
      {"::ffff:192.0.2.7", "192.0.2.0/24"},
      {"64:ff9b::192.0.2.7", "192.0.2.0/24"},
      {"64:ff9b:1::192.0.2.7", "64:ff9b:1::/48"},
      {"2002:c000:207:1::1", "192.0.2.0/24"},
      {"::192.0.2.7", "::/48"},
  };
  for (const auto& [address, network] : cases) {
    INFO(address);
    CHECK(network_of(*IpAddress::parse(address)).to_string() == network);
  }
  CHECK(destination_of(*IpAddress::parse("::ffff:192.0.2.7")) == *IpAddress::parse("192.0.2.7"));
  CHECK(destination_of(*IpAddress::parse("2001:db8::7")) == *IpAddress::parse("2001:db8::7"));
}

}  // namespace swage::dial
