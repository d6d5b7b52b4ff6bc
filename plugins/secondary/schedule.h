// When the primaries of a zone are asked again, and when the zone expires: what its SOA record says (RFC 1035 section
// 3.3.13), within bounds. No I/O, no clock.
#pragma once

#include <chrono>
#include <cstdint>
#include <optional>

#include "core/bytes.h"

namespace swage::plugins::secondary {

// The numbers of a SOA record.
struct SoaTimes {
  std::uint32_t serial = 0;
  std::chrono::seconds refresh{}, retry{}, expire{};

  // Of the zone in an image.
  [[nodiscard]] static SoaTimes of(Bytes image);
};

// Of the time between two looks, whatever the SOA record says.
struct Bounds {
  std::chrono::seconds least{60}, most{86'400};
};

// `random`, from 0 to 1, keeps many zones from being asked for at the same time.

// After the primary has confirmed the version that is here: REFRESH, or up to a tenth less.
[[nodiscard]] std::chrono::milliseconds after_success(const SoaTimes& soa, const Bounds& bounds, double random);

// After so many failures in a row, one or more: RETRY, then twice as long each time, up to REFRESH; or up to a quarter
// less. A zone that was never here is asked for more often at first.
[[nodiscard]] std::chrono::milliseconds after_failure(const std::optional<SoaTimes>& soa, unsigned failures,
                                                      const Bounds& bounds, double random);

// How long a version is served that no primary confirms: EXPIRE, but at least as long as REFRESH and one RETRY take: a
// zone whose EXPIRE is shorter would expire between two looks at a primary that is well.
[[nodiscard]] std::chrono::seconds until_expiry(const SoaTimes& soa, const Bounds& bounds);

}  // namespace swage::plugins::secondary
