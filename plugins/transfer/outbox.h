// What secondaries are to be told, and when again: no I/O, no clock. In the service process.
//
// A secondary that does not answer is told again after 5, 10, 20, 40 and 60 seconds (RFC 1996 section 3.6); then it
// finds out by itself, by its own timers. A newer version takes the place of an older one that was not told yet.
#pragma once

#include <chrono>
#include <cstdint>
#include <map>
#include <set>
#include <string>
#include <tuple>
#include <vector>

#include "core/net.h"

namespace swage::plugins::transfer {

class Outbox {
 public:
  using Time = std::chrono::milliseconds;        // of a clock that never goes back
  static constexpr std::size_t kMost = 200'000;  // that are to be told
  static constexpr unsigned kTries = 6;

  struct Letter {
    std::string apex;  // in wire format, lower case
    Endpoint to;
    auto operator<=>(const Letter&) const = default;
  };

  // That zone has a new version. Takes the place of one that waits, or is under way: then it is told once more. False
  // where there are too many.
  [[nodiscard]] bool put(const Letter& letter, Time due);
  // At most `most` of those that are due, the longest first. They are under way until settle().
  [[nodiscard]] std::vector<Letter> take(std::size_t most, Time now);
  // REQUIRES: taken. `answered`: nothing is left to do, unless there is a newer version. Else it is told again; false
  // where that was the last time.
  [[nodiscard]] bool settle(const Letter& letter, bool answered, Time now);
  // The zone is gone.
  void forget(const std::string& apex);

  [[nodiscard]] std::size_t size() const { return letters_.size(); }
  [[nodiscard]] std::size_t under_way() const { return letters_.size() - due_.size(); }

 private:
  struct State {
    Time due{};
    unsigned tries = 0;
    bool under_way = false;
    bool again = false;  // there is a newer version
  };
  using Letters = std::map<Letter, State>;

  void wait(const Letter& letter, State& state, Time due);

  Letters letters_;
  std::set<std::pair<Time, Letter>> due_;  // those that are not under way
};

}  // namespace swage::plugins::transfer
