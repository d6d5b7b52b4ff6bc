#include "core/prefix_set.h"

#include <algorithm>

namespace swage {

// Two networks are apart or one is inside the other. In ascending order, shorter ones first, a network comes right
// behind the one that it is in, or behind others that are in it too.
PrefixSet::PrefixSet(std::vector<Prefix> prefixes) {
  std::ranges::sort(prefixes);
  for (const Prefix& prefix : prefixes) {
    if (prefixes_.empty() || !prefixes_.back().contains(prefix.address)) prefixes_.push_back(prefix);
  }
}

bool PrefixSet::contains(const IpAddress& address) const {
  const auto behind = std::ranges::upper_bound(prefixes_, address, {}, &Prefix::address);
  return behind != prefixes_.begin() && (behind - 1)->contains(address);
}

}  // namespace swage
