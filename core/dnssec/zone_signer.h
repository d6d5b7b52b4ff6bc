// Signs a zone (RFC 4035 section 2): adds DNSKEY, CDS and CDNSKEY records, the chain of NSEC or NSEC3 records, and
// signatures. A zone that was signed before is signed again incrementally: signatures of what has not changed, and that
// are good for long enough, stay. No I/O; on any thread, with further ones for the signatures.
#pragma once

#include <atomic>
#include <cstdint>
#include <vector>

#include "core/bytes.h"
#include "core/dnssec/rrsig.h"
#include "core/dnssec/zone_keys.h"
#include "core/result.h"
#include "core/zone/builder.h"

namespace swage::dnssec {

struct SigningPolicy {
  bool nsec3 = false;    // SHA-1, no additional iterations (RFC 9276); else NSEC
  bool opt_out = false;  // delegations without DS have no NSEC3 (RFC 5155 section 6)
  std::vector<std::uint8_t> salt{};
  // The data of a ZONEMD record (RFC 8976) that the zone gets, with a signature that is good once its digest is filled
  // in and it is signed again (core/signing/zone_digest.h); empty: none.
  std::vector<std::uint8_t> zonemd{};
  ValidityPolicy validity{};
  unsigned threads = 1;
  const std::atomic<bool>* stop = nullptr;  // set: end with an Error soon
};

struct SignedZone {
  std::size_t made = 0, kept = 0;  // signatures
  // Whether anything but the SOA and ZONEMD records and their signatures is not as in the version before.
  bool changed = false;
};

// Whether records of this type are the signer's: RRSIG, NSEC, NSEC3, NSEC3PARAM, DNSKEY, CDS, CDNSKEY, and ZONEMD,
// whose digest signing makes wrong. Those of the zone that is to be signed are left out.
[[nodiscard]] bool is_of_signer(dns::Type type);

// Adds the records of `zone`, signed, to `into`, which has none, and finishes it. The SOA record gets `serial`.
// `before`: the version that was signed last, empty where there is none. `now` in seconds since 1970. An Error where a
// key cannot sign, or the builder does not take what comes of it. REQUIRES: zone::View::check() was happy with both
// images, which are of the same zone; `keys` are of this zone, and some of them sign.
[[nodiscard]] Result<SignedZone> sign_zone(Bytes zone, Bytes before, std::uint32_t serial, const ZoneKeys& keys,
                                           const SigningPolicy& policy, std::int64_t now, zone::Builder& into);

}  // namespace swage::dnssec
