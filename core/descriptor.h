// Descriptor: owns an open file, socket or piece of memory of the kernel's. Any process.
#pragma once

#include <utility>

#include "core/bytes.h"
#include "core/result.h"

namespace swage {

class Descriptor {
 public:
  Descriptor() = default;                   // no descriptor
  explicit Descriptor(int fd) : fd_(fd) {}  // what open(), socket() and the like give; negative: no descriptor
  ~Descriptor();
  Descriptor(Descriptor&& other) noexcept : fd_(std::exchange(other.fd_, -1)) {}
  Descriptor& operator=(Descriptor&& other) noexcept;

  [[nodiscard]] int get() const { return fd_; }
  [[nodiscard]] bool exists() const { return fd_ >= 0; }
  [[nodiscard]] int release() { return std::exchange(fd_, -1); }
  [[nodiscard]] Result<Descriptor> duplicate() const;

 private:
  int fd_ = -1;
};

// Writes all of it to a file that is open for writing; false, with errno, where that fails.
[[nodiscard]] bool write_all(int fd, Bytes bytes);

}  // namespace swage
