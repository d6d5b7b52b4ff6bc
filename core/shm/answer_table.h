// Answers that were fetched, in memory that processes share: bytes under a key, with the time when they were stored.
// AnswerTable reads it, in any process, without a lock; AnswerTableWriter fills it, in the one process that can write
// the memory (core/shm/shared.h). It knows nothing of DNS: core/plugin/fetched_answers.h says what the bytes are. No
// clock, no I/O; the memory is somebody else's.
//
// Entries lie one after the other in two rings: answers that have what was asked for, and all others, so that a flood
// of names that do not exist takes nobody's place. The oldest is written over. An index, under a keyed hash, leads to
// the newest entry of each key:
//
//     0      header: what the table is; for each ring, up to where it is written over
//     4096   index: lines of 8 words; a word is 0, or  tag << 49 | ring << 48 | place + 1
//     …      ring 0, ring 1: in units of 8 bytes. A place is the number of units that were written before, since the
//            table was made; it lies at place % units of the ring
//
// Why a reader never sees half an entry or a mixed one, wherever the writer dies:
//
// * The writer first says up to which place it is going to write (then a release fence), then writes the entry, then
//   publishes it with one store (release) of its word. Killed before that, there is no such entry.
// * A reader loads the word (acquire), copies the entry, then an acquire fence, then loads how far the writer has got.
//   If it copied any unit of a later entry, the two fences synchronise and it sees a place that is more than the size
//   of the ring away: there is no such entry any more. It never tries again, so nothing can hold it up.
// * All accesses to what changes are to lock-free atomics, so there is no data race. Every number read from the memory
//   is checked before it is used as an index; a key has one line of the index, so a look-up reads 8 words at most.
#pragma once

#include <array>
#include <atomic>
#include <cstdint>
#include <functional>
#include <optional>
#include <vector>

#include "core/bytes.h"

namespace swage::shm {

enum class AnswerKind : std::uint8_t {
  success,  // there is what was asked for
  denial,   // there is not
  failure,  // whoever was asked cannot say
};

// What is known of an entry beside its bytes.
struct AnswerFacts {
  std::int64_t stored = 0;  // nanoseconds, steady clock, as Query::received
  std::uint32_t ttl = 0;    // seconds, as whoever was asked has said
  AnswerKind kind = AnswerKind::success;
};

namespace answers {

using Word = std::atomic<std::uint64_t>;
static_assert(Word::is_always_lock_free);

inline constexpr std::size_t kRings = 2;
inline constexpr std::size_t kMaxKey = 512;        // bytes
inline constexpr std::size_t kMaxBytes = 0xFFFF;   // of an entry, without its key
inline constexpr std::size_t kMinRing = 1 << 18;   // bytes: has several entries of any size
inline constexpr std::size_t kMaxRing = 1U << 31;  // bytes
inline constexpr std::size_t kHeaderSize = 4096;
using Seed = std::array<std::uint8_t, 16>;

// Never changes once the table is made.
struct Identity {
  std::array<char, 8> magic;
  std::uint64_t lines;
  std::array<std::uint64_t, kRings> units;
  Seed seed;
};

struct Line {
  std::array<Word, 8> words;
};

struct Header {
  Identity identity;
  std::array<std::uint64_t, 2> unused;
  std::array<Line, kRings> written;  // the first word: the place up to which is written, or is going to be
};
static_assert(sizeof(Identity) == 48 && sizeof(Header) == 192 && sizeof(Header) <= kHeaderSize);

// Where the parts of a table are.
struct Geometry {
  std::uint64_t lines = 0;
  std::array<std::uint64_t, kRings> units{};

  [[nodiscard]] std::uint64_t ring_at(std::size_t ring) const {
    return kHeaderSize + lines * sizeof(Line) + (ring == 0 ? 0 : units[0] * sizeof(Word));
  }
  [[nodiscard]] std::uint64_t size() const { return ring_at(1) + units[1] * sizeof(Word); }
};

// An entry: these, the key, the bytes; both are filled up to whole units.
struct EntryHead {
  std::uint64_t place = 0;
  std::uint64_t sizes = 0;   // kind << 48 | size of the key << 32 | size of the bytes
  std::uint64_t stored = 0;  // AnswerFacts
  std::uint64_t ttl = 0;
};
inline constexpr std::size_t kHeadUnits = sizeof(EntryHead) / sizeof(Word);

}  // namespace answers

class AnswerTable {
 public:
  AnswerTable() = default;  // none: nothing is found
  // A reader of `memory`, which must outlive it. None where that is not a table. Takes nanoseconds: for every query.
  explicit AnswerTable(Bytes memory);

