// What a catalog zone says (RFC 9432): which zones are its members. No I/O. In the service process.
#pragma once

#include <map>
#include <optional>
#include <string>

#include "core/bytes.h"
#include "core/dns/name.h"
#include "core/result.h"

namespace swage::plugins::secondary {

struct CatalogMember {
  // The unique label: where it changes, the zone is another one of the same name (section 5.4).
  std::string id;
  std::optional<dns::Name> new_owner{};  // the catalog that may take it over (the property coo, section 4.4.1)
};

// By name in lower case.
using CatalogMembers = std::map<dns::Name, CatalogMember>;

inline constexpr std::size_t kMaxMembers = 100'000;

// Of the catalog zone in `image`. An Error where it is broken, so that nothing of it may be believed: its version is
// not "2" (section 4.2), a member or a property has two records (sections 4.1 and 4.4), a zone is a member twice, or
// there are more than kMaxMembers. Properties that are not known are passed over.
[[nodiscard]] Result<CatalogMembers> read_catalog(Bytes image);

}  // namespace swage::plugins::secondary
