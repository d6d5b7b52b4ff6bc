#include "core/fleet/acknowledgements.h"

#include <catch2/catch.hpp>

using namespace swage::fleet;

TEST_CASE("acknowledgements: as far as the slowest member, and as the broker's own watch") {
  Acknowledgements all;
  CHECK(all.acknowledged() == 0);
  all.passed(10);
  CHECK(all.acknowledged() == 10);
  all.member_says("a", 8);
  all.member_says("b", 9);
  CHECK(all.members() == 2);
  CHECK(all.acknowledged() == 8);
  all.member_says("a", 12);
  all.member_says("b", 12);
  CHECK(all.acknowledged() == 10);
  all.passed(14);
  CHECK(all.acknowledged() == 12);
}

TEST_CASE("acknowledgements: nobody waits for a member that has left") {
  Acknowledgements all;
  all.passed(10);
  all.member_says("a", 10);
  all.member_says("b", 3);
  all.member_says("c", 3);
  CHECK(all.without(10) == std::vector<std::string>{"b", "c"});
  all.member_left("b");
  CHECK(all.acknowledged() == 3);
  all.member_left("c");
  all.member_left("c");
  all.member_left("never there");
  CHECK(all.acknowledged() == 10);
  CHECK(all.members() == 1);
}
