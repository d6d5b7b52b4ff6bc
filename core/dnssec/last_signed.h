// LastSigned: the version of a zone that was signed last, beside the one that is being signed: which signatures are
// still good. No I/O.
#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "core/dnssec/name_walk.h"
#include "core/dnssec/zone_keys.h"

namespace swage::dnssec {

class LastSigned {
 public:
  // `image`: empty where there is none. Signatures that expire before `fresh_until` are not good any more; nor are
  // those that begin after `now`, both in seconds since 1970. REQUIRES: as NameWalk has it; `keys` outlive this.
  LastSigned(Bytes image, const ZoneKeys& keys, std::int64_t now, std::int64_t fresh_until);

  // Goes on to this name. REQUIRES: names come in canonical order.
  void go_to(dns::NameView name);
  // The same for the owner of an NSEC3 record; no other names come after.
  void go_to_nsec3(dns::NameView owner);
  // Of the name that is gone to; nullptr where it has none.
  [[nodiscard]] const RrsetView* find(dns::Type type) const;
  // The data of an RRSIG by the key `index` among those that `rrset` has; empty where none is good. REQUIRES: `rrset`
  // has the data of what is being signed.
  [[nodiscard]] Bytes good_signature(const RrsetView& rrset, std::size_t key) const;

 private:
  void advance() { more_ = walk_.next(); }
  [[nodiscard]] bool at_nsec3s() const { return more_ && walk_.rrsets().front().type == dns::Type::nsec3; }

  const ZoneKeys& keys_;
  std::uint32_t now_, fresh_until_;  // as in RRSIGs
  NameWalk walk_;
  bool more_ = false;        // walk_ is at a name
  bool found_ = false;       // which is the one
  std::vector<bool> known_;  // keys that the zone had; another one may have the same tag
};

}  // namespace swage::dnssec
