// ReadAhead: bytes of a connection that were read and not used yet; as many as it was made for. Internal to core/http.
#pragma once

#include <cstring>
#include <memory>

#include "core/bytes.h"

namespace swage::http {

class ReadAhead {
 public:
  explicit ReadAhead(std::size_t size) : memory_(std::make_unique_for_overwrite<std::uint8_t[]>(size)), size_(size) {}

  [[nodiscard]] Bytes bytes() const { return {memory_.get() + begin_, end_ - begin_}; }
  void consume(std::size_t size) { begin_ += size; }

  [[nodiscard]] bool full() const { return end_ - begin_ == size_; }
  // Where to read to; stays until the next call, whatever is consumed. Moves bytes(). REQUIRES: not full.
  [[nodiscard]] MutableBytes room() {
    std::memmove(memory_.get(), memory_.get() + begin_, end_ - begin_);
    end_ -= begin_;
    begin_ = 0;
    return {memory_.get() + end_, size_ - end_};
  }
  void filled(std::size_t size) { end_ += size; }

 private:
  std::unique_ptr<std::uint8_t[]> memory_;
  std::size_t size_, begin_ = 0, end_ = 0;
};

}  // namespace swage::http
