#include "core/shm/table_layout.h"

#include <sodium.h>

#include <bit>
#include <cstddef>
#include <cstring>

#include "core/counted.h"

namespace swage::shm::table {
namespace {

constexpr std::array<char, 8> kMagic = {'s', 'w', 'a', 'g', 'e', 't', 'a', 'b'};
constexpr std::uint64_t kWordsPerLine = 8;
constexpr std::uint64_t kEntriesPerLine = 4;  // half of them

std::uint64_t sip_hash(Bytes bytes, const std::array<std::uint8_t, 16>& key) {
  static_assert(crypto_shorthash_BYTES == 8 && crypto_shorthash_KEYBYTES == 16);
  std::uint64_t hash;
  crypto_shorthash(reinterpret_cast<unsigned char*>(&hash), bytes.data(), bytes.size(), key.data());
  return hash;
}

std::uint64_t checksum(const Identity& identity) {
  return sip_hash({reinterpret_cast<const std::uint8_t*>(&identity), offsetof(Identity, checksum)}, {});
}

}  // namespace

Geometry Geometry::of(std::uint64_t capacity) {
  const std::uint64_t lines = std::bit_ceil(capacity / kEntriesPerLine + 2);
  static_assert(kEntriesPerLine * 2 == kWordsPerLine);
  return {lines, capacity + 1, kHeaderSize + lines * sizeof(Line) + (capacity + 1) * sizeof(Record)};
}

Place place_of(Bytes key, const Identity& identity, const Geometry& geometry) {
  const std::uint64_t hash = sip_hash(key, identity.seed);
  const std::uint64_t mask = geometry.lines - 1;  // at most 2^25 lines
  const std::uint64_t first = hash & mask;
  const std::uint64_t second = (hash * 0x9E37'79B9'7F4A'7C15) >> 39 & mask;
  // Never the same line twice: there are two at least.
  return {{first, second == first ? second ^ 1 : second}, static_cast<std::uint32_t>(hash >> 32)};
}

Identity make_identity(std::uint64_t capacity, const std::array<std::uint8_t, 16>& seed) {
  Identity identity{.magic = kMagic,
                    .layout_version = kLayoutVersion,
                    .record_size = sizeof(Record),
                    .capacity = capacity,
                    .size = Geometry::of(capacity).size,
                    .seed = seed,
                    .mutex_size = kMutexSize,
                    .checksum = 0};
  identity.checksum = checksum(identity);
  return identity;
}

Result<> check_identity(Bytes memory) {
  if (memory.size() < kHeaderSize)
    return fail("{} too few for a table", counted(memory.size(), "byte is", "bytes are"));
  Identity identity;
  std::memcpy(&identity, memory.data(), sizeof identity);
  if (identity.magic != kMagic) return fail("it was not written by swage");
  if (identity.layout_version != kLayoutVersion) {
    return fail("layout version {}; this version of swage reads {}", identity.layout_version, kLayoutVersion);
  }
  if (identity.checksum != checksum(identity)) return fail("the header is damaged");
  if (identity.record_size != sizeof(Record) || identity.mutex_size != kMutexSize || identity.capacity == 0 ||
      identity.capacity > kMaxCapacity || identity.size != Geometry::of(identity.capacity).size) {
    return fail("the header contradicts itself");
  }
  if (identity.size != memory.size()) return fail("{} bytes; they should be {}", memory.size(), identity.size);
  return {};
}

}  // namespace swage::shm::table
