// What the writer of a table knows of its entries, in memory of its own: which record and which word of the index each
// has, which network it belongs to, which one expires next, which network has most. So nothing that another process
// could have written into the table decides where the writer writes. In the service process; no I/O.
//
// A network's entries are in the order in which they were added: the oldest is the one to go.
#pragma once

#include <cstdint>
#include <optional>
#include <unordered_map>
#include <vector>

#include "core/shm/indexed_heap.h"

namespace swage::shm {

class Ledger {
 public:
  struct Entry {
    std::uint64_t word = 0;     // of the index
    std::uint32_t network = 0;  // as in table::Version
    std::int64_t end = 0;       // when it expires
  };
  struct Largest {
    std::uint64_t count = 0;   // of entries of a network that has most
    std::uint32_t oldest = 0;  // its oldest: the record
  };

  // For a table of `records` records, none of which has an entry.
  explicit Ledger(std::uint64_t records) : records_(records) {}
  Ledger(const Ledger&) = delete;
  Ledger& operator=(const Ledger&) = delete;

  [[nodiscard]] std::uint64_t size() const { return by_end_.size(); }
  [[nodiscard]] bool has(std::uint64_t record) const { return record < slots_.size() && slots_[record].used; }
  // REQUIRES: has(record).
  [[nodiscard]] const Entry& at(std::uint64_t record) const { return slots_[record].entry; }
  // A record without an entry, the same one until it is added. REQUIRES: size() < records.
  [[nodiscard]] std::uint32_t unused();

  // `record` has an entry from now on, the newest of its network. REQUIRES: !has(record), record < records.
  void add(std::uint32_t record, const Entry& entry);
  // REQUIRES: has(record).
  void remove(std::uint32_t record);

  // The entry that expires first.
  [[nodiscard]] std::optional<std::uint32_t> first_to_end() const;
  [[nodiscard]] std::uint64_t count(std::uint32_t network) const;
  // REQUIRES: size() > 0.
  [[nodiscard]] Largest largest() const;

 private:
  static constexpr std::uint32_t kNone = UINT32_MAX;
  struct Slot {
    Entry entry;
    bool used = false;
    std::uint32_t group = 0;
    std::uint32_t older = kNone, newer = kNone;  // of the same network
  };
  struct Group {  // a network
    std::uint64_t count = 0;
    std::uint32_t oldest = kNone, newest = kNone;
  };
  struct EndsFirst {
    const std::vector<Slot>* slots;
    bool operator()(std::uint32_t a, std::uint32_t b) const { return (*slots)[a].entry.end < (*slots)[b].entry.end; }
  };
  struct HasMore {
    const std::vector<Group>* groups;
    bool operator()(std::uint32_t a, std::uint32_t b) const { return (*groups)[a].count > (*groups)[b].count; }
  };
  [[nodiscard]] std::uint32_t group_of(std::uint32_t network);

  std::uint64_t records_;
  std::vector<Slot> slots_;            // as many as were ever used
  std::vector<std::uint32_t> unused_;  // of these, those without an entry; and some that have one
  std::vector<Group> groups_;          // the same
  std::vector<std::uint32_t> no_group_;
  std::unordered_map<std::uint32_t, std::uint32_t> group_by_network_;
  IndexedHeap<EndsFirst> by_end_{EndsFirst{&slots_}};
  IndexedHeap<HasMore> by_count_{HasMore{&groups_}};
};

}  // namespace swage::shm