  [[nodiscard]] bool exists() const { return header_ != nullptr; }
  // Copies what is stored under `key` into `allocate(size)`, a MutableBytes of that size. Never waits; allocates
  // nothing itself. Whether it is too old is the caller's to say. nullopt: there is nothing.
  template <typename Allocate>
  [[nodiscard]] std::optional<AnswerFacts> find(Bytes key, Allocate allocate) const {
    const Found found = look_up(key);
    if (found.ring == nullptr) return std::nullopt;
    copy(found, allocate(found.size));
    return is_whole(found) ? std::optional(found.facts) : std::nullopt;
  }
  // Calls `take(key, facts, bytes)` for each entry, in the order in which they were written, ring by ring. Takes
  // milliseconds, and memory of its own.
  void for_each(const std::function<void(Bytes key, const AnswerFacts& facts, Bytes bytes)>& take) const;

 private:
  friend class AnswerTableWriter;
  struct Found {
    const answers::Word* ring = nullptr;  // none: nothing is found
    std::size_t number = 0;               // of the ring
    std::uint64_t place = 0, at = 0;      // of the entry; of its bytes, in the ring
    std::size_t key_size = 0, size = 0;   // bytes
    AnswerFacts facts{};
  };

  [[nodiscard]] std::uint64_t hash(Bytes key) const;
  [[nodiscard]] const answers::Line& line(std::uint64_t hash) const { return lines_[hash & (geometry_.lines - 1)]; }
  [[nodiscard]] const answers::Word* ring(std::size_t number) const;
  [[nodiscard]] Found look_up(Bytes key) const;
  // What a word of the index leads to, its key unread.
  [[nodiscard]] Found entry(std::uint64_t word) const;
  [[nodiscard]] bool has_key(const Found& found, Bytes key) const;
  static void copy(const Found& found, MutableBytes to);
  // Nothing of it was written over while it was read. After the last look at it.
  [[nodiscard]] bool is_whole(const Found& found) const;
  [[nodiscard]] bool is_gone(std::size_t ring, std::uint64_t place) const;

  const answers::Header* header_ = nullptr;
  const answers::Line* lines_ = nullptr;
  answers::Geometry geometry_{};
  answers::Seed seed_{};
};

class AnswerTableWriter {
 public:
  // Called after every store of a writer: tests kill it there.
  using Step = void (*)();
  // Bytes of the rings: of answers of kind success, and of all others.
  struct Room {
    std::size_t success = 4 << 20, others = 1 << 20;
  };
  using Seed = answers::Seed;

  // As much as was asked for, between the bounds.
  [[nodiscard]] static std::size_t bytes_needed(Room room);

  // None: nothing is stored.
  AnswerTableWriter() = default;
  // Makes a table out of `memory`, which is all 0 and must outlive it, and is its only writer. `seed`: random.
  // REQUIRES: memory.size() == bytes_needed(room).
  AnswerTableWriter(MutableBytes memory, Room room, const Seed& seed, Step after_store = nullptr);

  [[nodiscard]] bool exists() const { return reader_.exists(); }
  // Of a ring: the entries that can be found, and how many of them have had to give way to others so far.
  struct Counts {
    std::uint64_t entries = 0, evictions = 0;
  };
  [[nodiscard]] const std::array<Counts, answers::kRings>& counts() const { return counts_; }
  // Stores `bytes` under `key`, instead of what is there. False where there is no table, or one of them is too long.
  bool put(Bytes key, const AnswerFacts& facts, Bytes bytes);
  // Removes the entries whose key is `unwanted`. Returns how many. Takes milliseconds.
  std::size_t remove(const std::function<bool(Bytes key)>& unwanted);
  // Copies all of `other`, which may be changing, or anything at all, as far as there is room. Returns how many.
  std::size_t take_over(const AnswerTable& other);

 private:
  [[nodiscard]] std::uint64_t reserve(std::size_t ring, std::uint64_t units);
  void give_way(std::size_t ring);
  [[nodiscard]] bool is_named(const AnswerTable::Found& found) const;
  void count(std::size_t ring, Bytes key, std::uint64_t instead_of);
  void fill(std::size_t ring, std::uint64_t place, Bytes bytes);
  [[nodiscard]] answers::Word& word_for(Bytes key, std::uint64_t hash) const;
  template <typename Value>
  void store(answers::Word& word, Value value, std::memory_order order = std::memory_order_relaxed) {
    word.store(value, order);
    if (step_ != nullptr) step_();
  }

  AnswerTable reader_;  // of the same memory
  answers::Header* header_ = nullptr;
  answers::Line* lines_ = nullptr;
  std::array<answers::Word*, answers::kRings> rings_{};
  std::array<std::uint64_t, answers::kRings> places_{};  // of the next entries
  std::array<std::uint64_t, answers::kRings>
      oldest_{};  // of the oldest entries that are whole, or what lies after them
  std::array<Counts, answers::kRings> counts_{};
  Step step_ = nullptr;
};

}  // namespace swage::shm
