// A piece of shared memory: a memfd, or a file, and its mapping in this process. Move-only owner of both.
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
  // The memory, or file, behind `fd` as it is, and as others may change it. Takes over `fd`, also where it fails.
  enum class Access : std::uint8_t { read, write };
  [[nodiscard]] static Result<Segment> attach(int fd, Access access);
  // The same memory once more.
  [[nodiscard]] Result<Segment> again(Access access) const;

  // REQUIRES: made by create() or attached for writing, and not sealed.
  [[nodiscard]] MutableBytes writable_bytes();
  // No process can change the bytes or the size from now on.
  [[nodiscard]] Result<> seal();
  // No process can change the size from now on. REQUIRES: made by create().
  [[nodiscard]] Result<> fix_size();
  [[nodiscard]] int fd() const { return fd_; }
  // Keeps the mapping, but not the descriptor: for who only reads.
  void close_descriptor();

 private:
  [[nodiscard]] static Result<Segment> map(int fd, Access access, int flags);
  void close();

  int fd_ = -1;
  std::uint8_t* data_ = nullptr;
  std::size_t size_ = 0;
  bool writable_ = false;
};

}  // namespace swage::shm
