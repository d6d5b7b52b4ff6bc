// Budget: how much of a dns process signing may take, so that a flood of names that have never been signed leaves the
// rest for others. A token bucket of time, as the clock on the wall has it: where the machine is busy with other
// things, a signature takes longer, and an eighth of what the process gets is still an eighth. Internal to this folder;
// in dns processes.
#pragma once

#include <algorithm>
#include <cstdint>
#include <ctime>

namespace swage::plugins::dnssec {

class Budget {
 public:
  // `per_second`: signatures; 0: as many as an eighth of the process's time is enough for.
  explicit Budget(std::uint32_t per_second) : per_second_(per_second), left_(most()) {}

  // Whether there is any left at `now` (nanoseconds, steady clock).
  [[nodiscard]] bool has_any(std::int64_t now) {
    const std::int64_t passed = std::clamp<std::int64_t>(now - last_, 0, kSecond);
    last_ = now;
    left_ = std::min(left_ + (per_second_ == 0 ? passed / kShare : passed), most());
    return left_ > 0;
  }
  // A signature took so long, in nanoseconds. What is spent without asking (over TCP) may leave it empty for a
  // tenth of a second at most.
  void spend(std::int64_t cost) {
    left_ = std::max(left_ - (per_second_ == 0 ? cost : kSecond / per_second_), -kSecond / 10);
  }

  // Nanoseconds of the steady clock.
  [[nodiscard]] static std::int64_t clock() {
    timespec time{};
    clock_gettime(CLOCK_MONOTONIC, &time);
    return time.tv_sec * kSecond + time.tv_nsec;
  }

 private:
  static constexpr std::int64_t kSecond = 1'000'000'000;
  static constexpr std::int64_t kShare = 8;  // with half of it others' answers took four times as long in a flood
  // At once: so long other queries wait. A first answer of a zone needs several signatures.
  [[nodiscard]] std::int64_t most() const {
    constexpr std::int64_t kAtOnce = 2'000'000, kLeast = 20;
    return per_second_ == 0 ? kAtOnce : std::max(kSecond / 10, kLeast * kSecond / per_second_);
  }

  std::uint32_t per_second_;
  std::int64_t last_ = 0, left_;
};

}  // namespace swage::plugins::dnssec
