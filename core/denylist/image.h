// A denylist as one block without pointers: which list decides about an address. Image reads it, in any process;
// ImageBuilder (builder.h) makes it. Allow before deny, and the order of the lists, are resolved when it is built: what
// an address is to the server is one look-up, whose cost does not depend on how many prefixes there are.
//
//     header | filter | ranges of IPv4 | ranges of IPv6 | slots of IPv4 | slots of IPv6 | lists | names
//
// All that belongs to a list is covered by *units*: networks of 32, 24 or 16 bits (IPv4), 64, 48 or 32 (IPv6). Looking
// an address up is looking for the smallest of its three units that is there:
//
// * The *filter*, a Bloom filter of 64-bit words, has all units. An address none of whose three units is in it is on no
//   list. So ends the look-up of nearly all addresses that are not denied, at three words of a table whose size is the
//   same for one prefix and for a million.
// * The *slots*, a hash table, say of a unit what is to be known: which prefix of it (mostly all of it, or one host) is
//   on which list. They hold the addresses themselves, so an answer never depends on a hash. So ends the look-up of
//   nearly all addresses that are denied: at one place in memory after the filter.
// * The *ranges* are for units that are divided in another way, whose slot has the number of a range. Each range begins
//   where the one before ends, and belongs to one list or to no list. An address is searched among those of its unit.
//
// Where networks are too large for units, or these would be too many, there are none: the ranges divide all addresses
// of the family, and every look-up searches them.
//
// All integers are of this machine's byte order: an image lives in shared memory, never in a file.
#pragma once

#include <cstdint>
#include <optional>
#include <string_view>

#include "core/bytes.h"
#include "core/net.h"
#include "core/result.h"

namespace swage::denylist {

enum class Type : std::uint8_t { deny, allow };

// The list that decides about an address.
struct Match {
  Type type{};
  std::uint32_t list = 0;  // its place in the Corefile, from 0
  std::string_view name;   // lives as long as the image

  [[nodiscard]] bool denied() const { return type == Type::deny; }
};

class Image {
 public:
  // REQUIRES: `bytes` passed check(), and live as long as this; or are empty: no lists.
  explicit Image(Bytes bytes) : bytes_(bytes) {}

  // The first allow list that has the address, or else the first deny list; nullopt where no list has it. IPv4-mapped
  // IPv6 is IPv4.
  [[nodiscard]] std::optional<Match> find(const IpAddress& address) const;

  // Whether reading these bytes stays within them, whatever address is looked up. They must be aligned to 8.
  [[nodiscard]] static Result<> check(Bytes bytes);

 private:
  Bytes bytes_;
};

}  // namespace swage::denylist
