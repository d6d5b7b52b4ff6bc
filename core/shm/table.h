// A hash table of fixed capacity in memory that processes share: a key (a peer ID's multihash) has up to 8 values
// (texts of at most 47 bytes), newest first, each with the time when it expires. Table reads it, in any process,
// without a lock; TableWriter changes it, under a mutex that survives the death of who holds it. No clock, no I/O; the
// memory is somebody else's.
//
// Why a reader never sees a half-written or a mixed version, whoever dies when:
//
// * A writer never changes the version in force. It writes the whole new one into a record that no word of the index
//   names, and publishes it with one store (release) of the key's word. Killed before that, the old version stays in
//   force; killed after it, the new one is, and what is left to do (to remember the spare record) is only a hint.
// * A record that was in force may be written again while a slow reader still copies it. So each has a sequence number
//   (a seqlock): the writer makes it odd (release), then a release fence, then the words, then the next even number
//   (release). A reader loads word and sequence (acquire), copies, then an acquire fence, then loads both again. If it
//   copied any word of a later version, the two fences synchronise and it sees a later sequence number: it tries again.
//   The numbers only grow, in 64 bits. All accesses are to lock-free atomics, so there is no data race either.
// * If the word is unchanged too, the version was in force during the copy.
// * Whether a record is in use is written nowhere: it is, if the word of the key in it names it. So there is no second
//   truth that a crash could leave behind.
//
// A reader tries at most kTries times: with a table that a crash left behind the first try settles it; only a writer
// that changes this very key all the time, or damaged memory, makes it give up. Every number read from the memory is
// checked before it is used as an index.
//
// A lookup touches two lines of the index (at once, both are known from the key), then the two lines of a record: 0.14
// µs for a peer that is in the cache, 1.2 µs for one of a million of which none is (core_shm_test "[bench]", -O2, 4 KiB
// pages). 100,000 peers take 53 MB, 1,000,000 take 529 MB.
#pragma once

#include <array>
#include <cstdint>
#include <expected>
#include <string_view>

#include "core/bytes.h"
#include "core/result.h"
#include "core/shm/table_layout.h"

namespace swage::shm {

// The live values of a key, newest first; a copy, without the heap.
struct TableValues {
  std::array<table::Value, table::kMaxValues> list;
  std::size_t count = 0;

  [[nodiscard]] std::string_view text(std::size_t index) const { return {list[index].text.data(), list[index].size}; }
};

class Table {
 public:
  enum class Found : std::uint8_t {
    yes,
    no,
    unsettled,  // changed at each try, or damaged
  };
  static constexpr int kTries = 64;

  Table() = default;  // none: nothing is found
  // A reader of `memory`, which must outlive it. None where that is no table. Takes 2 ns: for every query.
  explicit Table(Bytes memory);

  [[nodiscard]] bool exists() const { return parts_.header != nullptr; }
  [[nodiscard]] std::uint64_t capacity() const { return exists() ? parts_.geometry.records - 1 : 0; }
  // The values of `key` that have not expired at `now` (milliseconds since 1970). Never waits, allocates nothing.
  [[nodiscard]] Found find(Bytes key, std::int64_t now, TableValues& values) const;
  // The keys with a value that has not expired. Takes milliseconds: for figures and tests.
  [[nodiscard]] std::uint64_t count_live(std::int64_t now) const;
  // Calls `take(version)` for each whole entry that is in force.
  template <typename Take>
  void for_each(Take take) const {
    for (std::uint64_t at = 0; at < parts_.geometry.lines * 8; ++at) {
      table::Version version;
      if (read(parts_.lines[at / 8].words[at % 8], version) == Copied::whole) take(version);
    }
  }

 private:
  friend class TableWriter;
  enum class Copied : std::uint8_t { whole, changed, nothing };
  [[nodiscard]] Copied read(const table::Word& word, table::Version& version) const;

  table::Parts<const std::uint8_t> parts_;
};

// The network of the client that has a value put: opaque, equal for all of its clients, and for as long as an entry
// lives. 0: not known; all those are one network.
enum class NetworkId : std::uint64_t {};

enum class PutError : std::uint8_t {
  full,     // every entry is live
  share,    // so it is, and the client's network has as many as any
  invalid,  // the key or the value is empty or too long, or has expired
  moved,    // the entries are in another table, because the configuration has changed
  missing,  // there is no table
  broken,   // the mutex cannot be had
};
[[nodiscard]] std::string_view to_string(PutError error);

class TableWriter {
 public:
  // Called between every two stores of a writer: tests kill it there.
  using Step = void (*)();

  // Makes a new, empty table out of `memory`, which is all 0.
  // REQUIRES: memory.size() == bytes_needed(capacity), 1 <= capacity <= table::kMaxCapacity.
  static void format(MutableBytes memory, std::uint64_t capacity, const std::array<std::uint8_t, 16>& seed);
  [[nodiscard]] static std::size_t bytes_needed(std::uint64_t capacity);
  // For a table that was a file: whatever state its mutex was in, and words that lead nowhere, are put right; damaged
  // words are taken out. Returns how many those were. REQUIRES: nobody else has the table open; check_identity() found
  // nothing.
  static std::uint64_t restore(MutableBytes memory);

  // `memory` must outlive the writer, which is none where that is no table.
  explicit TableWriter(MutableBytes memory, Step between_stores = nullptr);

  [[nodiscard]] bool exists() const { return parts_.header != nullptr; }
  // Adds a value, as the newest of its key; if the key has it, with the new expiry. Of more than 8 live values the
  // oldest goes. Times are milliseconds since 1970.
  [[nodiscard]] std::expected<void, PutError> put(Bytes key, std::string_view value, std::int64_t expires,
                                                  std::int64_t now);
  // Makes `version` all that is known of its key.
  [[nodiscard]] std::expected<void, PutError> replace(const table::Version& version, std::int64_t now);
  // Copies every live entry of this table into `other`, over what that has of the same keys. With `for_good`, put() is
  // refused here from then on: nothing that was accepted is missing in `other`.
  [[nodiscard]] std::expected<void, PutError> copy_to(TableWriter& other, std::int64_t now, bool for_good);

  // What the operator set as the lifetime of values, in milliseconds: for those who write. 0 where nobody did.
  void set_lifetime(std::int64_t milliseconds);
  [[nodiscard]] std::int64_t lifetime() const;

 private:
  class Lock;
  struct Location {
    table::Word* word = nullptr;  // nullptr: the key has none
    std::uint64_t record = 0;
  };

  [[nodiscard]] std::expected<void, PutError> store(table::Version& version, std::int64_t now);
  [[nodiscard]] std::expected<void, PutError> insert(const table::Version& version, std::int64_t now);
  void update(const Location& old, const table::Version& version);
  [[nodiscard]] Location locate(Bytes key) const;
  [[nodiscard]] Location location_of(std::uint64_t record) const;
  [[nodiscard]] table::Word* empty_word(const table::Place& place, std::int64_t now);
  [[nodiscard]] std::uint64_t take_record(std::int64_t now);
  [[nodiscard]] std::uint64_t spare_record() const;
  [[nodiscard]] bool in_use(std::uint64_t record) const { return location_of(record).word != nullptr; }
  void load(std::uint64_t record, table::Version& version) const;
  void fill(std::uint64_t record, const table::Version& version);
  void publish(table::Word& word, std::uint64_t value);
  void step() const {
    if (step_ != nullptr) step_();
  }

  table::Parts<std::uint8_t> parts_;
  Step step_;
};

}  // namespace swage::shm
