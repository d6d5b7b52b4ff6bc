#include "core/shm/segment.h"

#include <fcntl.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>

namespace swage::shm {

Mapping::~Mapping() { unmap(); }

Mapping::Mapping(Mapping&& other) noexcept
    : descriptor_(std::move(other.descriptor_)),
      data_(std::exchange(other.data_, nullptr)),
      size_(std::exchange(other.size_, 0)),
      identity_(std::exchange(other.identity_, 0)) {}

Mapping& Mapping::operator=(Mapping&& other) noexcept {
  if (this != &other) {
    unmap();
    descriptor_ = std::exchange(other.descriptor_, Descriptor());
    data_ = std::exchange(other.data_, nullptr);
    size_ = std::exchange(other.size_, 0);
    identity_ = std::exchange(other.identity_, 0);
  }
  return *this;
}

void Mapping::unmap() {
  if (data_ != nullptr) munmap(data_, size_);
  data_ = nullptr;
}

Result<> Mapping::map(Descriptor descriptor, Access access, int flags, Mapping& to) {
  struct stat status{};
  if (fstat(descriptor.get(), &status) != 0) return fail("shared memory: {}", std::strerror(errno));
  if (status.st_size <= 0) return fail("shared memory: the segment is empty");
  const auto size = static_cast<std::size_t>(status.st_size);
  const int protection = access == Access::write ? PROT_READ | PROT_WRITE : PROT_READ;
  void* data = mmap(nullptr, size, protection, MAP_SHARED | flags, descriptor.get(), 0);
  if (data == MAP_FAILED) return fail("shared memory of {} bytes: {}", size, std::strerror(errno));
  to.unmap();
  to.descriptor_ = std::move(descriptor);
  to.data_ = static_cast<std::uint8_t*>(data);
  to.size_ = size;
  to.identity_ = status.st_ino;
  return {};
}

Result<> Mapping::check_seal(const Descriptor& memory, Seal seal, std::size_t most) {
  const int seals = fcntl(memory.get(), F_GET_SEALS);
  if (seals < 0) return fail("shared memory: not memory that can be sealed: {}", std::strerror(errno));
  constexpr int kSize = F_SEAL_SHRINK | F_SEAL_GROW;
  const int against_writing = seal == Seal::whole ? F_SEAL_WRITE : F_SEAL_WRITE | F_SEAL_FUTURE_WRITE;
  if ((seals & kSize) != kSize || (seals & against_writing) == 0) {
    return fail("shared memory: not sealed: its seals are {:#x}", seals);
  }
  struct stat status{};
  if (fstat(memory.get(), &status) != 0) return fail("shared memory: {}", std::strerror(errno));
  if (status.st_size <= 0) return fail("shared memory: the segment is empty");
  if (static_cast<std::uint64_t>(status.st_size) > most) {
    return fail("shared memory of {} bytes: expected at most {}", status.st_size, most);
  }
  return {};
}

Result<Mapping> Mapping::open_sealed(Descriptor memory, Seal seal) {
  TRY(check_seal(memory, seal));
  Mapping mapping;
  TRY(map(std::move(memory), Access::read, seal == Seal::whole ? MAP_POPULATE : 0, mapping));
  return mapping;
}

Result<Mapping> Mapping::attach(Descriptor memory) {
  Mapping mapping;
  TRY(map(std::move(memory), Access::read, 0, mapping));
  return mapping;
}

Result<Segment> Segment::create(const std::string& name, std::size_t size) {
  CHECK(size != 0);
  Descriptor memory(memfd_create(name.substr(0, 200).c_str(), MFD_CLOEXEC | MFD_ALLOW_SEALING));
  if (!memory.exists()) return fail("shared memory '{}': {}", name, std::strerror(errno));
  if (ftruncate(memory.get(), static_cast<off_t>(size)) != 0) {
    return fail("shared memory '{}' of {} bytes: {}", name, size, std::strerror(errno));
  }
  Segment segment;
  const Result<> mapped = map(std::move(memory), Access::write, 0, segment);
  if (!mapped) return fail("'{}': {}", name, mapped.error().text());
  return segment;
}

Result<Segment> Segment::create_fixed(const std::string& name, std::size_t size) {
  TRY(Segment segment, create(name, size));
  if (fcntl(segment.descriptor_.get(), F_ADD_SEALS, F_SEAL_SEAL | F_SEAL_SHRINK | F_SEAL_GROW) != 0) {
    return fail("shared memory '{}': its size cannot be fixed: {}", name, std::strerror(errno));
  }
  return segment;
}

Result<Segment> Segment::attach(Descriptor memory) {
  Segment segment;
  TRY(map(std::move(memory), Access::write, 0, segment));
  return segment;
}

Result<Segment> Segment::again(const Mapping& memory) {
  TRY(Descriptor copy, memory.descriptor().duplicate());
  return attach(std::move(copy));
}

Result<Mapping> Segment::seal() && {
  unmap();  // a shared writable mapping forbids F_SEAL_WRITE
  if (fcntl(descriptor_.get(), F_ADD_SEALS, F_SEAL_SEAL | F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_WRITE) != 0) {
    return fail("shared memory: cannot be sealed: {}", std::strerror(errno));
  }
  return Mapping::attach(std::move(descriptor_));
}

Result<> Segment::seal_elsewhere() { return seal_elsewhere(descriptor_); }

Result<> Segment::seal_elsewhere(const Descriptor& memory) {
  if (fcntl(memory.get(), F_ADD_SEALS, F_SEAL_SEAL | F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_FUTURE_WRITE) != 0) {
    return fail("shared memory: cannot be sealed: {}", std::strerror(errno));
  }
  return {};
}

Result<> Segment::fix_size() {
  if (fcntl(descriptor_.get(), F_ADD_SEALS, F_SEAL_SHRINK | F_SEAL_GROW) != 0) {
    return fail("shared memory: its size cannot be fixed: {}", std::strerror(errno));
  }
  return {};
}

}  // namespace swage::shm
