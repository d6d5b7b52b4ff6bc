// PrefixSet: many networks, and whether an address is in one of them.
#pragma once

#include <vector>

#include "core/net.h"

namespace swage {

class PrefixSet {
 public:
  PrefixSet() = default;  // of no address
  explicit PrefixSet(std::vector<Prefix> prefixes);

  // Takes as many steps as the number of networks has bits.
  [[nodiscard]] bool contains(const IpAddress& address) const;

 private:
  std::vector<Prefix> prefixes_;  // ascending; none is inside another
};

}  // namespace swage
