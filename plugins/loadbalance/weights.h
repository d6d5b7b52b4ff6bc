// The weights of addresses: from a weight file's text to a FlatMap, which all processes can read. No I/O.
//
// Keys are the name on the wire, in lower case, and the bytes of the address; values are one byte.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "core/bytes.h"
#include "core/dns/name.h"
#include "core/net.h"
#include "core/result.h"
#include "core/shm/flat_map.h"
#include "core/shm/segment.h"

namespace swage::plugins::loadbalance {

struct Weight {
  dns::Name name;  // lower case
  IpAddress address;
  std::uint8_t weight = 1;
};

// Lines of a name alone, whose addresses follow, or of an address and its weight from 1 to 255. Blank lines and those
// that begin with '#' mean nothing. Of two weights for the same address the first one counts. `path` is for errors.
[[nodiscard]] Result<std::vector<Weight>> parse_weights(const std::string& path, std::string_view text);

// `segment`: what /proc shows.
[[nodiscard]] Result<shm::Segment> write_weights(const std::string& segment, const std::vector<Weight>& weights);

// Of this address (4 or 16 bytes) at this name, in any case; 1 where the file says nothing.
[[nodiscard]] std::uint8_t find_weight(const shm::FlatMap& weights, dns::NameView name, Bytes address);

}  // namespace swage::plugins::loadbalance
