// The journal of a zone that is changed by updates: what has changed since the zone file, in the order in which it did.
// The bytes of its file (plugins/file/journal_file.h has the file): each update is an entry, and what was cut off while
// it was written is no entry. No I/O.
//
//     header   "swagejnl", version (4 bytes), digest of the zone that it begins with (32), serial of that (4),
//              checksum (8) of all that
//     entry    length (4) and checksum (8) of the rest; time (8), digest of the request (32), number of records
//              removed (4) and added (4); for each record: owner, type (2), TTL (4), length (2), data
//
// Integers are big-endian; a checksum is the start of a SHA-256.
#pragma once

#include <cstdint>
#include <functional>
#include <string>
#include <vector>

#include "core/bytes.h"
#include "core/crypto/hash.h"
#include "core/result.h"
#include "core/update/edited_zone.h"

namespace swage::update {

struct JournalStart {
  crypto::Digest zone;   // zone_digest() of what the file of the zone had
  std::uint32_t serial;  // of that
};

struct JournalEntry {
  std::int64_t time = 0;     // seconds since 1970
  crypto::Digest request{};  // SHA-256 of the request: one that comes again was done already
  Changes changes;
};

// Of all records of a zone image, whatever the image's layout.
[[nodiscard]] crypto::Digest zone_digest(Bytes image);

[[nodiscard]] std::vector<std::uint8_t> write_start(const JournalStart& start);
void append_entry(const JournalEntry& entry, std::vector<std::uint8_t>& to);

// The bytes of a header.
inline constexpr std::size_t kJournalStart = 8 + 4 + 32 + 4 + 8;
// An Error where it is no journal, or one of another version.
[[nodiscard]] Result<JournalStart> read_start(Bytes journal);

// Hands over the entries after the header, until `take` fails or the entries end. Gives the size of the journal up to
// the end of the last whole entry: what comes after that was not written to its end. An Error of `take`'s, or where a
// whole entry cannot be read.
[[nodiscard]] Result<std::size_t> read_entries(Bytes journal, const std::function<Result<>(JournalEntry)>& take);

// What all of these changes come to: what a later one adds again, an earlier one has not removed.
class NetChanges {
 public:
  void add(const Changes& changes);
  [[nodiscard]] Changes changes() const;

 private:
  std::map<std::vector<std::uint8_t>, int> count_;  // of a record, written as in an entry: 1 added, -1 removed
};

}  // namespace swage::update
