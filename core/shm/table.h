// A hash table of fixed capacity in memory that processes share: a key (a peer ID's multihash) has up to 8 values
// (texts of at most 47 bytes), newest first, each with the time when it expires. Table reads it, in any process,
// without a lock; TableWriter changes it, in the one process that can write the memory. There is one writer, so that
// there is no lock either, and nothing to wait for. No clock, no I/O; the memory is somebody else's.
//
// Why a reader never sees a half-written or a mixed version, wherever the writer dies:
//
// * A writer never changes the version in force. It writes the whole new one into a record that no word of the index
//   names, and publishes it with one store (release) of the key's word. Killed before that, the old version stays in
//   force; killed after it, the new one is, and nothing is left to do.
// * A record that was in force may be written again while a slow reader still copies it. So each has a sequence number
//   (a seqlock): the writer makes it odd (release), then a release fence, then the words, then the next even number
//   (release). A reader loads word and sequence (acquire), copies, then an acquire fence, then loads both again. If it
//   copied any word of a later version, the two fences synchronise and it sees a later sequence number: it tries again.
//   The numbers only grow, in 64 bits. All accesses are to lock-free atomics, so there is no data race either.
// * If the word is unchanged too, the version was in force during the copy.
// * Whether a record is in use is written nowhere: it is, if the word of the key in it names it. So there is no second
//   truth that a crash could leave behind. (The writer has a Ledger, which it makes anew from the index.)
//
// A reader tries at most kTries times: with a table that a crash left behind the first try settles it; only a writer
// that changes this very key all the time, or damaged memory, makes it give up. Every number read from the memory is
// checked before it is used as an index. So is the writer's every number: see core/shm/ledger.h.
//
// A full table is shared out among networks: a new entry takes the place of the oldest one of a network that has most,
// if that has at least two more than the new one's network. So a network never loses an entry to one that has as many
// or more, and with N networks that want all of a capacity C, one that is new always gets C / (N + 1) entries, rounded
// down. See docs/decisions/shared-memory.md.
//
// A lookup touches two lines of the index (at once, both are known from the key), then the two lines of a record: 0.14
// µs for a peer that is in the cache, 1.2 µs for one of a million of which none is (core_shm_test "[bench]", -O2, 4 KiB
// pages). 100,000 peers take 53 MB, 1,000,000 take 529 MB.
#pragma once

#include <array>
#include <cstdint>
#include <expected>
#include <functional>
#include <memory>
#include <optional>
#include <string_view>

#include "core/bytes.h"
#include "core/result.h"
#include "core/shm/clock.h"
#include "core/shm/ledger.h"
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
  // A reader of `memory`, which must outlive it. None where that is not a table. Takes 2 ns: for every query.
  explicit Table(Bytes memory);

  [[nodiscard]] bool exists() const { return parts_.header != nullptr; }
  [[nodiscard]] std::uint64_t capacity() const { return exists() ? parts_.geometry.records - 1 : 0; }
  // The fence: until when what is found may be told to others, in milliseconds of CLOCK_BOOTTIME; 0: for good. The
  // writer moves it on as long as it knows that the table has all that it should have. To be compared with the clock
  // after find().
  [[nodiscard]] std::int64_t valid_until() const {
    return exists() ? static_cast<std::int64_t>(parts_.header->valid_until.load(std::memory_order_acquire)) : 0;
  }
  // By which all times here are: the caller's `now`, too.
  [[nodiscard]] Clock clock() const {
    const bool boot = exists() && parts_.header->clock.load(std::memory_order_relaxed) == std::uint64_t(Clock::boot);
    return boot ? Clock::boot : Clock::wall;
  }
  // The values of `key` that have not expired at `now` (milliseconds). Never waits, allocates nothing.
  [[nodiscard]] Found find(Bytes key, std::int64_t now, TableValues& values) const;
  // The keys with a value that has not expired. Takes milliseconds: for figures and tests.
  [[nodiscard]] std::uint64_t count_live(std::int64_t now) const;
  // Calls `take(version)` for each whole entry that is in force. What follows its `count` values is undefined.
  template <typename Take>
  void for_each(Take take) const {
    for (std::uint64_t at = 0; at < parts_.geometry.lines * 8; ++at) {
      if (table::Version version; read_patiently(at, version)) take(version);
    }
  }

 private:
  friend class TableWriter;
  enum class Copied : std::uint8_t { whole, changed, nothing };
  [[nodiscard]] Copied read(const table::Word& word, table::Version& version) const;
  // False where there is none, or where it changes at each try.
  [[nodiscard]] bool read_patiently(std::uint64_t at, table::Version& version) const;
  [[nodiscard]] const table::Word& word(std::uint64_t at) const { return parts_.lines[at / 8].words[at % 8]; }

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
};
[[nodiscard]] std::string_view to_string(PutError error);

