// What a catalog zone says (RFC 9432): its members, and the properties of each. No I/O. In the service process.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "core/dns/name.h"
#include "core/result.h"
#include "core/shm/segment.h"

namespace swage::plugins::catalog {

// A value that is said of the members in some zones.
template <typename Value>
struct Property {
  Value value;
  std::vector<dns::Name> zones;  // lower case
};

// Which zones are members, and their properties: what the directive says.
struct Contents {
  dns::Name apex;                 // of the catalog; lower case, like all of these
  std::vector<dns::Name> zones;   // members are in these
  std::vector<dns::Name> except;  // and not in these
  std::vector<Property<std::string>> groups;
  std::vector<Property<dns::Name>> owners;  // catalogs that may take them over

  [[nodiscard]] bool has_member(dns::NameView zone) const;
};

// Bytes that a catalog's own name may have: those of its records have the unique label and "group.…zones" before it.
inline constexpr std::size_t kMaxApex = 209;

// The unique label of a zone (RFC 9432 section 4.1): always the same. `zone` in lower case.
[[nodiscard]] std::string unique_label(dns::NameView zone);

// The image of the catalog of these members, in new memory that is called `name`. `members`: names in wire format and
// lower case, each once. On any thread.
[[nodiscard]] Result<shm::Segment> make_image(const Contents& contents, const std::vector<std::string>& members,
                                              std::uint32_t serial, const std::string& name);

}  // namespace swage::plugins::catalog
