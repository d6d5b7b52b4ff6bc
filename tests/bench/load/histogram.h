// How often each latency was seen: buckets of 3 % from 1 ns to minutes, so that adding one costs a few instructions.
#pragma once

#include <array>
#include <bit>
#include <cstddef>
#include <cstdint>

namespace swage::bench {

class Histogram {
 public:
  void add(std::uint64_t nanoseconds) { ++counts_[bucket_of(nanoseconds)]; }

  void merge(const Histogram& other) {
    for (std::size_t i = 0; i < counts_.size(); ++i) counts_[i] += other.counts_[i];
  }

  // The smallest value that `share` (0…1) of what was added does not exceed, within 3 %; 0 if nothing was added.
  [[nodiscard]] std::uint64_t quantile(double share) const {
    std::uint64_t total = 0;
    for (const std::uint64_t count : counts_) total += count;
    if (total == 0) return 0;
    const double wanted = share * static_cast<double>(total);
    std::uint64_t seen = 0;
    for (std::size_t i = 0; i < counts_.size(); ++i) {
      seen += counts_[i];
      if (seen > 0 && static_cast<double>(seen) >= wanted) return highest_of(i);
    }
    return highest_of(counts_.size() - 1);
  }

 private:
  // The highest 6 bits of a value and how many bits follow them: 32 buckets for each power of two.
  static constexpr unsigned kBits = 5;
  static constexpr std::size_t kSteps = 1U << kBits;

  static std::size_t bucket_of(std::uint64_t value) {
    if (value < kSteps) return value;
    const auto shift = static_cast<unsigned>(std::bit_width(value)) - kBits - 1;
    return shift * kSteps + (value >> shift);
  }

  static std::uint64_t highest_of(std::size_t bucket) {
    if (bucket < kSteps) return bucket;
    const std::size_t shift = bucket / kSteps - 1;
    return ((bucket % kSteps + kSteps + 1) << shift) - 1;
  }

  std::array<std::uint64_t, 60 * kSteps> counts_{};
};

}  // namespace swage::bench
