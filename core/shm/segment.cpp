#include "core/shm/segment.h"

#include <fcntl.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>

namespace swage::shm {

Segment::~Segment() { close(); }

Segment::Segment(Segment&& other) noexcept
    : fd_(std::exchange(other.fd_, -1)),
      data_(std::exchange(other.data_, nullptr)),
      size_(std::exchange(other.size_, 0)),
      writable_(std::exchange(other.writable_, false)) {}

Segment& Segment::operator=(Segment&& other) noexcept {
  if (this != &other) {
    close();
    fd_ = std::exchange(other.fd_, -1);
    data_ = std::exchange(other.data_, nullptr);
    size_ = std::exchange(other.size_, 0);
    writable_ = std::exchange(other.writable_, false);
  }
  return *this;
}

void Segment::close_descriptor() {
  if (fd_ >= 0) ::close(fd_);
  fd_ = -1;
}

void Segment::close() {
  if (data_ != nullptr) munmap(data_, size_);
  if (fd_ >= 0) ::close(fd_);
}

Result<Segment> Segment::create(const std::string& name, std::size_t size) {
  CHECK(size != 0);
  Segment segment;
  segment.fd_ = memfd_create(name.substr(0, 200).c_str(), MFD_CLOEXEC | MFD_ALLOW_SEALING);
  if (segment.fd_ < 0) return fail("shared memory '{}': {}", name, std::strerror(errno));
  if (ftruncate(segment.fd_, static_cast<off_t>(size)) != 0) {
    return fail("shared memory '{}' of {} bytes: {}", name, size, std::strerror(errno));
  }
  void* data = mmap(nullptr, size, PROT_READ | PROT_WRITE, MAP_SHARED, segment.fd_, 0);
  if (data == MAP_FAILED) return fail("shared memory '{}' of {} bytes: {}", name, size, std::strerror(errno));
  segment.data_ = static_cast<std::uint8_t*>(data);
  segment.size_ = size;
  segment.writable_ = true;
  return segment;
}

Result<Segment> Segment::map(int fd, Access access, int flags) {
  Segment segment;
  segment.fd_ = fd;
  struct stat status{};
  if (fstat(fd, &status) != 0) return fail("shared memory: {}", std::strerror(errno));
  if (status.st_size <= 0) return fail("shared memory: the segment is empty");
  const auto size = static_cast<std::size_t>(status.st_size);
  const int protection = access == Access::write ? PROT_READ | PROT_WRITE : PROT_READ;
  void* data = mmap(nullptr, size, protection, MAP_SHARED | flags, fd, 0);
  if (data == MAP_FAILED) return fail("shared memory of {} bytes: {}", size, std::strerror(errno));
  segment.data_ = static_cast<std::uint8_t*>(data);
  segment.size_ = size;
  segment.writable_ = access == Access::write;
  return segment;
}

Result<> Segment::check_seal(int fd, Seal seal, std::size_t most) {
  const int seals = fcntl(fd, F_GET_SEALS);
  if (seals < 0) return fail("shared memory: not memory that can be sealed: {}", std::strerror(errno));
  constexpr int kSize = F_SEAL_SHRINK | F_SEAL_GROW;
  const int against_writing = seal == Seal::whole ? F_SEAL_WRITE : F_SEAL_WRITE | F_SEAL_FUTURE_WRITE;
  if ((seals & kSize) != kSize || (seals & against_writing) == 0) {
    return fail("shared memory: not sealed: its seals are {:#x}", seals);
  }
  struct stat status{};
  if (fstat(fd, &status) != 0) return fail("shared memory: {}", std::strerror(errno));
  if (status.st_size <= 0) return fail("shared memory: the segment is empty");
  if (static_cast<std::uint64_t>(status.st_size) > most) {
    return fail("shared memory of {} bytes: expected at most {}", status.st_size, most);
  }
  return {};
}

Result<Segment> Segment::open_sealed(int fd, Seal seal) {
  if (Result<> sealed = check_seal(fd, seal); !sealed) {
    if (fd >= 0) ::close(fd);
    return std::unexpected(std::move(sealed).error());
  }
  return map(fd, Access::read, seal == Seal::whole ? MAP_POPULATE : 0);
}

Result<Segment> Segment::attach(int fd, Access access) { return map(fd, access, 0); }

Result<Segment> Segment::again(Access access) const {
  const int copy = fcntl(fd_, F_DUPFD_CLOEXEC, 3);
  if (copy < 0) return fail("shared memory: {}", std::strerror(errno));
  return attach(copy, access);
}

MutableBytes Segment::writable_bytes() {
  CHECK(writable_);
  return {data_, size_};
}

Result<> Segment::seal() {
  // A shared writable mapping forbids F_SEAL_WRITE: map again, read-only.
  munmap(data_, size_);
  data_ = nullptr;
  writable_ = false;
  if (fcntl(fd_, F_ADD_SEALS, F_SEAL_SEAL | F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_WRITE) != 0) {
    return fail("shared memory: cannot be sealed: {}", std::strerror(errno));
  }
  void* data = mmap(nullptr, size_, PROT_READ, MAP_SHARED, fd_, 0);
  if (data == MAP_FAILED) return fail("shared memory of {} bytes: {}", size_, std::strerror(errno));
  data_ = static_cast<std::uint8_t*>(data);
  return {};
}

Result<> Segment::seal_elsewhere() {
  if (fcntl(fd_, F_ADD_SEALS, F_SEAL_SEAL | F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_FUTURE_WRITE) != 0) {
    return fail("shared memory: cannot be sealed: {}", std::strerror(errno));
  }
  return {};
}

Result<> Segment::fix_size() {
  if (fcntl(fd_, F_ADD_SEALS, F_SEAL_SEAL | F_SEAL_SHRINK | F_SEAL_GROW) != 0) {
    return fail("shared memory: its size cannot be fixed: {}", std::strerror(errno));
  }
  return {};
}

}  // namespace swage::shm
