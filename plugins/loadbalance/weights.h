// The weights of addresses: from a weight file's text to a block of bytes without pointers, which all processes can
// read. No I/O.
//
//     u32 count | u32 offset of each entry, ascending by name, then address | entries
//     entry: u8 weight | u8 size of the address | address | name on the wire, in lower case
//
// The integers are the machine's own.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "core/bytes.h"
#include "core/dns/name.h"
#include "core/net.h"
#include "core/result.h"

namespace swage::plugins::loadbalance {

struct Weight {
  dns::Name name;  // lower case
  IpAddress address;
  std::uint8_t weight = 1;
};

// Lines of a name alone, whose addresses follow, or of an address and its weight from 1 to 255. Blank lines and those
// that begin with '#' mean nothing. Of two weights for the same address the first one counts. `path` is for errors.
[[nodiscard]] Result<std::vector<Weight>> parse_weights(const std::string& path, std::string_view text);

[[nodiscard]] std::vector<std::uint8_t> write_weights(const std::vector<Weight>& weights);

// Looks into such a block.
class Weights {
 public:
  // Empty bytes: no weights.
  explicit Weights(Bytes bytes) : bytes_(bytes) {}

  // Of this address (4 or 16 bytes) at this name, in any case; 1 where the file says nothing.
  [[nodiscard]] std::uint8_t find(dns::NameView name, Bytes address) const;
  [[nodiscard]] std::size_t size() const;

 private:
  struct Entry {
    std::string_view name, address;
    std::uint8_t weight;
  };
  [[nodiscard]] Entry entry(std::size_t index) const;

  Bytes bytes_;
};

}  // namespace swage::plugins::loadbalance
