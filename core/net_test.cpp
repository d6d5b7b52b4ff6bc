#include "core/net.h"

#include <catch2/catch.hpp>

using namespace swage;

TEST_CASE("net: addresses and endpoints as text") {
  for (const char* const text : {"0.0.0.0", "192.0.2.1", "::", "::1", "2001:db8::1", "::ffff:192.0.2.1"}) {
    const Result<IpAddress> address = IpAddress::parse(text);
    REQUIRE(address);
    CHECK(address->to_string() == text);
    sockaddr_storage storage;
    const Endpoint endpoint{*address, 5353, 0};
    endpoint.to_sockaddr(storage);
    CHECK(Endpoint::from_sockaddr(reinterpret_cast<const sockaddr*>(&storage)) == endpoint);
  }
  CHECK(Endpoint{*IpAddress::parse("::1"), 53}.to_string() == "[::1]:53");
  for (const char* const text : {"", "1.2.3", "1.2.3.4.5", "01.2.3.4", "::1%lo", "[::1]", "1.2.3.4:53", ":::"}) {
    INFO(text);
    CHECK_FALSE(IpAddress::parse(text));
  }
}

TEST_CASE("net: endpoints with and without a port") {
  const auto read = [](std::string_view text) {
    const Result<Endpoint> endpoint = Endpoint::parse(text, 53);
    return endpoint ? endpoint->to_string() : endpoint.error().text();
  };
  CHECK(read("192.0.2.1") == "192.0.2.1:53");
  CHECK(read("192.0.2.1:65535") == "192.0.2.1:65535");
  CHECK(read("2001:db8::1") == "[2001:db8::1]:53");
  CHECK(read("[2001:db8::1]") == "[2001:db8::1]:53");
  CHECK(read("[2001:db8::1]:5300") == "[2001:db8::1]:5300");
  for (const char* const port : {"0", "65536", "-1", "+1", "5 ", "x", "99999999999999999999"}) {
    const std::string text = "192.0.2.1:" + std::string(port);
    CHECK(read(text) == "'" + text + "': '" + port + "' is not a port");
  }
  for (const char* const text : {"", ":", ":53", "192.0.2.1:", "[2001:db8::1", "[2001:db8::1]53",
                                 "[2001:db8::1]:", "[192.0.2.1]:53", "host", "host:53", "[]", "[]:53", "1:2:3"}) {
    CHECK(read(text) == "'" + std::string(text) + "' is not an address with or without a port");
  }
}

TEST_CASE("net: what stands behind a zero byte is not ignored") {
  CHECK_FALSE(IpAddress::parse(std::string_view("1.2.3.4\0x", 9)));
}

TEST_CASE("net: prefixes") {
  CHECK(Prefix::parse("192.0.2.77/24")->to_string() == "192.0.2.0/24");
  CHECK(Prefix::parse("2001:db8:ffff::/33")->to_string() == "2001:db8:8000::/33");
  CHECK(Prefix::parse("192.0.2.1")->to_string() == "192.0.2.1/32");
  for (const char* const text : {"192.0.2.0/33", "::/129", "192.0.2.0/", "192.0.2.0/-1", "192.0.2.0/8x", "/8"}) {
    INFO(text);
    CHECK_FALSE(Prefix::parse(text));
  }
  const auto contains = [](const char* prefix, const char* address) {
    return Prefix::parse(prefix)->contains(*IpAddress::parse(address));
  };
  CHECK(contains("0.0.0.0/0", "255.1.2.3"));
  CHECK_FALSE(contains("0.0.0.0/0", "::1"));
  CHECK(contains("10.0.0.0/9", "10.127.255.255"));
  CHECK_FALSE(contains("10.0.0.0/9", "10.128.0.0"));
  CHECK(contains("192.0.2.1/32", "192.0.2.1"));
  CHECK_FALSE(contains("192.0.2.1/32", "192.0.2.0"));
  CHECK(contains("fe80::/10", "febf::1"));
  CHECK_FALSE(contains("fe80::/10", "fec0::1"));
}
