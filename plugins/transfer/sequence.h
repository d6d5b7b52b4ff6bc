// The records of a zone transfer in their order, without I/O. In dns processes.
//
//     a whole zone (RFC 5936 section 2.2)    SOA  records…  SOA
//     changes (RFC 1995 section 4)           SOA  ( old SOA  removed…  new SOA  added… )…  SOA
#pragma once

#include <cstdint>
#include <optional>
#include <vector>

#include "core/zone/all_records.h"
#include "core/zone/change.h"

namespace swage::plugins::transfer {

// Cheap to copy; the copy goes on where it stood. What it is made of must outlive it and its records.
class Sequence {
 public:
  // REQUIRES of both: zone::View::check(image) succeeded. `changes` lead to the version in `image`; not none.
  [[nodiscard]] static Sequence whole(Bytes image) { return Sequence(image, {}); }
  [[nodiscard]] static Sequence incremental(Bytes image, std::vector<zone::Change> changes) {
    return Sequence(image, std::move(changes));
  }

  // nullopt: that was the last one.
  [[nodiscard]] std::optional<zone::ZoneRecord> next();

 private:
  enum class Stage : std::uint8_t { all, first, removed, added, ended };

  Sequence(Bytes image, std::vector<zone::Change> changes);

  zone::AllRecords all_;
  zone::ZoneRecord soa_;
  std::vector<zone::Change> changes_;
  std::size_t change_ = 0;
  zone::Change::Records part_;  // of changes_[change_]
  Stage stage_;
};

// What a record costs in a message, uncompressed: bytes.
[[nodiscard]] inline std::size_t cost(const zone::ZoneRecord& record) {
  return record.owner.size() + 10 + record.rdata.size();
}

// Whether the whole sequence costs no more than `room`.
[[nodiscard]] bool fits(Sequence sequence, std::size_t room);

}  // namespace swage::plugins::transfer
