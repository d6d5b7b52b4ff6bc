// NameWalk: a zone image name by name, each with its RRsets and their signatures. No I/O.
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <vector>

#include "core/zone/all_records.h"

namespace swage::dnssec {

// Of one name and type. What it refers to lies in the image and in the walk.
struct RrsetView {
  dns::Type type;
  std::uint32_t ttl;
  std::span<const zone::ZoneRecord> records, signatures;
};

class NameWalk {
 public:
  // Empty: no names. REQUIRES: else zone::View::check(image) succeeded; the image outlives this.
  explicit NameWalk(Bytes image);

  // Goes to the first name, then to the next one: in canonical order (RFC 4034 section 6.1), the owners of NSEC3
  // records last. False after the last name.
  [[nodiscard]] bool next();
  [[nodiscard]] dns::NameView owner() const { return owner_; }
  // By type; until next().
  [[nodiscard]] const std::vector<RrsetView>& rrsets() const { return rrsets_; }

 private:
  std::optional<zone::AllRecords> records_;
  std::optional<zone::ZoneRecord> ahead_;
  dns::NameView owner_;
  std::vector<zone::ZoneRecord> of_name_;
  std::vector<RrsetView> rrsets_;
};

}  // namespace swage::dnssec
