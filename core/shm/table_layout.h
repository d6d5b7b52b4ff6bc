// How a table (core/shm/table.h) lies in memory, which may be a file that an earlier version of this program, or
// nobody, wrote. No I/O and no lock here.
//
//     0        header: what the table is (Identity), the lifetime of values, until when they may be told, the clock
//     4096     index: lines of 8 words; a word is 0, or  tag << 32 | number of a record + 1
//     …        records of 512 bytes: a sequence number, then a version of an entry
//
// A key has two lines, by its hash, and its word is in one of them; no word ever moves. There are twice as many words
// as entries at least, so that both lines of a key are full for nobody (and the hash is keyed, so that nobody can make
// it so). There is one record more than the capacity: a new version is written beside the one in force.
#pragma once

#include <array>
#include <atomic>
#include <cstdint>
#include <string_view>

#include "core/bytes.h"
#include "core/result.h"

namespace swage::shm::table {

inline constexpr std::size_t kMaxKey = 42;    // bytes: a peer ID's multihash
inline constexpr std::size_t kMaxValue = 47;  // bytes; an ACME key authorization digest has 43
inline constexpr std::size_t kMaxValues = 8;  // of one key
inline constexpr std::uint64_t kMaxCapacity = 1 << 26;
inline constexpr std::uint32_t kLayoutVersion = 1;

// What processes share without a lock. Lock-free atomics are address-free (C++ [atomics.lockfree]): they work between
// processes, at whatever address each has mapped the memory.
using Word = std::atomic<std::uint64_t>;
static_assert(Word::is_always_lock_free && sizeof(Word) == sizeof(std::uint64_t));

struct Value {
  std::int64_t expires;  // milliseconds, by the header's clock
  std::uint8_t size;
  std::array<char, kMaxValue> text;
};

// All that is known of a key, as one immutable whole.
struct Version {
  std::int64_t end;  // when the last of its values expires
  std::uint8_t key_size;
  std::uint8_t count;
  std::array<std::uint8_t, kMaxKey> key;
  std::uint32_t network;                 // that the newest value came from; 0: not known
  std::array<Value, kMaxValues> values;  // newest first
};
static_assert(sizeof(Value) == 56 && sizeof(Version) == 504);

// The first 64 bytes hold the key, the next 56 the newest value: two cache lines for most. A record lies in one sector
// of a disk.
struct Record {
  Word sequence;                                           // even: whole; odd: being written; 0: never used
  std::array<Word, sizeof(Version) / sizeof(Word)> words;  // a Version
};
static_assert(sizeof(Record) == 512);

struct Line {
  std::array<Word, 8> words;
};
static_assert(sizeof(Line) == 64);

// Never changes once the table is made.
struct Identity {
  std::array<char, 8> magic;
  std::uint32_t layout_version;
  std::uint32_t record_size;
  std::uint64_t capacity;
  std::uint64_t size;  // of the whole table, bytes
  std::array<std::uint8_t, 16> seed;
  std::uint64_t mutex_size;  // kMutexSize: there was a mutex once
  std::uint64_t checksum;    // of what is above
};
static_assert(sizeof(Identity) == 64);
inline constexpr std::uint64_t kMutexSize = 40;

struct Header {
  Identity identity;
  std::array<std::uint64_t, 9> unused;  // the mutex, and hints for its holder
  Word lifetime;                        // what a put() without expiry gets, milliseconds
  Word valid_until;                     // milliseconds of CLOCK_BOOTTIME; 0: for good
  Word clock;                           // a Clock: all other times are by it
};
static_assert(sizeof(Header) == 160);
inline constexpr std::size_t kHeaderSize = 4096;
static_assert(sizeof(Header) <= kHeaderSize);

struct Geometry {
  std::uint64_t lines;
  std::uint64_t records;
  std::uint64_t size;

  // REQUIRES: 1 <= capacity <= kMaxCapacity.
  [[nodiscard]] static Geometry of(std::uint64_t capacity);
};

// Where the parts of a table are in memory of the right size.
template <typename Byte>
struct Parts {
  template <typename T>
  using Like = std::conditional_t<std::is_const_v<Byte>, const T, T>;

  Like<Header>* header = nullptr;
  Like<Line>* lines = nullptr;
  Like<Record>* records = nullptr;
  Geometry geometry{};

  Parts() = default;
  Parts(Byte* data, const Geometry& of)
      : header(reinterpret_cast<Like<Header>*>(data)),
        lines(reinterpret_cast<Like<Line>*>(data + kHeaderSize)),
        records(reinterpret_cast<Like<Record>*>(data + kHeaderSize + of.lines * sizeof(Line))),
        geometry(of) {}
};

[[nodiscard]] constexpr bool is_sound(Bytes key, std::string_view value) {
  return !key.empty() && key.size() <= kMaxKey && !value.empty() && value.size() <= kMaxValue;
}

// A key's place: the hash of the key under the table's seed.
struct Place {
  std::array<std::uint64_t, 2> lines;
  std::uint32_t tag;
};
[[nodiscard]] Place place_of(Bytes key, const Identity& identity, const Geometry& geometry);

[[nodiscard]] inline std::uint64_t make_word(std::uint32_t tag, std::uint64_t record) {
  return std::uint64_t{tag} << 32 | (record + 1);
}
[[nodiscard]] inline bool has_tag(std::uint64_t word, std::uint32_t tag) { return word != 0 && word >> 32 == tag; }
// At least geometry.records where the word is 0 or damaged.
[[nodiscard]] inline std::uint64_t record_of(std::uint64_t word) { return (word & 0xFFFF'FFFF) - 1; }

[[nodiscard]] Identity make_identity(std::uint64_t capacity, const std::array<std::uint8_t, 16>& seed);

// What is wrong with `memory` as a table of this version; nothing where it is one.
[[nodiscard]] Result<> check_identity(Bytes memory);

}  // namespace swage::shm::table
