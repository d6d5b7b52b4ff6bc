// Signatures of RRsets: RRSIG records (RFC 4034 section 3), made with the keys of a zone and checked. No I/O and no
// clock; any process that has keys.
#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "core/bytes.h"
#include "core/dns/name.h"
#include "core/dns/types.h"
#include "core/dnssec/key.h"
#include "core/result.h"

namespace swage::dnssec {

// From when to when a signature is valid, in seconds since 1970, both included.
struct Validity {
  std::int64_t inception = 0, expiration = 0;
};

// How long signatures are valid, in seconds.
struct ValidityPolicy {
  std::int64_t before = 3600;              // from so long ago on: clocks of validators may be slow
  std::int64_t lifetime = 14 * 86'400;     // until then, from now on
  std::int64_t jitter = 86'400;            // less up to so much, lest all signatures expire at once
  std::int64_t renew_before = 4 * 86'400;  // one that expires sooner is made again

  // `random`: any number; the same one gives the same jitter.
  [[nodiscard]] Validity at(std::int64_t now, std::uint64_t random) const;
  // Whether a signature can be used at `now`, and need not be made again yet.
  [[nodiscard]] bool is_fresh(const Validity& validity, std::int64_t now) const {
    return validity.inception <= now && now + renew_before < validity.expiration;
  }
};

// Records of one owner, class and type.
struct Rrset {
  dns::NameView owner;  // in any case; a wildcard as it stands in the zone
  dns::Type type = dns::Type::a;
  std::uint32_t ttl = 0;         // seconds, as the zone has it
  std::span<const Bytes> rdata;  // uncompressed, in any order; equal ones count once. REQUIRES: one at least
  dns::Class rclass = dns::Class::in;
};

// Signs RRsets, one after another: its memory is used again, so that signing allocates nothing once it has grown.
class RrsetSigner {
 public:
  // What follows is about this RRset, in canonical form and order (RFC 4034 section 6), of which a copy is kept.
  void set(const Rrset& rrset);
  // What is signed of it: its records, one after another (RFC 4034 section 3.1.8.1). Valid until set().
  [[nodiscard]] Bytes records() const { return Bytes(signed_).subspan(kRoom); }

  // Bytes of an RRSIG's data.
  [[nodiscard]] static std::size_t size(const Key& key);
  // Writes them, and returns how many. Fails where the key cannot sign. REQUIRES: `rrsig` has size(key) bytes; the
  // owner is in the key's zone.
  [[nodiscard]] Result<std::size_t> sign(const Key& key, const Validity& validity, MutableBytes rrsig);
  // Whether `rrsig`, the data of an RRSIG record, is a signature of the RRset by `key`, whenever it is valid.
  [[nodiscard]] bool verify(const Key& key, Bytes rrsig);
  // Writes all of an RRSIG's data but the signature: the bytes that come before it are returned.
  [[nodiscard]] std::size_t write_head(const Key& key, const Validity& validity, MutableBytes rrsig) const;

 private:
  static constexpr std::size_t kRoom = 18 + dns::kMaxName;  // for the head of an RRSIG, before the records

  void set_rdata(const Rrset& rrset);
  [[nodiscard]] Bytes message(Bytes head);

  dns::Type type_ = dns::Type::a;
  std::uint8_t labels_ = 0;
  std::uint32_t ttl_ = 0;
  std::vector<std::uint8_t> canonical_;  // the data of all records
  std::vector<Bytes> sorted_;            // parts of canonical_
  std::vector<std::uint8_t> signed_;
};

// The times of an RRSIG's data, as they are meant at `now` (RFC 4034 section 3.1.5). REQUIRES: it has 18 bytes.
[[nodiscard]] Validity validity_of(Bytes rrsig, std::int64_t now);

}  // namespace swage::dnssec
