#include "core/dial/target_limits.h"

#include <string>

#include <catch2/catch.hpp>  // last: its CHECK is the one that counts here

namespace swage::dial {
namespace {

using namespace std::chrono_literals;

IpAddress at(const std::string& text) { return *IpAddress::parse(text); }

// How many of 100 connections are let through.
int taken(TargetLimits& limits, const std::string& target, const std::string& client, RateLimit::Time now = 5s) {
  int count = 0;
  for (int i = 0; i < 100; ++i) count += limits.take(at(target), at(client), now) == 0us ? 1 : 0;
  return count;
}

}  // namespace

TEST_CASE("target limits: a network, and those who ask from outside of it") {
  TargetLimits limits({20, 1min}, {5, 1min}, crypto::sha256(as_bytes("seed")));
  // All of the victim's addresses, by whoever there is, in every way to write them.
  CHECK(taken(limits, "192.0.2.1", "198.51.100.1") == 5);
  CHECK(taken(limits, "192.0.2.200", "203.0.113.1") == 0);
  CHECK(taken(limits, "::ffff:192.0.2.1", "2001:db8::1") == 0);
  CHECK(taken(limits, "64:ff9b::192.0.2.1", "2001:db8::1") == 0);
  // Who is of it has the rest.
  CHECK(taken(limits, "192.0.2.1", "192.0.2.7") == 15);
  CHECK(taken(limits, "192.0.2.1", "::ffff:192.0.2.7") == 0);
  CHECK(limits.take(at("192.0.2.1"), at("192.0.2.7"), 5s) == 3s);
  // Another network is another matter; and time goes by.
  CHECK(taken(limits, "192.0.3.1", "198.51.100.1") == 5);
  CHECK(taken(limits, "2001:db8:1::1", "2001:db8:2::1") == 5);
  CHECK(taken(limits, "2001:db8:1:ffff::1", "2001:db8:1::1") == 15);
  CHECK(taken(limits, "192.0.2.1", "198.51.100.1", 65s) == 5);
}

TEST_CASE("target limits: off") {
  TargetLimits limits({}, {}, crypto::sha256(as_bytes("seed")));
  CHECK(taken(limits, "192.0.2.1", "198.51.100.1") == 100);
}

}  // namespace swage::dial
