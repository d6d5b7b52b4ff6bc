// From two versions of a zone to the change between them, and back: from a version and changes to the records of the
// next one. In the service process.
#pragma once

#include <optional>
#include <span>
#include <vector>

#include "core/bytes.h"
#include "core/result.h"
#include "core/zone/builder.h"
#include "core/zone/change.h"

namespace swage::zone {

// What makes `image` the zone in `next`. An RRset whose TTL changes is removed and added; how an owner is spelled
// makes no difference. nullopt where there is none, or the change would have more than `most` bytes. REQUIRES:
// View::check() was happy with both, and they are of the same zone.
[[nodiscard]] std::optional<std::vector<std::uint8_t>> diff(Bytes image, Bytes next, std::size_t most = SIZE_MAX);

// Adds the records of `image`, as they are after all of `changes`, to `into`, which has none and is then to be
// finished. Fails where `changes` do not follow on `image` and on each other, remove what is not there or add what is
// (RFC 1995 section 4: then the zone has to be transferred whole), and where Builder::add() does. Names in rdata may be
// spelled otherwise than they are. TTLs of what is removed are not looked at. REQUIRES: View::check() was happy with
// `image`.
[[nodiscard]] Result<> apply(Bytes image, std::span<const Change> changes, Builder& into);

// The same of the names alone that stand in `changes`, which it gives in canonical order: for a Patch. REQUIRES: these
// names are under the zone's.
[[nodiscard]] Result<std::vector<dns::Name>> apply_to_names(Bytes image, std::span<const Change> changes,
                                                            Builder& into);

}  // namespace swage::zone
