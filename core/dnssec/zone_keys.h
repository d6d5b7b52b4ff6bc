// ZoneKeys: what of a zone's keys is in force at a moment: what is published and who signs. Values; any process.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

#include "core/dnssec/key.h"

namespace swage::dnssec {

struct ZoneKeys {
  std::vector<Key> published;          // those in the DNSKEY RRset; the last `hidden` of them are not in it
  std::size_t hidden = 0;              // keys of a new or of an old algorithm that only sign (RFC 6781 section 4.1.4)
  std::vector<std::size_t> sign_keys;  // indexes into it: those that sign the DNSKEY, CDS and CDNSKEY RRsets
  std::vector<std::size_t> sign_zone;  // those that sign all others; hidden keys, too
  std::vector<std::vector<std::uint8_t>> cds, cdnskey;  // RDATA; none: not published
  std::uint32_t dnskey_ttl = 3600;                      // of the DNSKEY, CDS and CDNSKEY RRsets
  std::int64_t next_change = 0;                         // seconds since 1970: look again then; 0: never

  // The DNSKEY RRset.
  [[nodiscard]] std::span<const Key> dnskeys() const { return std::span(published).first(published.size() - hidden); }
};

}  // namespace swage::dnssec
