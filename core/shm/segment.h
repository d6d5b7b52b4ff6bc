// A piece of shared memory: an anonymous memfd and its mapping in this process. Move-only owner of both.
#pragma once

#include <string>
#include <utility>

#include "core/bytes.h"
#include "core/result.h"

namespace swage::shm {

class Segment {
 public:
  Segment() = default;  // none: no memory, fd() is -1
  ~Segment();
  Segment(Segment&& other) noexcept;
  Segment& operator=(Segment&& other) noexcept;

  // New memory of `size` bytes, all 0, writable. `name` is what /proc shows.
  [[nodiscard]] static Result<Segment> create(const std::string& name, std::size_t size);
  // Somebody else's segment, read-only. Takes over `fd`, also where it fails.
  [[nodiscard]] static Result<Segment> open(int fd);

  [[nodiscard]] bool exists() const { return data_ != nullptr; }
  [[nodiscard]] Bytes bytes() const { return {data_, size_}; }
  // REQUIRES: made by create() and not sealed.
  [[nodiscard]] MutableBytes writable_bytes();
  // No process can change the bytes or the size from now on.
  [[nodiscard]] Result<> seal();
  [[nodiscard]] int fd() const { return fd_; }

 private:
  void close();

  int fd_ = -1;
  std::uint8_t* data_ = nullptr;
  std::size_t size_ = 0;
  bool writable_ = false;
};

}  // namespace swage::shm
