#include "core/async/shares.h"

#include <algorithm>
#include <deque>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include <fmt/format.h>

#include "core/async/tasks.h"

#include "core/async/testing.h"  // with Catch

namespace swage::async {
namespace {

using namespace std::chrono_literals;

Prefix group(int number) { return *Prefix::parse(fmt::format("10.0.{}.0/24", number)); }

// Those who compete: each takes a place, and keeps it until it is called back or released.
struct Crowd {
  explicit Crowd(std::size_t places) : shares(loop, places) {}

  struct One {
    One(Loop& loop, int of) : group(of), wanted(loop), release(loop) {}
    int group;
    Event wanted, release;
    bool has = false, gave_way = false, over = false;
  };

  static Task<> compete(Shares& shares, One& one) {
    const Shares::Place place = co_await shares.acquire(group(one.group), one.wanted);
    one.has = true;
    auto releasing = keep(one.release);
    one.gave_way = !co_await until(one.wanted, std::move(releasing));
    one.has = false;
    one.over = true;
  }
  static Task<bool> keep(Event& release) { co_return co_await release.wait(); }

  One& add(int of) {
    all.push_back(std::make_unique<One>(loop, of));
    tasks.start(compete(shares, *all.back()));
    return *all.back();
  }
  // Lets everything happen that is to happen by itself.
  void settle() { testing::run(loop, sleep(loop, 5ms)); }
  [[nodiscard]] std::size_t count(int of) const {
    return static_cast<std::size_t>(
        std::ranges::count_if(all, [of](const auto& one) { return one->group == of && one->has; }));
  }

  Loop loop;
  Shares shares;
  std::deque<std::unique_ptr<One>> all;
  Tasks tasks;
};

}  // namespace

TEST_CASE("shares: one group has all places, until another comes") {
  Crowd crowd(10);
  for (int i = 0; i < 30; ++i) crowd.add(1);
  crowd.settle();
  CHECK(crowd.count(1) == 10);
  CHECK(crowd.shares.taken() == 10);
  CHECK_FALSE(crowd.shares.has_room(group(1)));
  CHECK(crowd.shares.has_room(group(2)));
  const auto& honest = crowd.add(2);
  crowd.settle();
  CHECK(honest.has);
  CHECK(crowd.all.front()->gave_way);  // who had it for longest
  CHECK(crowd.count(1) == 9);
  // Its next ones get places up to its share, and no more.
  for (int i = 0; i < 30; ++i) crowd.add(2);
  crowd.settle();
  CHECK(crowd.count(1) == 5);
  CHECK(crowd.count(2) == 5);
  CHECK(crowd.shares.taken() == 10);
}

TEST_CASE("shares: whoever comes from a group of its own has a place at once, however many there are") {
  Crowd crowd(64);
  for (int of = 0; of < 100; ++of) {
    for (int i = 0; i < 8; ++i) crowd.add(of);
  }
  crowd.settle();
  CHECK(crowd.shares.taken() == 64);
  // More groups than places: none has more than one, and who comes then has to wait.
  for (int of = 0; of < 100; ++of) CHECK(crowd.count(of) <= 1);
  const auto& late = crowd.add(200);
  crowd.settle();
  CHECK_FALSE(late.has);
  CHECK_FALSE(crowd.shares.has_room(group(200)));
  for (const auto& one : crowd.all) {
    if (!one->has) continue;
    one->release.set();
    break;
  }
  crowd.settle();
  CHECK(crowd.shares.taken() == 64);
}

TEST_CASE("shares: places that come free go round the groups that wait") {
  Crowd crowd(1);
  auto& first = crowd.add(0);
  for (int i = 0; i < 3; ++i) {
    for (const int of : {1, 1, 1, 2, 3}) crowd.add(of);
  }
  std::vector<int> order;
  first.release.set();
  for (int turn = 0; turn < 15; ++turn) {
    crowd.settle();
    for (const auto& one : crowd.all) {
      if (!one->has) continue;
      order.push_back(one->group);
      one->release.set();
    }
  }
  REQUIRE(order.size() == 15);
  std::map<int, int> of_first;
  for (int turn = 0; turn < 9; ++turn) ++of_first[order[static_cast<std::size_t>(turn)]];
  CHECK(of_first == std::map<int, int>{{1, 3}, {2, 3}, {3, 3}});
  crowd.settle();
  CHECK(crowd.shares.taken() == 0);
  CHECK(crowd.shares.groups() == 0);
}

TEST_CASE("shares: who waits, or has a place, may be destroyed at any time") {
  for (int times = 0; times < 20; ++times) {
    Crowd crowd(4);
    auto mine = std::make_unique<Tasks>();
    std::deque<Crowd::One> ones;
    for (int i = 0; i < 12; ++i) {
      ones.emplace_back(crowd.loop, i % 3);
      mine->start(Crowd::compete(crowd.shares, ones.back()));
    }
    for (int i = 0; i < 5; ++i) crowd.add(7);
    if (times % 2 == 0) crowd.settle();
    mine.reset();
    crowd.settle();
    CHECK(crowd.shares.taken() == 4);
    CHECK(crowd.count(7) == 4);
    CHECK(crowd.shares.groups() == 1);
  }
}

TEST_CASE("shares: a place that is given on is not lost with who was to have it") {
  Loop loop;
  Shares shares(loop, 1);
  Event wanted(loop);
  std::optional<Tasks> waiting(std::in_place);
  Crowd::One one(loop, 1);
  {
    Event first_wanted(loop);
    struct Take {
      static Task<Shares::Place> run(Shares& from, Event& by) {
        Shares::Place place = co_await from.acquire(group(0), by);
        co_return place;
      }
    };
    const Shares::Place place = testing::run(loop, Take::run(shares, first_wanted));
    waiting->start(Crowd::compete(shares, one));
    CHECK_FALSE(one.has);
  }
  CHECK(shares.taken() == 1);  // given to who waits, which has not had its turn
  waiting.reset();
  CHECK(shares.taken() == 0);
  CHECK(shares.groups() == 0);
}

}  // namespace swage::async
