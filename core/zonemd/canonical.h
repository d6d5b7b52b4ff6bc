// The records of a zone as DNSSEC and ZONEMD digest them: in canonical form and order (RFC 4034 section 6). Internal to
// this folder.
#pragma once

#include <optional>
#include <vector>

#include "core/zone/all_records.h"

namespace swage::zonemd {

// Writes `rdata` in canonical form (RFC 4034 section 6.2, RFC 6840 section 5.1) into `to`: the names of the older types
// are in lower case.
void write_canonical(dns::Type type, Bytes rdata, std::vector<std::uint8_t>& to);

// The names of a zone in canonical order, with their records by type and data.
class CanonicalNames {
 public:
  explicit CanonicalNames(Bytes image);

  // The records of the next name; none after the last. Valid until the next call.
  [[nodiscard]] const std::vector<zone::ZoneRecord>& next();

 private:
  // The owners of NSEC3 records come after all others in an image: two ways through it are joined.
  class Way {
   public:
    explicit Way(const zone::AllRecords& records) : records_(records), ahead_(records_.next()) {}
    [[nodiscard]] const std::optional<zone::ZoneRecord>& ahead() const { return ahead_; }
    void take() { ahead_ = records_.next(); }

   private:
    zone::AllRecords records_;
    std::optional<zone::ZoneRecord> ahead_;
  };

  static bool less(const zone::ZoneRecord& a, const zone::ZoneRecord& b);

  Way names_, nsec3s_;
  std::vector<zone::ZoneRecord> records_;
};

}  // namespace swage::zonemd
