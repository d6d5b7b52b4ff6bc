// What the service process publishes of a zone's keys in a snapshot, and how it is read: the RRsets of the keys,
// signed, and the keys that dns processes sign with, with their private halves. Internal to this folder.
//
//     "swdnssec" | nonce: 8 bytes | TTL: 4 | items: kind: 1, size: 4, bytes | …
#pragma once

#include <array>
#include <cstdint>
#include <vector>

#include "core/bytes.h"
#include "core/dns/types.h"
#include "core/dnssec/key.h"
#include "core/dnssec/zone_keys.h"
#include "core/result.h"
#include "core/shm/segment.h"

namespace swage::plugins::dnssec {

inline constexpr std::array<dns::Type, 3> kKeyTypes = {dns::Type::dnskey, dns::Type::cds, dns::Type::cdnskey};

// An RRset of the apex; the data lie in the snapshot.
struct KeyRrset {
  std::vector<Bytes> rdata, rrsigs;
};

struct Published {
  std::uint64_t nonce = 0;                        // of this version
  std::uint32_t ttl = 0;                          // of the RRsets
  std::array<KeyRrset, kKeyTypes.size()> rrsets;  // of kKeyTypes
  std::vector<swage::dnssec::Key> keys;           // that sign
};

[[nodiscard]] std::uint64_t nonce_of(Bytes snapshot);  // 0 where it is too short
// `snapshot` must outlive it.
[[nodiscard]] Result<Published> read_published(Bytes snapshot);

// When the first of the signatures in it has to be made again, in seconds since 1970, is added.
struct Written {
  shm::Segment memory;
  std::int64_t renew_at = 0;
};
// Signs the RRsets of `keys` at `now` and writes all of it.
[[nodiscard]] Result<Written> write_published(const swage::dnssec::ZoneKeys& keys, dns::NameView apex,
                                              std::int64_t now);

}  // namespace swage::plugins::dnssec
