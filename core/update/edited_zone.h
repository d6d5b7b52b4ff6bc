// EditedZone: a zone image and what is changed of it: the names that were touched, with their records. An update reads
// and changes it; what comes out of several updates is one list of changes and one new image. Costs memory for the
// names that were touched alone. In the service process; no I/O.
#pragma once

#include <cstdint>
#include <map>
#include <vector>

#include "core/bytes.h"
#include "core/dns/name.h"
#include "core/dns/types.h"
#include "core/zone/builder.h"

namespace swage::update {

struct Rrset {
  std::uint32_t ttl = 0;                        // seconds
  std::vector<std::vector<std::uint8_t>> data;  // uncompressed, sorted; at least one

  bool operator==(const Rrset&) const = default;
};
using Rrsets = std::map<dns::Type, Rrset>;

struct Change {
  dns::Name owner;
  dns::Type type;
  std::uint32_t ttl;
  std::vector<std::uint8_t> rdata;

  bool operator==(const Change&) const = default;
};

// What was removed and what was added, in canonical order of the owners. A record whose TTL changes is in both.
struct Changes {
  std::vector<Change> removed, added;
  [[nodiscard]] bool empty() const { return removed.empty() && added.empty(); }
  bool operator==(const Changes&) const = default;
};

// Whether two records of a type have the same data: names in them compare without case (RFC 4034 section 6.2).
[[nodiscard]] bool same_data(dns::Type type, Bytes a, Bytes b);

class EditedZone {
 public:
  // REQUIRES: zone::View::check(image) succeeded; the image outlives this.
  explicit EditedZone(Bytes image);

  [[nodiscard]] const dns::Name& apex() const { return apex_; }
  [[nodiscard]] Bytes image() const { return image_; }
  // The records of a name as they are now; empty where it has none. REQUIRES: `name` is under the apex.
  [[nodiscard]] const Rrsets& at(dns::NameView name) { return touch(name).now; }
  [[nodiscard]] const Rrset* find(dns::NameView name, dns::Type type);
  [[nodiscard]] bool has(dns::NameView name, dns::Type type, Bytes rdata);

  // Takes the place of a record with the same data. All records of an RRset have one TTL: that of the record that was
  // added last (RFC 2181 section 5.2).
  void add(dns::NameView name, dns::Type type, std::uint32_t ttl, Bytes rdata);
  void remove(dns::NameView name, dns::Type type, Bytes rdata);
  void remove(dns::NameView name, dns::Type type) { touch(name).now.erase(type); }

  [[nodiscard]] std::uint32_t serial();
  void set_serial(std::uint32_t serial);

  // Since the image.
  [[nodiscard]] Changes changes() const;
  // Since these names had these records, and all others what they have now.
  [[nodiscard]] Changes changes_since(const std::map<dns::Name, Rrsets>& before);
  // Does what changes() said. Fails where a record to be removed is not there, or a name is not in the zone.
  [[nodiscard]] Result<> replay(const Changes& changes);
  // All records, for an image; finishes the builder.
  [[nodiscard]] Result<> build(zone::Builder& into) const;
  // The names whose records are others than the image's, in canonical order; and the records that these have, for an
  // image of them alone (core/zone/patch.h); finishes the builder, and fails where build() does.
  [[nodiscard]] std::vector<dns::Name> changed_names() const;
  [[nodiscard]] Result<> build_changed(zone::Builder& into) const;

 private:
  struct Touched {
    Rrsets before, now;
  };
  [[nodiscard]] Touched& touch(dns::NameView name);

  Bytes image_;
  dns::Name apex_;
  std::map<dns::Name, Touched> names_;  // in canonical order
};

}  // namespace swage::update
