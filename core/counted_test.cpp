#include "core/counted.h"

#include <catch2/catch.hpp>

using swage::counted;

TEST_CASE("counted: one is singular, all else is plural") {
  CHECK(counted(0, "line") == "0 lines");
  CHECK(counted(1, "line") == "1 line");
  CHECK(counted(21, "line") == "21 lines");
  CHECK(counted(0, "entry", "entries") == "0 entries");
  CHECK(counted(1, "entry", "entries") == "1 entry");
  CHECK(counted(UINT64_MAX, "entry", "entries") == "18446744073709551615 entries");
}
