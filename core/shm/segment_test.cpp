#include "core/shm/segment.h"

#include <fcntl.h>
#include <poll.h>
#include <sys/mman.h>
#include <unistd.h>

#include <algorithm>
#include <string>
#include <vector>

#include "core/descriptor.h"
#include "core/shm/snapshot.h"
#include "tests/support/loopback.h"
#include "tests/support/memory_attack.h"

#include <catch2/catch.hpp>

using namespace swage;
using shm::Mapping;
using shm::Seal;
using shm::Segment;

TEST_CASE("segment: what is written in one mapping is read in another") {
  Segment written = *Segment::create("test", 10000);
  written.writable_bytes()[9999] = 42;
  const Mapping read = *Mapping::attach(*written.descriptor().duplicate());
  CHECK(read.bytes().size() == 10000);
  CHECK(read.bytes()[9999] == 42);
  CHECK(read.bytes()[0] == 0);
  Segment moved = std::move(written);
  CHECK(moved.bytes()[9999] == 42);
  CHECK_FALSE(written.exists());  // NOLINT(bugprone-use-after-move)
}

TEST_CASE("segment: sealed memory cannot be changed by anybody") {
  Segment segment = *Segment::create("test", 4096);
  segment.writable_bytes()[0] = 7;
  const Mapping sealed = *std::move(segment).seal();
  CHECK(sealed.bytes()[0] == 7);
  const int fd = sealed.descriptor().get();
  CHECK(ftruncate(fd, 1) != 0);
  CHECK(mmap(nullptr, 4096, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0) == MAP_FAILED);
  CHECK(write(fd, "x", 1) < 0);
}

namespace {

Descriptor copy_of(const Mapping& memory) { return *memory.descriptor().duplicate(); }

Segment made(std::size_t size = 10000) {
  Segment segment = *Segment::create("test", size);
  std::ranges::fill(segment.writable_bytes(), std::uint8_t{7});
  return segment;
}

std::string names(const std::vector<std::string>& all) {
  std::string text;
  for (const std::string& each : all) text += each + "; ";
  return text;
}

}  // namespace

TEST_CASE("segment: what a process may only read, it cannot write in any way that the kernel knows") {
  for (const auto seal : {Seal::whole, Seal::elsewhere}) {
    Segment segment = made();
    MutableBytes writable;
    Mapping owner;
    if (seal == Seal::whole) {
      owner = *std::move(segment).seal();
    } else {
      REQUIRE(segment.seal_elsewhere());
      writable = segment.writable_bytes();
      owner = std::move(segment);
    }
    const Mapping reader = *Mapping::open_sealed(copy_of(owner), seal);
    const tests::Attack attack =
        tests::attack_memory({.fd = reader.descriptor().get(), .mapping = reader.bytes()}, owner);
    CHECK(names(attack.worked) == "");
    CHECK(attack.tried > 30);
    if (writable.empty()) continue;
    writable[9999] = 42;
    CHECK(reader.bytes()[9999] == 42);
  }
}

TEST_CASE("segment: the attack is one: memory that is not sealed falls to it") {
  const Segment owner = made();
  const Mapping reader = *Mapping::attach(copy_of(owner));
  const tests::Attack attack =
      tests::attack_memory({.fd = reader.descriptor().get(), .mapping = reader.bytes()}, owner);
  const std::string worked = names(attack.worked);
  for (const char* const way : {"mmap, writable",
                                "mmap, then mprotect",
                                "pwrite;",
                                "write;",
                                "pwritev2",
                                "write behind the end",
                                "ftruncate, shorter",
                                "ftruncate, longer",
                                "fallocate, longer",
                                "fallocate, a hole",
                                "open again;",
                                "truncate by path",
                                "fchmod, then open again",
                                "another descriptor",
                                "no seals",
                                "splice",
                                "sendfile",
                                "copy_file_range",
                                "asynchronous I/O",
                                "mprotect of the mapping",
                                "a second mapping of the mapping"}) {
    INFO(way);
    CHECK(worked.find(way) != std::string::npos);
  }
  CHECK(worked.find("mmap, private") == std::string::npos);
}

