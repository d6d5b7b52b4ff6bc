// AllRecords: the records of a zone image one after another: for transfers, for what compares zones and for what writes
// them down. Any process.
//
//     zone::AllRecords records(image);
//     while (const std::optional<zone::ZoneRecord> record = records.next()) …
#pragma once

#include <cstdint>
#include <optional>

#include "core/bytes.h"
#include "core/dns/name.h"
#include "core/dns/types.h"

namespace swage::zone {

struct ZoneRecord {
  dns::NameView owner;
  dns::Type type;
  std::uint32_t ttl;
  Bytes rdata;
};

// A place in an image: costs nothing to make or to copy. The SOA record comes first and once; then names in canonical
// order (RFC 4034 section 6.1), the owners of NSEC3 records last; at a name all records of a type, each RRset's RRSIGs
// after it. The image must outlive it and what it gives.
class AllRecords {
 public:
  // REQUIRES: as View has it.
  explicit AllRecords(Bytes image);

  // nullopt after the last one.
  [[nodiscard]] std::optional<ZoneRecord> next();

 private:
  void enter_node();
  void enter_rrset();
  void leave_rrset();

  const std::uint8_t* image_;
  const std::uint8_t* node_;   // an image::Node
  const std::uint8_t* rrset_;  // an image::Rrset of it
  const std::uint8_t* rdata_ = nullptr;
  std::uint32_t nodes_left_;       // with node_
  std::uint32_t rrsets_left_ = 0;  // of the node, with rrset_
  std::uint32_t left_ = 0;         // records of the RRset, RRSIGs too
  std::uint32_t sigs_ = 0;         // of them
  bool soa_given_ = false;
};

}  // namespace swage::zone
