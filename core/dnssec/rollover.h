// The life of a zone's keys, from the first to the last (RFC 7583): when a key is published, signs, waits for its DS in
// the parent zone, and is withdrawn. A pure function of what has happened, a policy and the time: no I/O, no clock.
// What no cache can have may go, and what every cache has may be relied upon; at any moment every combination of what
// caches may hold validates, also for those that want a signature of each algorithm.
//
// - A ZSK is published before it signs (RFC 7583 section 3.2.1).
// - A KSK signs beside its predecessor until its DS is in all caches (Double-KSK, section 3.3.1). A key that is both
//   (CSK) does both.
// - A new algorithm signs everything before its keys are published, and an old one until after its keys are gone
//   (RFC 6781 section 4.1.4).
#pragma once

#include <cstdint>
#include <string_view>
#include <vector>

#include "core/dnssec/key.h"

namespace swage::dnssec {

// All times are seconds; points in time since 1970, 0 for "not yet".
struct Policy {
  Algorithm algorithm = Algorithm::ecdsap256sha256;
  bool single = true;             // a CSK; otherwise KSK and ZSK
  bool secure = true;             // false: the zone goes back to being unsigned (RFC 8078 section 4)
  std::int64_t ksk_lifetime = 0;  // of a KSK or CSK until its successor takes over; 0: for ever
  std::int64_t zsk_lifetime = 0;

  std::int64_t dnskey_ttl = 3600;
  std::int64_t zone_ttl = 86400;           // the greatest TTL in the zone
  std::int64_t propagation = 300;          // until all nameservers of the zone have a change
  std::int64_t parent_ttl = 86400;         // of the DS RRset
  std::int64_t parent_propagation = 3600;  // until all nameservers of the parent have a change
  std::int64_t safety = 3600;              // added to each wait

  // How long until no cache is without a DNSKEY, a signature or a DS that is new, or has one that is gone.
  [[nodiscard]] std::int64_t key_wait() const { return dnskey_ttl + propagation + safety; }
  [[nodiscard]] std::int64_t zone_wait() const { return zone_ttl + propagation + safety; }
  [[nodiscard]] std::int64_t parent_wait() const { return parent_ttl + parent_propagation + safety; }
  // A key that lives shorter would be replaced before its predecessor has gone.
  [[nodiscard]] std::int64_t least_lifetime() const { return key_wait() + zone_wait() + parent_wait(); }
};

// What has happened to a key so far.
struct KeyLife {
  bool ksk = false, zsk = false;  // signs the keys; signs the rest of the zone; both: CSK
  Algorithm algorithm = Algorithm::ecdsap256sha256;
  std::int64_t created = 0;
  std::int64_t retire = 0;               // since then it is on its way out
  std::int64_t publish = 0, remove = 0;  // in the DNSKEY RRset from, until
  std::int64_t sign = 0, stop = 0;       // signs the zone from, until: with zsk
  std::int64_t submit = 0;               // the parent is asked for its DS since: with ksk
  std::int64_t ds_seen = 0, ds_gone = 0;

  [[nodiscard]] bool is_published() const { return publish != 0 && remove == 0; }
  [[nodiscard]] bool signs_zone() const { return sign != 0 && stop == 0; }
  [[nodiscard]] bool operator==(const KeyLife&) const = default;
};

// Whether the parent has the DS of a key. Nobody knows, where its nameservers do not agree, too.
enum class DsSight : std::uint8_t { unknown, present, absent };

// A key that is missing: to be made, and put into `keys` with `created`, before advance() is called again.
struct WantedKey {
  bool ksk = false, zsk = false;
  Algorithm algorithm = Algorithm::ecdsap256sha256;
  [[nodiscard]] bool operator==(const WantedKey&) const = default;
};

struct Advance {
  std::vector<WantedKey> wanted;
  std::int64_t next_change = 0;  // look again then, whatever happens; 0: only when something else does
};

// Takes all steps that can be taken at `now`. `sights` has one for each key, or none at all.
[[nodiscard]] Advance advance(std::vector<KeyLife>& keys, const Policy& policy, std::int64_t now,
                              const std::vector<DsSight>& sights = {});

// Those whose CDS and CDNSKEY records are published: indexes. `deletes`: instead, the record that asks for no DS at
// all.
struct Submission {
  std::vector<std::size_t> keys;
  bool deletes = false;
};
[[nodiscard]] Submission submission(const std::vector<KeyLife>& keys, const Policy& policy);

// Whether a roll of this kind of key has begun and not come to its end.
[[nodiscard]] bool is_rolling(const std::vector<KeyLife>& keys, bool ksk, bool zsk);

enum class Stage : std::uint8_t {
  made,          // is not used yet
  presigning,    // signs, unpublished: a new algorithm
  published,     // waits until all caches have it
  ready,         // a KSK whose DS the parent has to publish
  ds_published,  // a KSK whose DS not all caches have yet
  active,
  retiring,  // still needed
  removed,   // not published any more; caches may have it
  dead,      // nowhere
};
[[nodiscard]] Stage stage_of(const KeyLife& key, const Policy& policy, std::int64_t now);
[[nodiscard]] std::string_view name_of(Stage stage);

}  // namespace swage::dnssec