TEST_CASE("segment: a file is safe behind a descriptor for reading, as long as it cannot be opened again") {
  const tests::Folder folder;
  const std::string path = folder.write("file", std::string(10000, 'x'));
  const Segment owner = *Segment::attach(Descriptor(open(path.c_str(), O_RDWR | O_CLOEXEC)));
  const Mapping reader = *Mapping::attach(Descriptor(open(path.c_str(), O_RDONLY | O_CLOEXEC)));
  const tests::Foothold foothold{.fd = reader.descriptor().get(), .mapping = reader.bytes()};
  const std::string worked = names(tests::attack_memory(foothold, owner).worked);
  CHECK(worked.find("open again;") != std::string::npos);  // which is why dns processes have none of the store's file
  CHECK(worked.find("mmap, writable") == std::string::npos);
  CHECK(worked.find("mprotect") == std::string::npos);
}

TEST_CASE("segment: memory that is not sealed, or not all of it, is refused") {
  const auto refusal = [](Descriptor memory, Seal seal) {
    const auto opened = Mapping::open_sealed(std::move(memory), seal);
    return opened ? "" : opened.error().text();
  };
  constexpr auto kWhole = Seal::whole, kElsewhere = Seal::elsewhere;
  Segment segment = made();
  CHECK(refusal(copy_of(segment), kWhole) == "shared memory: not sealed: its seals are 0x0");
  CHECK(refusal(copy_of(segment), kElsewhere) == "shared memory: not sealed: its seals are 0x0");
  for (const int seals : {F_SEAL_SHRINK, F_SEAL_GROW}) {
    REQUIRE(fcntl(segment.descriptor().get(), F_ADD_SEALS, seals) == 0);
    CHECK(refusal(copy_of(segment), kElsewhere) != "");
  }
  CHECK(refusal(copy_of(segment), kElsewhere) != "");
  REQUIRE(fcntl(segment.descriptor().get(), F_ADD_SEALS, F_SEAL_FUTURE_WRITE) == 0);
  CHECK(refusal(copy_of(segment), kElsewhere) == "");
  CHECK(refusal(copy_of(segment), kWhole) == "shared memory: not sealed: its seals are 0x16");
  const Mapping whole = *made().seal();
  CHECK(refusal(copy_of(whole), kWhole) == "");
  CHECK(refusal(copy_of(whole), kElsewhere) == "");
  CHECK(Mapping::check_seal(whole.descriptor(), kWhole, 10000));
  CHECK(Mapping::check_seal(whole.descriptor(), kWhole, 9999).error().text() ==
        "shared memory of 10000 bytes: expected at most 9999");

  const Descriptor empty(memfd_create("empty", MFD_CLOEXEC | MFD_ALLOW_SEALING));
  REQUIRE(fcntl(empty.get(), F_ADD_SEALS, F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_WRITE) == 0);
  CHECK(Mapping::check_seal(empty, kWhole).error().text() == "shared memory: the segment is empty");
  const tests::Folder folder;
  const std::string path = folder.write("file", "text");
  CHECK(refusal(Descriptor(open(path.c_str(), O_RDONLY | O_CLOEXEC)), kWhole).starts_with("shared memory: not"));
  CHECK(refusal(Descriptor(), kWhole) == "shared memory: not memory that can be sealed: Bad file descriptor");
  int ends[2];
  REQUIRE(pipe(ends) == 0);
  CHECK(refusal(Descriptor(ends[0]), kElsewhere) != "");
  pollfd other{ends[1], 0, 0};
  CHECK(poll(&other, 1, 0) == 1);  // what is refused is closed, too
  CHECK((other.revents & POLLERR) != 0);
  close(ends[1]);
}

TEST_CASE("snapshot: a publication replaces the whole") {
  shm::Snapshot snapshot("test");
  CHECK(snapshot.bytes().empty());
  std::string published;
  snapshot.on_publish([&](const Mapping& each) -> Result<> {
    published += std::to_string(each.bytes()[0]) + " ";
    return {};
  });
  for (std::uint8_t value = 1; value <= 2; ++value) {
    Segment next = *Segment::create("test", 100);
    next.writable_bytes()[0] = value;
    REQUIRE(snapshot.publish(std::move(next)));
    CHECK(snapshot.bytes()[0] == value);
  }
  CHECK(published == "1 2 ");
}
