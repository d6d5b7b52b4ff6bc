// What counts: Counter, Counters, Gauge and Histogram, handles on 8-byte cells of the process's own memory of metrics.
// Copied freely; to count is to load, add and store: no lock, no allocation, no system call. A handle that was never
// given a cell counts nothing. For the one thread that owns the loop of its process.
#pragma once

#include <array>
#include <atomic>
#include <bit>
#include <cstddef>
#include <cstdint>
#include <span>

namespace swage::metrics {

// One process writes it, others read it meanwhile. Holds an integer, or the bits of a double.
using Cell = std::uint64_t;

namespace detail {
inline std::uint64_t load(const Cell& cell) {
  return std::atomic_ref(const_cast<Cell&>(cell)).load(std::memory_order_relaxed);
}
inline void store(Cell& cell, std::uint64_t value) { std::atomic_ref(cell).store(value, std::memory_order_relaxed); }
}  // namespace detail

// Only ever grows.
class Counter {
 public:
  Counter() = default;
  explicit Counter(Cell* cell) : cell_(cell) {}
  void add(std::uint64_t count = 1) const {
    if (cell_ != nullptr) detail::store(*cell_, detail::load(*cell_) + count);
  }
  [[nodiscard]] std::uint64_t value() const { return cell_ == nullptr ? 0 : detail::load(*cell_); }

 private:
  Cell* cell_ = nullptr;
};

// A table of counters: one for each combination of what up to three labels may say. See Registry::counters().
class Counters {
 public:
  Counters() = default;
  Counters(Cell* cells, std::array<std::size_t, 3> sizes) : cells_(cells), sizes_(sizes) {}
  // By the places of the labels' values in their lists. What is out of range counts nothing.
  [[nodiscard]] Counter at(std::size_t first, std::size_t second = 0, std::size_t third = 0) const {
    if (cells_ == nullptr || first >= sizes_[0] || second >= sizes_[1] || third >= sizes_[2]) return {};
    return Counter(cells_ + (first * sizes_[1] + second) * sizes_[2] + third);
  }

 private:
  Cell* cells_ = nullptr;
  std::array<std::size_t, 3> sizes_{};
};

// A value that goes up and down.
class Gauge {
 public:
  Gauge() = default;
  explicit Gauge(Cell* cell) : cell_(cell) {}
  void set(double value) const {
    if (cell_ != nullptr) detail::store(*cell_, std::bit_cast<Cell>(value));
  }
  void add(double value) const { set(this->value() + value); }
  [[nodiscard]] double value() const { return cell_ == nullptr ? 0 : std::bit_cast<double>(detail::load(*cell_)); }

 private:
  Cell* cell_ = nullptr;
};

// How many observed values were at most so large, for each of a few bounds, and what all come to.
class Histogram {
 public:
  Histogram() = default;
  // `cells`: one for each of `bounds`, one for what is larger than all of them, and the sum.
  Histogram(Cell* cells, std::span<const double> bounds) : cells_(cells), bounds_(bounds) {}
  void observe(double value) const {
    if (cells_ == nullptr) return;
    std::size_t bucket = 0;
    while (bucket < bounds_.size() && value > bounds_[bucket]) ++bucket;
    Counter(cells_ + bucket).add();
    Gauge(cells_ + bounds_.size() + 1).add(value);
  }
  [[nodiscard]] std::uint64_t count() const {
    std::uint64_t count = 0;
    for (std::size_t i = 0; cells_ != nullptr && i <= bounds_.size(); ++i) count += Counter(cells_ + i).value();
    return count;
  }

 private:
  Cell* cells_ = nullptr;
  std::span<const double> bounds_;
};

}  // namespace swage::metrics
