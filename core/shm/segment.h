// A piece of shared memory: a memfd, or a file, and its mapping in this process. Move-only owner of both.
#pragma once

#include <cstdint>
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
  // What nobody can undo once memory is sealed: its size is fixed, and its bytes change
  enum class Seal : std::uint8_t {
    whole,     // never again
    elsewhere  // through mappings made before it was sealed, which its maker has; through nothing else
  };
  // Sealed memory of another process, read-only: a process that has it alone cannot write it in any way. Refuses what
  // is not sealed so. Takes over `fd`, also where it fails.
  [[nodiscard]] static Result<Segment> open_sealed(int fd, Seal seal);
  // The check alone, for a process that passes the memory on: `fd` is memory (not a file), not empty, of at most `most`
  // bytes, and sealed so. `fd` stays the caller's.
  [[nodiscard]] static Result<> check_seal(int fd, Seal seal, std::size_t most = SIZE_MAX);

  [[nodiscard]] bool exists() const { return data_ != nullptr; }
  [[nodiscard]] Bytes bytes() const { return {data_, size_}; }
  // True where writable_bytes() may be called.
  [[nodiscard]] bool writable() const { return writable_; }
  // The memory, or file, that `fd` is, as others may change it. Takes over `fd`, also where it fails.
  enum class Access : std::uint8_t { read, write };
  [[nodiscard]] static Result<Segment> attach(int fd, Access access);
  // The same memory once more.
  [[nodiscard]] Result<Segment> again(Access access) const;

  // REQUIRES: made by create() or attached for writing, and not sealed.
  [[nodiscard]] MutableBytes writable_bytes();
  // No process can change the bytes or the size from now on.
  [[nodiscard]] Result<> seal();
  // No process can change the size, and no other one the bytes: only this mapping is writable from now on. REQUIRES:
  // made by create().
  [[nodiscard]] Result<> seal_elsewhere();
  // No process can change the size from now on. REQUIRES: made by create().
  [[nodiscard]] Result<> fix_size();
  [[nodiscard]] int fd() const { return fd_; }
  // Keeps the mapping, but not the descriptor: for readers.
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
