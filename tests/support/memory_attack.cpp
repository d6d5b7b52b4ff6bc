#include "tests/support/memory_attack.h"

#include <fcntl.h>
#include <linux/aio_abi.h>
#include <linux/userfaultfd.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/sendfile.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <unistd.h>

#include <array>
#include <cstring>
#include <functional>

#include <fmt/format.h>

#include "core/descriptor.h"

namespace swage::tests {
namespace {

constexpr std::size_t kPage = 4096;
constexpr std::string_view kMark = "taken over";

// Writes through whatever mmap() and the like gave; false where they gave nothing.
bool scribble(void* memory) {
  if (memory == MAP_FAILED || memory == nullptr) return false;
  std::memcpy(memory, kMark.data(), kMark.size());
  return true;
}

void map_and_scribble(int fd, int flags = MAP_SHARED) {
  struct stat status{};
  if (fstat(fd, &status) != 0 || status.st_size == 0) return;  // emptied already
  void* const memory = mmap(nullptr, kPage, PROT_READ | PROT_WRITE, flags, fd, 0);
  if (scribble(memory)) munmap(memory, kPage);
}

// All that can be done with a descriptor.
void use(int fd) {
  map_and_scribble(fd);
  static_cast<void>(pwrite(fd, kMark.data(), kMark.size(), 0));
  static_cast<void>(ftruncate(fd, 1));
}

void use_path(const std::string& path) {
  for (const int flags : {O_RDWR, O_WRONLY, O_RDWR | O_TRUNC, O_WRONLY | O_APPEND, O_RDWR | O_DIRECT}) {
    if (const Descriptor again(open(path.c_str(), flags | O_CLOEXEC)); again.exists()) use(again.get());
  }
}

std::string path_of(int fd) { return fmt::format("/proc/self/fd/{}", fd); }

void through_a_pipe(int fd) {
  int ends[2];
  if (pipe(ends) != 0) return;
  const Descriptor out(ends[0]), in(ends[1]);
  static_cast<void>(write(in.get(), kMark.data(), kMark.size()));
  loff_t at = 0;
  static_cast<void>(splice(out.get(), nullptr, fd, &at, kMark.size(), 0));
}

void from_another_file(int fd, bool by_sendfile) {
  const Descriptor other(memfd_create("other", MFD_CLOEXEC));
  static_cast<void>(pwrite(other.get(), kMark.data(), kMark.size(), 0));
  off_t from = 0, to = 0;
  if (by_sendfile) {
    lseek(fd, 0, SEEK_SET);
    static_cast<void>(sendfile(fd, other.get(), &from, kMark.size()));
  } else {
    static_cast<void>(copy_file_range(other.get(), &from, fd, &to, kMark.size(), 0));
  }
}

void by_asynchronous_io(int fd) {
  aio_context_t context = 0;
  if (syscall(SYS_io_setup, 1, &context) != 0) return;
  iocb request{};
  request.aio_lio_opcode = IOCB_CMD_PWRITE;
  request.aio_fildes = static_cast<std::uint32_t>(fd);
  request.aio_buf = reinterpret_cast<std::uint64_t>(kMark.data());
  request.aio_nbytes = kMark.size();
  iocb* requests[] = {&request};
  io_event done{};
  if (syscall(SYS_io_submit, context, 1, requests) == 1) syscall(SYS_io_getevents, context, 1, 1, &done, nullptr);
  syscall(SYS_io_destroy, context);
}

void by_userfaultfd(int fd, std::size_t size) {
  const Descriptor faults(static_cast<int>(syscall(SYS_userfaultfd, O_CLOEXEC | O_NONBLOCK)));
  uffdio_api api{.api = UFFD_API, .features = 0, .ioctls = 0};
  if (!faults.exists() || ioctl(faults.get(), UFFDIO_API, &api) != 0) return;
  void* const memory = mmap(nullptr, size, PROT_READ, MAP_SHARED, fd, 0);
  if (memory == MAP_FAILED) return;
  uffdio_register all{};
  all.range = {reinterpret_cast<std::uint64_t>(memory), (size + kPage - 1) / kPage * kPage};
  all.mode = UFFDIO_REGISTER_MODE_MISSING;
  alignas(kPage) static std::array<char, kPage> page{};
  std::memcpy(page.data(), kMark.data(), kMark.size());
  if (ioctl(faults.get(), UFFDIO_REGISTER, &all) == 0) {
    for (std::uint64_t at = 0; at < all.range.len; at += kPage) {
      uffdio_copy copy{.dst = all.range.start + at,
                       .src = reinterpret_cast<std::uint64_t>(page.data()),
                       .len = kPage,
                       .mode = 0,
                       .copy = 0};
      ioctl(faults.get(), UFFDIO_COPY, &copy);
    }
  }
  munmap(memory, size);
}

void protect_and_scribble(void* memory, std::size_t size) {
  if (mprotect(memory, size, PROT_READ | PROT_WRITE) != 0) return;
  scribble(memory);
  mprotect(memory, size, PROT_READ);
}

struct Way {
  std::string name;
  std::function<void()> go;
};

std::vector<Way> ways_of_descriptor(int fd, std::size_t size) {
  std::vector<Way> ways = {
      {"mmap, writable", [=] { map_and_scribble(fd); }},
      {"mmap, validated", [=] { map_and_scribble(fd, MAP_SHARED_VALIDATE); }},
      {"mmap, private", [=] { map_and_scribble(fd, MAP_PRIVATE); }},
      {"mmap, then mprotect",
       [=] {
         void* const memory = mmap(nullptr, size, PROT_READ, MAP_SHARED, fd, 0);
         if (memory == MAP_FAILED) return;
         protect_and_scribble(memory, size);
         munmap(memory, size);
       }},
      {"pwrite", [=] { static_cast<void>(pwrite(fd, kMark.data(), kMark.size(), 0)); }},
      {"write",
       [=] {
         lseek(fd, 0, SEEK_SET);
         static_cast<void>(write(fd, kMark.data(), kMark.size()));
       }},
      {"pwritev2",
       [=] {
         iovec piece{const_cast<char*>(kMark.data()), kMark.size()};
         static_cast<void>(pwritev2(fd, &piece, 1, 0, RWF_DSYNC));
       }},
      {"write behind the end", [=] { static_cast<void>(pwrite(fd, "x", 1, static_cast<off_t>(size))); }},
      {"ftruncate, shorter", [=] { static_cast<void>(ftruncate(fd, 1)); }},
      {"ftruncate, nothing left", [=] { static_cast<void>(ftruncate(fd, 0)); }},
      {"ftruncate, longer", [=] { static_cast<void>(ftruncate(fd, static_cast<off_t>(size + kPage))); }},
      {"fallocate, longer", [=] { static_cast<void>(fallocate(fd, 0, 0, static_cast<off_t>(size + kPage))); }},
      {"open again", [=] { use_path(path_of(fd)); }},
      {"open again of this thread", [=] { use_path(fmt::format("/proc/thread-self/fd/{}", fd)); }},
      {"truncate by path", [=] { static_cast<void>(truncate(path_of(fd).c_str(), 1)); }},
      {"fchmod, then open again",
       [=] {
         struct stat before{};
         fstat(fd, &before);
         if (fchmod(fd, 0777) != 0) return;
         use_path(path_of(fd));
         fchmod(fd, before.st_mode & 07777);
       }},
      {"another descriptor",
       [=] {
         const Descriptor copy(fcntl(fd, F_DUPFD_CLOEXEC, 3));
         use(copy.get());
       }},
      {"other flags",
       [=] {
         const int before = fcntl(fd, F_GETFL);
         fcntl(fd, F_SETFL, O_RDWR | O_APPEND);
         static_cast<void>(write(fd, kMark.data(), kMark.size()));
         fcntl(fd, F_SETFL, before);
       }},
      {"no seals",
       [=] {
         fcntl(fd, F_ADD_SEALS, 0);
         use(fd);
       }},
      {"splice", [=] { through_a_pipe(fd); }},
      {"sendfile", [=] { from_another_file(fd, true); }},
      {"copy_file_range", [=] { from_another_file(fd, false); }},
      {"asynchronous I/O", [=] { by_asynchronous_io(fd); }},
      {"userfaultfd", [=] { by_userfaultfd(fd, size); }},
  };
  const std::pair<const char*, int> holes[] = {{"a hole", FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE},
                                               {"zeros", FALLOC_FL_ZERO_RANGE},
                                               {"zeros, same size", FALLOC_FL_ZERO_RANGE | FALLOC_FL_KEEP_SIZE},
                                               {"a piece less", FALLOC_FL_COLLAPSE_RANGE},
                                               {"a piece more", FALLOC_FL_INSERT_RANGE}};
  for (const auto& [name, mode] : holes) {
    ways.push_back(
        {fmt::format("fallocate, {}", name), [fd, mode = mode] { static_cast<void>(fallocate(fd, mode, 0, kPage)); }});
  }
  return ways;
}

std::vector<Way> ways_of_mapping(Bytes mapping) {
  auto* const start = const_cast<std::uint8_t*>(mapping.data());
  const std::size_t size = mapping.size();
  return {
      {"mprotect of the mapping", [=] { protect_and_scribble(start, size); }},
      {"the mapping's file",
       [=] {
         const auto from = reinterpret_cast<std::uint64_t>(start);
         use_path(fmt::format("/proc/self/map_files/{:x}-{:x}", from, from + (size + kPage - 1) / kPage * kPage));
       }},
      {"/proc/self/mem",
       [=] {
         const Descriptor memory(open("/proc/self/mem", O_RDWR | O_CLOEXEC));
         static_cast<void>(pwrite(memory.get(), kMark.data(), kMark.size(), reinterpret_cast<off_t>(start)));
       }},
      {"process_vm_writev",
       [=] {
         iovec from{const_cast<char*>(kMark.data()), kMark.size()}, to{start, kMark.size()};
         static_cast<void>(process_vm_writev(getpid(), &from, 1, &to, 1, 0));
       }},
      {"madvise, take away", [=] { madvise(start, kPage, MADV_REMOVE); }},
      {"madvise, forget", [=] { madvise(start, kPage, MADV_DONTNEED); }},
      {"madvise, make writable", [=] { madvise(start, kPage, MADV_POPULATE_WRITE); }},
      {"a second mapping of the mapping",
       [=] {
         void* const second = mremap(start, 0, kPage, MREMAP_MAYMOVE);
         if (second == MAP_FAILED) return;
         protect_and_scribble(second, kPage);
         munmap(second, kPage);
       }},
      {"a read into the mapping",
       [=] {
         int ends[2];
         if (pipe(ends) != 0) return;
         const Descriptor out(ends[0]), in(ends[1]);
         static_cast<void>(write(in.get(), kMark.data(), kMark.size()));
         static_cast<void>(read(out.get(), start, kMark.size()));
       }},
  };
}

}  // namespace

Attack attack_memory(const Foothold& foothold, const shm::Mapping& owner) {
  const Bytes truth = owner.bytes();
  const std::vector<std::uint8_t> before(truth.begin(), truth.end());
  const auto changed = [&] {
    struct stat status{};
    if (fstat(owner.descriptor().get(), &status) != 0 || static_cast<std::size_t>(status.st_size) != before.size())
      return true;
    return std::memcmp(truth.data(), before.data(), before.size()) != 0;
  };
  std::vector<Way> ways;
  if (foothold.fd >= 0) ways = ways_of_descriptor(foothold.fd, truth.size());
  if (!foothold.mapping.empty()) {
    for (Way& way : ways_of_mapping(foothold.mapping)) ways.push_back(std::move(way));
  }
  Attack attack{.worked = {}, .tried = ways.size()};
  for (const Way& way : ways) {
    way.go();
    if (!changed()) continue;
    attack.worked.push_back(way.name);
    static_cast<void>(ftruncate(owner.descriptor().get(), static_cast<off_t>(before.size())));
    static_cast<void>(pwrite(owner.descriptor().get(), before.data(), before.size(), 0));
  }
  return attack;
}

}  // namespace swage::tests
