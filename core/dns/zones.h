// The zones that a directive of the Corefile is about, as a list: few, so they are looked at one by one.
#pragma once

#include <vector>

#include "core/dns/name.h"

namespace swage::dns {

// Whether `name` is in one of the zones.
[[nodiscard]] inline bool is_under_any(NameView name, const std::vector<Name>& zones) {
  for (const Name& zone : zones) {
    if (name.is_under(zone)) return true;
  }
  return false;
}

// The longest of the zones that `name` is in; nullptr where there is none.
[[nodiscard]] inline const Name* longest_zone(NameView name, const std::vector<Name>& zones) {
  const Name* longest = nullptr;
  for (const Name& zone : zones) {
    if (name.is_under(zone) && (longest == nullptr || zone.size() > longest->size())) longest = &zone;
  }
  return longest;
}

}  // namespace swage::dns
