// Who a request is from, behind proxies that may be trusted or not.
#include "core/http/forwarded.h"

#include <string>
#include <vector>

#include <catch2/catch.hpp>

using namespace swage;
using namespace swage::http;

TEST_CASE("http: the client behind proxies") {
  std::vector<Prefix> trusted;
  for (const char* network : {"10.0.0.0/8", "2001:db8:1::/48", "::ffff:172.16.0.0/108"}) {
    trusted.push_back(*Prefix::parse(network));
  }
  const struct {
    const char* connection;
    std::vector<const char*> fields;
    const char* client;
  } cases[] = {
      {"192.0.2.1", {}, "192.0.2.1"},
      {"192.0.2.1", {"198.51.100.1"}, "192.0.2.1"},  // no proxy of ours: may say what it likes
      {"10.0.0.1", {}, "10.0.0.1"},
      {"10.0.0.1", {""}, "10.0.0.1"},
      {"10.0.0.1", {"198.51.100.1"}, "198.51.100.1"},
      {"10.0.0.1", {"203.0.113.1, 198.51.100.1"}, "198.51.100.1"},
      {"10.0.0.1", {"203.0.113.1 ,\t198.51.100.1 , 10.0.0.2 "}, "198.51.100.1"},
      {"10.0.0.1", {"203.0.113.1", "198.51.100.1", "10.0.0.2"}, "198.51.100.1"},
      {"10.0.0.1", {"203.0.113.1", "10.0.0.3, 10.0.0.2"}, "203.0.113.1"},
      {"10.0.0.1", {"10.0.0.3,10.0.0.2"}, "10.0.0.3"},
      {"10.0.0.1", {"198.51.100.1:5678"}, "198.51.100.1"},
      {"10.0.0.1", {"2001:db8::1"}, "2001:db8::1"},
      {"10.0.0.1", {"[2001:db8::1]"}, "2001:db8::1"},
      {"10.0.0.1", {"[2001:db8::1]:443"}, "2001:db8::1"},
      {"10.0.0.1", {"198.51.100.1, [2001:db8:1::2]:443"}, "198.51.100.1"},
      {"10.0.0.1", {"198.51.100.1, 172.16.0.1"}, "198.51.100.1"},
      {"10.0.0.1", {"198.51.100.1, ::ffff:10.0.0.2"}, "198.51.100.1"},
      {"::ffff:10.0.0.1", {"::ffff:198.51.100.1"}, "198.51.100.1"},
      {"::ffff:192.0.2.1", {"198.51.100.1"}, "192.0.2.1"},
      // Garbage: what is left of it counts for nothing.
      {"10.0.0.1", {"198.51.100.1, unknown"}, "10.0.0.1"},
      {"10.0.0.1", {"198.51.100.1, unknown, 10.0.0.2"}, "10.0.0.2"},
      {"10.0.0.1", {"198.51.100.1, , 10.0.0.2"}, "10.0.0.2"},
      {"10.0.0.1", {"198.51.100.1, 10.0.0.2,"}, "10.0.0.1"},
      {"10.0.0.1", {"198.51.100.1:x"}, "10.0.0.1"},
      {"10.0.0.1", {"198.51.100.1:"}, "10.0.0.1"},
      {"10.0.0.1", {"198.51.100.1:65536"}, "10.0.0.1"},
      {"10.0.0.1", {"198.51.100.1:-1"}, "10.0.0.1"},
      {"10.0.0.1", {"[198.51.100.1]"}, "10.0.0.1"},
      {"10.0.0.1", {"[2001:db8::1"}, "10.0.0.1"},
      {"10.0.0.1", {"[2001:db8::1]443"}, "10.0.0.1"},
      {"10.0.0.1", {"fe80::1%eth0"}, "10.0.0.1"},
      {"10.0.0.1", {"198.51.100.1 198.51.100.2"}, "10.0.0.1"},
      {"10.0.0.1", {"\"198.51.100.1\""}, "10.0.0.1"},
  };
  for (const auto& [connection, values, client] : cases) {
    Fields fields;
    std::string all;
    for (const char* value : values) {
      fields.add("x-forwarded-for", value);
      all += std::string(value) + " | ";
    }
    INFO(connection << " forwards " << all);
    CHECK(client_address(*IpAddress::parse(connection), fields, trusted).to_string() == client);
  }
}

TEST_CASE("http: forwarded for a very long way") {
  const std::vector<Prefix> trusted{*Prefix::parse("10.0.0.0/8")};
  Fields fields;
  for (int i = 0; i < 100; ++i) fields.add("X-Forwarded-For", "192.0.2.1, 10.0.0.1, 10.0.0.2, 10.0.0.3");
  CHECK(client_address(*IpAddress::parse("10.0.0.1"), fields, trusted).to_string() == "192.0.2.1");
}

TEST_CASE("http: every address that is named on the way, whatever is around it") {
  const struct {
    std::vector<const char*> fields;
    std::vector<std::string> addresses;
  } cases[] = {
      {{}, {}},
      {{""}, {}},
      {{" , ,,"}, {}},
      {{"198.51.100.1"}, {"198.51.100.1"}},
      {{"198.51.100.1, 203.0.113.1 ,\t2001:db8::1"}, {"198.51.100.1", "203.0.113.1", "2001:db8::1"}},
      {{"198.51.100.1", "203.0.113.1, 192.0.2.1"}, {"198.51.100.1", "203.0.113.1", "192.0.2.1"}},
      {{"198.51.100.1:80, [2001:db8::1]:443, [2001:db8::2]"}, {"198.51.100.1", "2001:db8::1", "2001:db8::2"}},
      {{"::ffff:198.51.100.1, [::FFFF:198.51.100.2]:1"}, {"198.51.100.1", "198.51.100.2"}},
      {{"fe80::1%eth0, 2001:db8::1%25x"}, {"fe80::1", "2001:db8::1"}},
      {{"\"198.51.100.1\"", "for=198.51.100.2", "\xc2\xa0 198.51.100.3\xc2\xa0"},
       {"198.51.100.1", "198.51.100.2", "198.51.100.3"}},
      {{"unknown, 198.51.100.1, _hidden, 198.51.100.2"}, {"198.51.100.1", "198.51.100.2"}},
      {{"198.51.100.1 198.51.100.2;198.51.100.3"}, {"198.51.100.1", "198.51.100.2", "198.51.100.3"}},
      {{"198.51.100.1:x", "198.51.100.2:99999", "[198.51.100.3]", "[2001:db8::1", "2001:db8::2]443"},
       {"198.51.100.1", "198.51.100.2", "198.51.100.3", "2001:db8::1", "2001:db8::2"}},
      {{"1.2.3, 1.2.3.4.5, 256.1.1.1, 12345::, :::, ., :, dead"}, {}},
  };
  for (const auto& [values, addresses] : cases) {
    Fields fields;
    std::string all;
    for (const char* value : values) {
      fields.add("x-forwarded-FOR", value);
      fields.add("Forwarded", "for=192.0.2.9");
      all += std::string(value) + " | ";
    }
    std::vector<std::string> found;
    for (const IpAddress& each : forwarded_addresses(fields)) found.push_back(each.to_string());
    INFO(all);
    CHECK(found == addresses);
  }
}
