// A change: what makes a version of a zone the next one, in one block of bytes without pointers. It is what an IXFR
// answer tells (RFC 1995 section 4), what a Journal (core/zone/journal.h) holds, and what lies in a journal on disk.
// Numbers are in the byte order of the machine; names and rdata in wire format.
//
//     +-----------------+ 0, aligned to 8
//     | Header          |  size, serials, counts
//     +-----------------+
//     | record x ...    |  removed: the old SOA first
//     +-----------------+ header.added_at
//     | record x ...    |  added: the new SOA first
//     +-----------------+ header.size, a multiple of 8
//
//     record: | ttl:32 | type:16 | rdata's size:16 | owner's size:8 | owner | rdata |, not aligned
#pragma once

#include <cstdint>
#include <optional>
#include <vector>

#include "core/bytes.h"
#include "core/dns/name.h"
#include "core/result.h"
#include "core/zone/all_records.h"

namespace swage::zone {

// Reads one; the bytes must outlive it and its records.
class Change {
 public:
  // Walks over records; cheap to copy.
  class Records {
   public:
    Records(const std::uint8_t* at, std::uint32_t count) : at_(at), left_(count) {}
    // nullopt: that was the last one.
    [[nodiscard]] std::optional<ZoneRecord> next();
    [[nodiscard]] std::uint32_t left() const { return left_; }

   private:
    const std::uint8_t* at_;
    std::uint32_t left_;
  };

  // REQUIRES: a ChangeWriter wrote it, or check() was happy with it.
  explicit Change(const std::uint8_t* bytes) : bytes_(bytes) {}
  // Of bytes that may be anything, which begin with a change: that it is whole and its owners are names. What its
  // records say is for Builder::add() to check.
  [[nodiscard]] static Result<Change> check(Bytes bytes);

  [[nodiscard]] std::uint32_t from() const { return header().from; }  // serials
  [[nodiscard]] std::uint32_t to() const { return header().to; }
  [[nodiscard]] Records removed() const { return {bytes_ + sizeof(Header), header().removed}; }
  [[nodiscard]] Records added() const { return {bytes_ + header().added_at, header().added}; }
  [[nodiscard]] Bytes bytes() const { return {bytes_, header().size}; }

 private:
  friend class ChangeWriter;

  struct Header {
    std::uint64_t size, added_at;  // bytes
    std::uint32_t from, to;        // serials
    std::uint32_t removed, added;  // records
  };
  [[nodiscard]] const Header& header() const { return *reinterpret_cast<const Header*>(bytes_); }

  const std::uint8_t* bytes_;
};

class ChangeWriter {
 public:
  // Takes copies, as do the next three. REQUIRES: they are SOA records with data that check_rdata() takes.
  ChangeWriter(const ZoneRecord& old_soa, const ZoneRecord& new_soa);
  // For who hears of the new one later, as in an IXFR answer: set_new_soa() is called before add() and finish().
  explicit ChangeWriter(const ZoneRecord& old_soa);
  void set_new_soa(const ZoneRecord& new_soa);

  void remove(const ZoneRecord& record) { ++removed_count_, append(removed_, record); }
  void add(const ZoneRecord& record) { ++added_count_, append(added_, record); }

  // True where nothing but the SOA was removed and added, and that is the same.
  [[nodiscard]] bool changes_nothing() const;
  [[nodiscard]] std::size_t size() const;
  // The whole change, in memory that is aligned to 8.
  [[nodiscard]] std::vector<std::uint8_t> finish() const;

 private:
  static void append(std::vector<std::uint8_t>& to, const ZoneRecord& record);

  std::uint32_t from_, to_ = 0;
  std::uint32_t removed_count_ = 0, added_count_ = 0;
  std::vector<std::uint8_t> removed_, added_;
};

// The serial in the data of a SOA record (RFC 1035 section 3.3.13). REQUIRES: check_rdata() takes them.
[[nodiscard]] inline std::uint32_t serial_of(Bytes soa) { return load_u32(&soa[soa.size() - 20]); }

}  // namespace swage::zone
