// What happens next, in simulated time.
#pragma once

#include <cstdint>
#include <functional>
#include <queue>
#include <random>
#include <utility>
#include <vector>

namespace swage::simulation {

using Time = std::int64_t;  // microseconds
inline constexpr Time kMillisecond = 1000, kSecond = 1'000'000;

class Agenda {
 public:
  explicit Agenda(std::uint64_t seed) : luck_(seed) {}

  // After `delay`, in the order of the calls where times are equal.
  void after(Time delay, std::function<void()> what) { at_.push({now_ + delay, next_++, std::move(what)}); }
  [[nodiscard]] Time now() const { return now_; }

  void run_until(Time end) {
    while (!at_.empty() && at_.top().time <= end) {
      now_ = at_.top().time;
      const std::function<void()> what = std::move(const_cast<Entry&>(at_.top()).what);
      at_.pop();
      what();
    }
    now_ = end;
  }

  [[nodiscard]] double uniform(double from, double to) { return std::uniform_real_distribution(from, to)(luck_); }
  // Until the next of events that come at random, `rate` a second.
  [[nodiscard]] Time pause(double rate) {
    return static_cast<Time>(std::exponential_distribution(rate)(luck_) * static_cast<double>(kSecond));
  }

 private:
  struct Entry {
    Time time;
    std::uint64_t number;
    std::function<void()> what;
    bool operator<(const Entry& other) const { return time != other.time ? time > other.time : number > other.number; }
  };

  std::priority_queue<Entry> at_;
  Time now_ = 0;
  std::uint64_t next_ = 0;
  std::mt19937_64 luck_;
};

}  // namespace swage::simulation
