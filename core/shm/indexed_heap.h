// A binary heap of numbers, whose top is the one that comes before all others; each number's place is known, so that
// any can be taken out, or moved when its rank has changed. For the service process.
#pragma once

#include <cstdint>
#include <utility>
#include <vector>

namespace swage::shm {

template <typename Before>
class IndexedHeap {
 public:
  // `before(a, b)`: a comes before b. What it looks at may change between calls, for the number of the next call.
  explicit IndexedHeap(Before before) : before_(std::move(before)) {}

  [[nodiscard]] bool empty() const { return heap_.empty(); }
  [[nodiscard]] std::size_t size() const { return heap_.size(); }
  // REQUIRES: not empty.
  [[nodiscard]] std::uint32_t top() const { return heap_.front(); }

  // REQUIRES: it is not there.
  void insert(std::uint32_t number) {
    if (places_.size() <= number) places_.resize(std::size_t{number} + 1);
    heap_.push_back(number);
    places_[number] = static_cast<std::uint32_t>(heap_.size() - 1);
    rise(heap_.size() - 1);
  }
  // REQUIRES, as update(): it is there.
  void remove(std::uint32_t number) {
    const std::size_t place = places_[number];
    const std::uint32_t last = heap_.back();
    put(last, place);
    heap_.pop_back();
    if (last != number) update(last);
  }
  // Its rank has changed.
  void update(std::uint32_t number) {
    rise(places_[number]);
    sink(places_[number]);
  }

 private:
  void put(std::uint32_t number, std::size_t place) {
    heap_[place] = number;
    places_[number] = static_cast<std::uint32_t>(place);
  }
  void rise(std::size_t place) {
    const std::uint32_t number = heap_[place];
    for (; place > 0 && before_(number, heap_[(place - 1) / 2]); place = (place - 1) / 2) {
      put(heap_[(place - 1) / 2], place);
    }
    put(number, place);
  }
  void sink(std::size_t place) {
    const std::uint32_t number = heap_[place];
    for (std::size_t child = 2 * place + 1; child < heap_.size(); child = 2 * place + 1) {
      if (child + 1 < heap_.size() && before_(heap_[child + 1], heap_[child])) ++child;
      if (!before_(heap_[child], number)) break;
      put(heap_[child], place);
      place = child;
    }
    put(number, place);
  }

  Before before_;
  std::vector<std::uint32_t> heap_;
  std::vector<std::uint32_t> places_;
};

}  // namespace swage::shm