class TableWriter {
 public:
  // Called after every store of a writer: tests kill it there.
  using Step = void (*)();
  // Gets every change as well: the bytes at `offset` of the memory are `bytes` now.
  using Mirror = std::function<void(std::uint64_t offset, Bytes bytes)>;
  enum class Room : std::uint8_t {
    free,   // only free slots
    share,  // also that of a network which has more
  };
  using Seed = std::array<std::uint8_t, 16>;

  // Makes a new, empty table out of `memory`, which is all 0, with times by `clock`.
  // REQUIRES: memory.size() == bytes_needed(capacity), 1 <= capacity <= table::kMaxCapacity.
  static void format(MutableBytes memory, std::uint64_t capacity, const Seed& seed, Clock clock = Clock::wall);
  [[nodiscard]] static std::size_t bytes_needed(std::uint64_t capacity);

  // None: every put() is refused.
  TableWriter() = default;
  // The only writer of `memory`, which must outlive it; none where that is not a table. Reads all of the index: words
  // that lead nowhere, in a table that was left damaged, are taken out.
  explicit TableWriter(MutableBytes memory, Step after_store = nullptr);

  [[nodiscard]] bool exists() const { return parts_.header != nullptr; }
  [[nodiscard]] Clock clock() const { return clock_; }
  // How many words the constructor took out.
  [[nodiscard]] std::uint64_t removed() const { return removed_; }
  // Of the table: for another one with the same entries, where hashes of networks are to be the same.
  [[nodiscard]] const Seed& seed() const { return identity_.seed; }

  // Adds a value, as the newest of its key; if the key has it, with the new expiry. Of more than 8 live values the
  // oldest goes. Times are milliseconds of clock(). The entry is `network`'s from now on.
  [[nodiscard]] std::expected<void, PutError> put(Bytes key, std::string_view value, std::int64_t expires,
                                                  std::int64_t now, NetworkId network = {}, Room room = Room::share);
  // Takes a value out, if it is there.
  void erase(Bytes key, std::string_view value, std::int64_t now);
  // For a caller that decides for several tables at once (core/fleet): whether put() would have room for `key` if
  // `reserve` entries had to stay free. Gives the entry that has to go first, if one has to; nothing is changed.
  [[nodiscard]] std::expected<std::optional<table::Version>, PutError> room_for(Bytes key, std::int64_t now,
                                                                                NetworkId network,
                                                                                std::uint64_t reserve);
  // Makes what is live in `version` all that is known of its key. Every field of it is checked.
  [[nodiscard]] std::expected<void, PutError> replace(const table::Version& version, std::int64_t now, Room room);
  // Copies every live entry of `other`, which may be changing, over what is here of the same keys; each lives for as
  // long as there, also where the two have different clocks. Returns how many found no room.
  [[nodiscard]] std::uint64_t take_over(const Table& other, const Moment& now, Room room);

  // Tells `mirror` all of the table, as far as it is not 0, and then every change.
  void mirror_to(Mirror mirror);

  // What the operator set as the lifetime of values, in milliseconds: for writers. 0 where it was not set.
  void set_lifetime(std::int64_t milliseconds);
  [[nodiscard]] std::int64_t lifetime() const;

  // Table::valid_until(), for all readers at once. Not part of what a mirror gets after mirror_to(): it holds for this
  // memory, on this machine, since it was started.
  void set_valid_until(std::int64_t boot_milliseconds);

 private:
  static constexpr std::uint64_t kNoWord = UINT64_MAX;
  struct Location {
    std::uint64_t word = kNoWord;  // the key has none
    std::uint32_t record = 0;
  };

  void read_index();
  [[nodiscard]] std::expected<void, PutError> store(const table::Version& version, std::int64_t now, Room room);
  [[nodiscard]] std::expected<void, PutError> insert(const table::Version& version, Room room);
  [[nodiscard]] bool make_room(std::uint32_t network);
  void expire(std::int64_t now);
  void remove(std::uint32_t record);
  [[nodiscard]] table::Place place_of(Bytes key) const;
  [[nodiscard]] Location locate(Bytes key) const;
  template <typename Is>
  [[nodiscard]] Location locate(Bytes key, Is is_right) const;
  [[nodiscard]] std::uint64_t empty_word(const table::Place& place) const;
  [[nodiscard]] table::Word& word(std::uint64_t at) const { return parts_.lines[at / 8].words[at % 8]; }
  void load(std::uint64_t record, table::Version& version) const;
  void fill(std::uint64_t record, const table::Version& version);
  void publish(std::uint64_t at, std::uint64_t value);
  void reflect(const void* from, std::size_t size);
  void step() const {
    if (step_ != nullptr) step_();
  }

  table::Parts<std::uint8_t> parts_;
  table::Identity identity_{};  // as it was when the writer was made
  Clock clock_ = Clock::wall;   // the same
  std::unique_ptr<Ledger> ledger_;
  Mirror mirror_;
  std::uint64_t removed_ = 0;
  Step step_ = nullptr;
};

}  // namespace swage::shm
