// The records of a zone while it is built: a heap that only grows, in chunks, and the canonical order of its owners.
// Internal to core/zone; in the service process.
#pragma once

#include <cstdint>
#include <memory>
#include <vector>

#include "core/bytes.h"
#include "core/dns/name.h"
#include "core/dns/types.h"
#include "core/zone/report.h"

namespace swage::zone {

class RecordStore {
 public:
  using Ref = std::uint32_t;  // a place in the store, in units of 4 bytes

  struct Record {
    std::uint32_t ttl;
    Place place;
    dns::Type type;
    std::uint16_t size;  // of the rdata, which follows

    [[nodiscard]] Bytes rdata() const { return {reinterpret_cast<const std::uint8_t*>(this + 1), size}; }
    // What an RRSIG covers, else the type itself. RRsets are grouped by it.
    [[nodiscard]] dns::Type covered() const {
      return type == dns::Type::rrsig ? dns::Type{load_u16(rdata().data())} : type;
    }
  };

  // Records of one owner that came one after another.
  struct Run {
    Ref owner;
    std::uint32_t first;  // its first record; its last is the one before the next run's first
  };

  // Takes copies. The first spelling of an owner in a run stays.
  void add(dns::NameView owner, dns::Type type, std::uint32_t ttl, Bytes rdata, Place place);

  [[nodiscard]] dns::NameView name(Ref ref) const {
    const std::uint8_t* at = place(ref);
    return {at + 1, *at};
  }
  [[nodiscard]] const Record& record(Ref ref) const { return *reinterpret_cast<const Record*>(place(ref)); }
  [[nodiscard]] std::size_t run_count() const { return runs_.size(); }
  [[nodiscard]] dns::NameView owner(std::size_t run) const { return name(runs_[run].owner); }
  [[nodiscard]] Ref owner_ref(std::size_t run) const { return runs_[run].owner; }
  [[nodiscard]] std::span<const Ref> records_of(std::size_t run) const {
    const std::size_t end = run + 1 == runs_.size() ? records_.size() : runs_[run + 1].first;
    return {records_.data() + runs_[run].first, records_.data() + end};
  }
  [[nodiscard]] std::size_t record_count() const { return records_.size(); }
  // The indexes of all runs in the canonical order of their owners (RFC 4034 section 6.1); runs of the same owner in
  // the order in which they came. REQUIRES: all owners are under `apex`.
  [[nodiscard]] std::vector<std::uint32_t> canonical_order(dns::NameView apex) const;
  // Forgets runs and the order of records; names and records stay.
  void forget_runs();

 private:
  static constexpr std::size_t kUnit = 4;
  static constexpr std::size_t kChunk = 1 << 20;  // bytes

  [[nodiscard]] const std::uint8_t* place(Ref ref) const {
    constexpr Ref kUnits = kChunk / kUnit;
    return chunks_[ref / kUnits].get() + std::size_t{ref % kUnits} * kUnit;
  }
  Ref allocate(std::size_t size, std::uint8_t*& at);

  std::vector<std::unique_ptr<std::uint8_t[]>> chunks_;
  std::size_t used_ = kChunk;  // of the last chunk
  std::vector<Run> runs_;
  std::vector<Ref> records_;
};

}  // namespace swage::zone
