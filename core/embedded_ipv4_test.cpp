#include "core/embedded_ipv4.h"

#include <string>

#include <catch2/catch.hpp>  // last: its CHECK is the one that counts here

using namespace swage;

TEST_CASE("embedded IPv4: in all the forms that there are") {
  const struct {
    const char* address;
    std::string embedded;
  } cases[] = {
      {"203.0.113.9", ""},
      {"::ffff:203.0.113.9", "203.0.113.9 "},
      {"0:0:0:0:0:FFFF:cb00:7109", "203.0.113.9 "},
      {"::203.0.113.9", "203.0.113.9 "},
      {"::", ""},
      {"::1", ""},
      {"::0.255.255.255", ""},
      {"::1.0.0.0", "1.0.0.0 "},
      {"::ffff:0:203.0.113.9", "203.0.113.9 "},
      {"::fffe:203.0.113.9", ""},
      {"::1:203.0.113.9", ""},
      {"64:ff9b::203.0.113.9", "203.0.113.9 "},
      {"64:ff9b:0:0:0:1:203.0.113.9", ""},
      {"64:ff9b:2::203.0.113.9", ""},
      {"64:ff9b:1::203.0.113.9", "203.0.113.9 "},
      {"64:ff9b:1:cb00:71:900::", "203.0.113.9 113.9.0.0 "},
      {"64:ff9b:1:cb:0:7109::", "203.0.113.9 "},
      {"64:ff9b:1:0:cb:71:900::", "203.0.113.9 9.0.0.0 "},
      {"64:ff9b:1::", "0.0.0.0 "},
      {"2002:cb00:7109::1", "203.0.113.9 "},
      {"2003:cb00:7109::1", ""},
      {"2001:0:4136:e378:8000:63bf:34ff:8ef6", "203.0.113.9 "},
      {"2001:1:4136:e378:8000:63bf:34ff:8ef6", ""},
      {"2001:db8::5efe:203.0.113.9", "203.0.113.9 "},
      {"fe80::200:5efe:203.0.113.9", "203.0.113.9 "},
      {"2001:db8::5eff:203.0.113.9", ""},
      {"64:ff9b:1::5efe:203.0.113.9", "203.0.113.9 203.0.113.9 "},
      {"2001:db8::203.0.113.9", ""},
  };
  for (const auto& [address, embedded] : cases) {
    INFO(address);
    std::string found;
    for (const IpAddress& each : EmbeddedIpv4(*IpAddress::parse(address))) found += each.to_string() + " ";
    CHECK(found == embedded);
  }
}

TEST_CASE("embedded IPv4: a mapped address is that of IPv4, and no other is") {
  const std::pair<const char*, const char*> cases[] = {{"::ffff:203.0.113.9", "203.0.113.9"},
                                                       {"203.0.113.9", "203.0.113.9"},
                                                       {"::203.0.113.9", "::203.0.113.9"},
                                                       {"64:ff9b::203.0.113.9", "64:ff9b::cb00:7109"}};
  for (const auto& [address, plain] : cases) CHECK(unmapped(*IpAddress::parse(address)).to_string() == plain);
  const std::pair<const char*, const char*> networks[] = {{"::ffff:203.0.113.0/120", "203.0.113.0/24"},
                                                          {"::ffff:0.0.0.0/96", "0.0.0.0/0"},
                                                          {"::/95", "::/95"},
                                                          {"203.0.113.0/24", "203.0.113.0/24"},
                                                          {"2001:db8::/96", "2001:db8::/96"}};
  for (const auto& [network, plain] : networks) CHECK(unmapped(*Prefix::parse(network)).to_string() == plain);
}
