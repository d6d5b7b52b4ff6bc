// bench_challenges [PEERS [FILE]]: what the challenge store costs when it is full (1,000,000 peers): memory, and the
// time to find, to store and to refuse; and that no live value was lost to those that were refused. With FILE: only
// writes the store to that file, for a server to answer from.
#include <sys/resource.h>

#include <cstdio>
#include <cstdlib>
#include <ctime>
#include <random>
#include <string>
#include <vector>

#include <fmt/format.h>

#include "core/bytes.h"
#include "core/forge/challenge_keeper.h"
#include "core/shm/segment.h"
#include "core/shm/table.h"
#include "tests/bench/load/queries.h"

namespace {

using namespace swage;

constexpr std::int64_t kTime = 1'800'000'000'000;  // ms
constexpr std::int64_t kExpires = kTime + 3'600'000;
constexpr std::size_t kAsked = 1'000'000;

// CPU time of this thread: other programs on the machine do not count.
double now() {
  timespec time{};
  clock_gettime(CLOCK_THREAD_CPUTIME_ID, &time);
  return static_cast<double>(time.tv_sec) + static_cast<double>(time.tv_nsec) * 1e-9;
}

// A peer ID of an Ed25519 key: 00 24 08 01 12 20 and the key.
std::string key_of(std::uint64_t peer) {
  const auto key = bench::challenge_key(peer);
  return std::string("\x00\x24\x08\x01\x12\x20", 6).append(as_text(key));
}

std::string value_of(std::uint64_t peer) { return fmt::format("{:043}", peer); }

std::vector<std::uint64_t> draw(std::uint64_t from, std::uint64_t count) {
  std::mt19937_64 random(1);
  std::vector<std::uint64_t> peers(kAsked);
  for (std::uint64_t& peer : peers) peer = from + random() % count;
  return peers;
}

void report(const char* what, double seconds, std::size_t count) {
  std::printf("%-44s %8.0f ns\n", what, seconds * 1e9 / static_cast<double>(count));
}

// Looks up each; with `there` all must be, otherwise none.
bool find_all(const char* what, const shm::Table& table, const std::vector<std::uint64_t>& peers, bool there) {
  std::vector<std::string> keys;
  keys.reserve(peers.size());
  for (const std::uint64_t peer : peers) keys.push_back(key_of(peer));
  std::size_t found = 0;
  shm::TableValues values;
  const double start = now();
  for (const std::string& key : keys) {
    if (table.find(as_bytes(key), kTime, values) == shm::Table::Found::yes) ++found;
  }
  report(what, now() - start, keys.size());
  return found == (there ? keys.size() : 0);
}

Result<> measure(std::uint64_t peers) {
  TRY(shm::Segment memory, shm::Segment::create("challenges", shm::TableWriter::bytes_needed(peers)));
  shm::TableWriter::format(memory.writable_bytes(), peers, {});
  shm::TableWriter writer(memory.writable_bytes());
  std::printf("%llu peers: %.0f MB of memory\n", static_cast<unsigned long long>(peers),
              static_cast<double>(memory.bytes().size()) / 1e6);
  std::uint64_t stored = 0;
  double start = now();
  while (stored < peers && writer.put(as_bytes(key_of(stored)), value_of(stored), kExpires, kTime)) ++stored;
  report("store one (with making its key)", now() - start, stored);
  std::printf("%-44s %8.2f %%\n", "full at", 100.0 * static_cast<double>(stored) / static_cast<double>(peers));

  const shm::Table table(memory.bytes());
  const bool found = find_all("find one of all, cold", table, draw(0, stored), true) &&
                     find_all("find one of 1000", table, draw(0, std::min<std::uint64_t>(stored, 1000)), true) &&
                     find_all("find one that is not there", table, draw(peers, peers), false);
  if (!found) return fail("a value is not there, or one is there that never was");

  constexpr std::uint64_t kRefused = 1000;
  start = now();
  for (std::uint64_t i = 0; i < kRefused; ++i) {
    if (writer.put(as_bytes(key_of(2 * peers + i)), value_of(i), kExpires, kTime)) return fail("a full table has room");
  }
  report("refuse one where all are live", now() - start, kRefused);
  shm::TableValues values;
  for (std::uint64_t peer = 0; peer < stored; ++peer) {
    const bool there = table.find(as_bytes(key_of(peer)), kTime, values) == shm::Table::Found::yes;
    if (!there || values.text(0) != value_of(peer)) return fail("the live value of peer {} is gone", peer);
  }
  std::printf("after that all %llu live values are there\n", static_cast<unsigned long long>(stored));
  return {};
}

// The store as a server with `store memory FILE capacity PEERS` will find it.
Result<> write_store(std::uint64_t peers, const std::string& path) {
  const std::int64_t wall = std::int64_t{std::time(nullptr)} * 1000;
  const shm::Moment now{.wall = wall, .boot = wall};  // no time of boot is kept in a file
  shm::Shared memory("challenges");
  shm::ServiceMemory gate("gate"), file("file");
  for (shm::LastingMemory* const each : std::initializer_list<shm::LastingMemory*>{&memory, &gate, &file}) {
    each->on_provide([](const shm::Mapping&) { return Result<>(); });
  }
  forge::ChallengeKeeper keeper({&memory, &gate, &file}, {.path = path, .capacity = peers, .lifetime = 86'400'000}, {});
  TRY(keeper.prepare(now));
  forge::ChallengeStore store(memory);
  for (std::uint64_t peer = 0; peer < peers; ++peer) {
    if (!store.put_in_memory(as_bytes(key_of(peer)), value_of(peer), {}, now.wall)) {
      return fail("the store is full with {} peers", peer);
    }
  }
  return keeper.enforce(now);
}

}  // namespace

int main(int argc, char** argv) {
  const std::uint64_t peers = argc > 1 ? std::strtoull(argv[1], nullptr, 10) : 1'000'000;
  if (const auto done = argc > 2 ? write_store(peers, argv[2]) : measure(peers); !done) {
    std::fprintf(stderr, "%s\n", done.error().text().c_str());
    return 1;
  }
}
