// Which clients count together.
#include "core/http/client_count.h"

#include <catch2/catch.hpp>

using namespace swage;
using http::ClientCount;

TEST_CASE("http: connections are counted by network") {
  const auto address = [](const char* text) { return *IpAddress::parse(text); };
  ClientCount count(2);
  CHECK(count.add(address("192.0.2.1")));
  CHECK(count.add(address("::ffff:192.0.2.255")));
  CHECK_FALSE(count.add(address("192.0.2.3")));
  CHECK(count.add(address("192.0.3.1")));
  CHECK(count.add(address("2001:db8:1::1")));
  CHECK(count.add(address("2001:db8:1:ffff::1")));
  CHECK_FALSE(count.add(address("2001:db8:1:2:3:4:5:6")));
  CHECK(count.add(address("2001:db8:2::1")));
  count.remove(address("192.0.2.1"));
  CHECK(count.add(address("192.0.2.4")));
  CHECK_FALSE(count.add(address("192.0.2.5")));
  CHECK_FALSE(ClientCount(0).add(address("192.0.2.1")));
}
