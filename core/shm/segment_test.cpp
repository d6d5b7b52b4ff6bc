#include "core/shm/segment.h"

#include <fcntl.h>
#include <sys/mman.h>
#include <unistd.h>

#include "core/shm/snapshot.h"

#include <catch2/catch.hpp>

using namespace swage;
using shm::Segment;

TEST_CASE("segment: what is written in one mapping is read in another") {
  Segment written = *Segment::create("test", 10000);
  written.writable_bytes()[9999] = 42;
  const Segment read = *Segment::open(fcntl(written.fd(), F_DUPFD_CLOEXEC, 3));
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
  REQUIRE(segment.seal());
  CHECK(segment.bytes()[0] == 7);
  CHECK(ftruncate(segment.fd(), 1) != 0);
  CHECK(mmap(nullptr, 4096, PROT_READ | PROT_WRITE, MAP_SHARED, segment.fd(), 0) == MAP_FAILED);
  CHECK(write(segment.fd(), "x", 1) < 0);
}

TEST_CASE("segment: what is no segment is refused") {
  CHECK_FALSE(Segment::open(-1));
  int ends[2];
  REQUIRE(pipe(ends) == 0);
  CHECK_FALSE(Segment::open(ends[0]));
  close(ends[1]);
}

TEST_CASE("snapshot: a publication replaces the whole") {
  shm::Snapshot snapshot("test");
  CHECK(snapshot.bytes().empty());
  std::string published;
  snapshot.on_publish([&](const shm::Snapshot& each) -> Result<> {
    published += each.name() + std::to_string(each.bytes()[0]) + " ";
    return {};
  });
  for (std::uint8_t value = 1; value <= 2; ++value) {
    Segment next = *Segment::create("test", 100);
    next.writable_bytes()[0] = value;
    REQUIRE(snapshot.publish(std::move(next)));
    CHECK(snapshot.bytes()[0] == value);
  }
  CHECK(published == "test1 test2 ");
}
