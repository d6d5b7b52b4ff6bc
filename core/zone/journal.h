// A journal: the last changes of a zone, one after another, from which a secondary that has an older version is told
// what is new (IXFR, RFC 1995). One block of bytes without pointers, which is published beside the zone's image.
// Numbers are in the byte order of the machine.
//
//     +-------------+ 0
//     | Header      |
//     +-------------+
//     | Change x ...|  (core/zone/change.h) oldest first; each begins with the serial that the one before ends with
//     +-------------+ header.size
#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <span>
#include <vector>

#include "core/bytes.h"
#include "core/zone/change.h"

namespace swage::zone {

class Journal {
 public:
  // `bytes` are empty, which has no changes, or what JournalWriter wrote, aligned to 8. They must outlive it.
  explicit Journal(Bytes bytes) : bytes_(bytes) {}

  [[nodiscard]] std::uint32_t count() const { return bytes_.empty() ? 0 : header().count; }
  // Oldest first.
  [[nodiscard]] std::vector<Change> changes() const;
  // Those that lead from one serial to another, the newest; none where there is no such way. An image and its journal
  // are published one after the other: `to`, the image's serial, tells whether they belong together.
  [[nodiscard]] std::vector<Change> between(std::uint32_t from, std::uint32_t to) const;

 private:
  friend class JournalWriter;

  struct Header {
    std::uint64_t size;  // bytes
    std::uint32_t count;
    std::uint32_t reserved;
  };
  [[nodiscard]] const Header& header() const { return *reinterpret_cast<const Header*>(bytes_.data()); }

  Bytes bytes_;
};

// The next version of a journal: the changes of the one before, as far as there is room, and a new one.
class JournalWriter {
 public:
  struct Limits {
    std::size_t bytes = 8 << 20;
    std::uint32_t changes = 100;
  };

  // Of a journal without changes.
  JournalWriter() : size_(sizeof(Journal::Header)) {}
  // What is passed must outlive the writer. `change`: begins with the serial that `before` ends with, or else what was
  // before is forgotten; so it is where the new serial is not newer (RFC 1982): no secondary would ask for it. A change
  // that has no room empties the journal.
  JournalWriter(Journal before, Change change, Limits limits);

  [[nodiscard]] std::size_t size() const { return size_; }
  // REQUIRES: `to` has size() bytes and is aligned to 8.
  void write(MutableBytes to) const;

 private:
  std::vector<Change> changes_;
  std::size_t size_;
};

// The journal beside `next`, the version after `image`, beside which there was `journal`; `journal` itself where they
// are the same. It holds the last 100 changes at most, and no more bytes than half of the zone: where more has changed,
// a transfer of the whole costs less, and it holds nothing, nor where `image` is empty (an expired zone).
// REQUIRES: View::check() was happy with `next`, and with `image`, which may also be empty.
[[nodiscard]] std::vector<std::uint8_t> next_journal(Bytes journal, Bytes image, Bytes next);

// Whether `next` is another zone than `image` and its serial is not newer: secondaries go by that. REQUIRES: as above.
[[nodiscard]] bool stays_unnoticed(Bytes image, Bytes next);

}  // namespace swage::zone
