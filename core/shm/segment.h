// Shared memory: memory of the kernel's (memfd), or a file, that several processes map. What a process may do with it
// is in the type:
//
//     Mapping    reads. Opened of another process's memory, or what is left of a Segment that was sealed
//     Segment    writes: made here (create), or opened as one of several writers (attach)
//
// A Segment may be handed on as a Mapping by a move, for readers.
#pragma once

#include <cstdint>
#include <string>
#include <utility>

#include "core/bytes.h"
#include "core/descriptor.h"
#include "core/result.h"

namespace swage::shm {

// What nobody can undo once memory is sealed: its size is fixed, and its bytes change
enum class Seal : std::uint8_t {
  whole,     // never again
  elsewhere  // through mappings made before it was sealed, which its maker has; through nothing else
};

// Move-only owner of the memory's descriptor and of its mapping in this process.
class Mapping {
 public:
  Mapping() = default;  // none: no bytes, no descriptor
  ~Mapping();
  Mapping(Mapping&& other) noexcept;
  Mapping& operator=(Mapping&& other) noexcept;

  // Sealed memory of another process: a process that has it alone cannot write it in any way. Refuses what is not
  // sealed so.
  [[nodiscard]] static Result<Mapping> open_sealed(Descriptor memory, Seal seal);
  // The check alone, for a process that passes the memory on: it is memory (not a file), not empty, of at most `most`
  // bytes, and sealed so.
  [[nodiscard]] static Result<> check_seal(const Descriptor& memory, Seal seal, std::size_t most = SIZE_MAX);
  // Memory, or a file, as others may change it.
  [[nodiscard]] static Result<Mapping> attach(Descriptor memory);

  [[nodiscard]] bool exists() const { return data_ != nullptr; }
  [[nodiscard]] Bytes bytes() const { return {data_, size_}; }
  [[nodiscard]] const Descriptor& descriptor() const { return descriptor_; }
  // The same number in all processes that have this memory, and no other memory's while any of them has it; 0: none.
  [[nodiscard]] std::uint64_t identity() const { return identity_; }
  // Keeps the mapping, but not the descriptor: for readers.
  void close_descriptor() { descriptor_ = Descriptor(); }

 protected:
  enum class Access : std::uint8_t { read, write };
  // Maps the memory that `descriptor` is.
  [[nodiscard]] static Result<> map(Descriptor descriptor, Access access, int flags, Mapping& to);
  void unmap();

  Descriptor descriptor_;
  std::uint8_t* data_ = nullptr;
  std::size_t size_ = 0;
  std::uint64_t identity_ = 0;
};

class Segment : public Mapping {
 public:
  Segment() = default;  // none

  // New memory of `size` bytes, all 0. `name` is what /proc shows.
  [[nodiscard]] static Result<Segment> create(const std::string& name, std::size_t size);
  // The same for several writers: no process can change the size, nor seal the memory.
  [[nodiscard]] static Result<Segment> create_fixed(const std::string& name, std::size_t size);
  // Memory, or a file, that others write, too.
  [[nodiscard]] static Result<Segment> attach(Descriptor memory);
  // The same memory once more.
  [[nodiscard]] static Result<Segment> again(const Mapping& memory);

  [[nodiscard]] MutableBytes writable_bytes() { return {data_, size_}; }

  // No process, this one among them, can change the bytes or the size from now on. REQUIRES: made by create().
  [[nodiscard]] Result<Mapping> seal() &&;
  // No process can change the size, and no other one the bytes: only this mapping is writable from now on. REQUIRES:
  // made by create().
  [[nodiscard]] Result<> seal_elsewhere();
  // The same for memory that another process has mapped to write it: that mapping alone is writable from now on.
  [[nodiscard]] static Result<> seal_elsewhere(const Descriptor& memory);
  // No process can change the size from now on. REQUIRES: made by create().
  [[nodiscard]] Result<> fix_size();
};

}  // namespace swage::shm
