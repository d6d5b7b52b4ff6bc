#include "core/plugin/cache_rules.h"

#include <functional>

namespace swage {

std::uint32_t Popularity::count(Bytes key, std::int64_t now, std::int64_t gap) {
  const std::uint64_t hash = std::hash<std::string_view>()(as_text(key));
  Place& place = places_[hash % kPlaces];
  const bool goes_on = place.key == hash && now - place.last < gap;
  place = {hash, now, goes_on ? place.count + 1 : 1};
  return place.count;
}

}  // namespace swage
