// ReadAhead: bytes of a connection that were read and not used yet; as many as it was made for. Its memory is small as
// long as few bytes come at a time. Internal to core/http.
#pragma once

#include <algorithm>
#include <cstdint>
#include <cstring>
#include <memory>
#include <utility>

#include "core/bytes.h"

namespace swage::http {

class ReadAhead {
 public:
  explicit ReadAhead(std::size_t most) : most_(most) {}

  [[nodiscard]] Bytes bytes() const { return {memory_.get() + begin_, end_ - begin_}; }
  void consume(std::size_t size) { begin_ += size; }

  [[nodiscard]] bool full() const { return end_ - begin_ == most_; }
  [[nodiscard]] std::size_t capacity() const { return size_; }
  // Where to read to; stays until the next call, whatever is consumed. Moves bytes(). REQUIRES: not full.
  [[nodiscard]] MutableBytes room() {
    const std::size_t used = end_ - begin_;
    const std::size_t wanted = was_filled_ || used == size_ ? std::min(most_, std::max(kFirst, 2 * size_))
                               : used == 0                  ? std::min(most_, kFirst)
                                                            : size_;
    const std::uint8_t* const from = memory_.get() + begin_;
    if (wanted != size_) {
      auto memory = std::make_unique_for_overwrite<std::uint8_t[]>(wanted);
      if (used != 0) std::memcpy(memory.get(), from, used);
      memory_ = std::move(memory);
      size_ = wanted;
    } else if (used != 0) {
      std::memmove(memory_.get(), from, used);
    }
    end_ = used;
    begin_ = 0;
    return {memory_.get() + end_, size_ - end_};
  }
  void filled(std::size_t size) {
    end_ += size;
    was_filled_ = end_ == size_;
  }

 private:
  static constexpr std::size_t kFirst = 2048;  // a registration

  std::size_t most_;
  std::unique_ptr<std::uint8_t[]> memory_;
  std::size_t size_ = 0, begin_ = 0, end_ = 0;
  bool was_filled_ = false;  // by the last read: more may be waiting
};

}  // namespace swage::http
