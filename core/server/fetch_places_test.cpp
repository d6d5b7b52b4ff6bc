#include "core/server/fetch_places.h"

#include <deque>
#include <map>

#include <catch2/catch.hpp>

namespace {

using namespace swage::server;

struct Bench {
  // Each of a network of its own number.
  FetchPlaces::Candidate& wait(std::uint64_t network) {
    FetchPlaces::Candidate& candidate = all.emplace_back();
    candidate.share = places.share_of(network);
    places.wait(candidate);
    return candidate;
  }
  // Whose turn it is, as often as places are free.
  std::map<std::uint32_t, int> advance(std::size_t most) {
    std::map<std::uint32_t, int> begun;
    while (FetchPlaces::Candidate* const next = places.next(most)) {
      REQUIRE(places.take(*next, most));
      ++begun[next->share];
      places.leave(*next);
    }
    return begun;
  }

  // One that does not wait.
  [[nodiscard]] bool take(std::uint64_t network, std::size_t most, std::size_t bytes = 0) {
    FetchPlaces::Candidate candidate;
    candidate.share = places.share_of(network);
    candidate.bytes = bytes;
    return places.take(candidate, most);
  }

  FetchPlaces places{{1, 2, 3}, 1000};
  std::deque<FetchPlaces::Candidate> all;
};

}  // namespace

TEST_CASE("fetch places: one network has half of them, and whoever comes next finds as much") {
  Bench bench;
  const auto share = [&](std::uint64_t network) { return bench.places.share_of(network); };
  int first = 0, second = 0;
  while (bench.take(1, 90)) ++first;
  CHECK(first == 45);
  while (bench.take(2, 90)) ++second;
  CHECK(second == 23);
  CHECK(bench.take(3, 90));
  CHECK(bench.places.taken() == 69);
  for (int i = 0; i < first; ++i) bench.places.give_back(share(1), 0);
  CHECK(bench.take(2, 90));
}

TEST_CASE("fetch places: it is the turn of the network that has fewest, and of equals one after the other") {
  Bench bench;
  const std::uint32_t flood = bench.places.share_of(1), a = bench.places.share_of(2), b = bench.places.share_of(3);
  while (bench.take(1, 8)) {
  }
  for (int i = 0; i < 100; ++i) bench.wait(1);
  CHECK(bench.places.next(8) == nullptr);
  for (int i = 0; i < 3; ++i) bench.wait(2);
  for (int i = 0; i < 3; ++i) bench.wait(3);
  CHECK(bench.advance(8) == std::map<std::uint32_t, int>{{a, 2}, {b, 1}});  // one is left to whoever comes next
  bench.places.give_back(flood, 0);
  CHECK(bench.advance(8) == std::map<std::uint32_t, int>{{b, 1}});
  for (int i = 0; i < 2; ++i) bench.places.give_back(a, 0);
  CHECK(bench.advance(8) == std::map<std::uint32_t, int>{{a, 1}});  // b would have as many as are free
}

TEST_CASE("fetch places: one that waits no more loses its turn; less places than are taken are none") {
  Bench bench;
  FetchPlaces::Candidate& one = bench.wait(1);
  FetchPlaces::Candidate& other = bench.wait(1);
  CHECK(bench.places.next(1) == &one);
  bench.places.leave(one);
  bench.places.leave(one);
  CHECK(bench.places.next(1) == &other);
  CHECK(bench.places.take(other, 1));
  CHECK(bench.places.next(1) == nullptr);
  CHECK(bench.places.next(0) == nullptr);
  CHECK_FALSE(bench.take(2, 0));
  bench.places.give_back(other.share, 0);
  bench.places.leave(other);
  CHECK(bench.places.next(1) == nullptr);
  CHECK(bench.places.taken() == 0);
}

TEST_CASE("fetch places: bytes are shared out as places are") {
  Bench bench;
  int taken = 0;
  while (bench.take(1, 90, 100)) ++taken;
  CHECK(taken == 5);
  CHECK(bench.take(1, 90));
  CHECK(bench.take(2, 90, 200));
  CHECK_FALSE(bench.take(2, 90, 200));
  bench.places.give_back(bench.places.share_of(1), 100);
  CHECK(bench.take(2, 90, 100));
}
