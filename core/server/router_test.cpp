#include "core/server/router.h"

#include <deque>

#include <fmt/format.h>

#include <catch2/catch.hpp>

using namespace swage;
using server::Block;
using server::Router;

namespace {

std::string zone_of(const Router& router, std::string_view qname) {
  const dns::Name name = *dns::Name::parse(qname);
  Query query;
  query.ask(name);
  const Router::Match match = router.match(query);
  return match.block == nullptr ? "none" : match.zone.to_string();
}

}  // namespace

TEST_CASE("router: the longest zone wins, whatever the case") {
  const Block block;
  std::deque<dns::Name> zones;
  Router router;
  CHECK(zone_of(router, "example.org") == "none");
  for (const char* const zone : {"org", "example.org", "a.b.c.example.org", "2.0.192.in-addr.arpa"}) {
    zones.push_back(*dns::Name::parse(zone));
    CHECK(router.add(zones.back(), block));
    CHECK_FALSE(router.add(zones.back(), block));
  }
  CHECK(zone_of(router, "example.org") == "example.org.");
  CHECK(zone_of(router, "WWW.Example.ORG") == "example.org.");
  CHECK(zone_of(router, "c.example.org") == "example.org.");
  CHECK(zone_of(router, "x.a.b.c.example.org") == "a.b.c.example.org.");
  CHECK(zone_of(router, "badexample.org") == "org.");
  CHECK(zone_of(router, "org") == "org.");
  CHECK(zone_of(router, "1.2.0.192.in-addr.arpa") == "2.0.192.in-addr.arpa.");
  CHECK(zone_of(router, "arpa") == "none");
  CHECK(zone_of(router, ".") == "none");
  const dns::Name root;
  CHECK(router.add(root, block));
  CHECK(zone_of(router, ".") == ".");
  CHECK(zone_of(router, "arpa") == ".");
  CHECK(router.serves(root, block));
  const Block other;
  CHECK_FALSE(router.serves(root, other));
}

TEST_CASE("router: DS is asked of the zone above, if it is here") {
  const Block parent, child;
  const dns::Name above = *dns::Name::parse("org"), zone = *dns::Name::parse("example.org");
  Router router;
  REQUIRE(router.add(zone, child));
  Query query;
  query.ask(zone);
  query.qtype = dns::Type::ds;
  CHECK(router.match(query).block == &child);
  REQUIRE(router.add(above, parent));
  CHECK(router.match(query).block == &parent);
  query.qtype = dns::Type::a;
  CHECK(router.match(query).block == &child);
}

TEST_CASE("router: thousands of zones") {
  const Block block;
  std::deque<dns::Name> zones;
  Router router;
  for (int i = 0; i < 5000; ++i) {
    zones.push_back(*dns::Name::parse(fmt::format("zone{}.test", i)));
    REQUIRE(router.add(zones.back(), block));
  }
  for (int i = 0; i < 5000; ++i) {
    REQUIRE(zone_of(router, fmt::format("a.b.zone{}.test", i)) == fmt::format("zone{}.test.", i));
  }
  CHECK(zone_of(router, "zone5000.test") == "none");
}
