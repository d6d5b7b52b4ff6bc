// The entries of a hosts file as one flat, read-only block of bytes, which any process may map anywhere: HostsBuilder
// writes it, HostsImage looks things up in it. Numbers are in the byte order of the machine, names in wire format and
// lower case; a Ref is a place in units of 4 bytes.
//
//     +-----------------------+ 0
//     | Header                |
//     +-----------------------+ header.name_slots
//     | Slot x ...            |  hash table of the names: linear probing, at most 60 % full
//     +-----------------------+ header.address_slots
//     | Slot x ...            |  hash table of the addresses, the same way
//     +-----------------------+
//     | NameNode, name, padding, IPv4 addresses, IPv6 addresses | ...
//     | AddressNode, address, Ref of each of its names          | ...
//     +-----------------------+ header.size
//
// A million names with an address each take 56 MB, once for all processes.
#pragma once

#include <array>
#include <cstdint>

#include "core/bytes.h"
#include "core/dns/name.h"
#include "core/net.h"
#include "core/result.h"

namespace swage::plugins::hosts {

using Ref = std::uint32_t;
inline constexpr std::size_t kUnit = 4;

struct Header {
  std::array<char, 8> magic;
  std::uint64_t size;  // bytes of the image
  std::uint32_t names, addresses;
  std::uint32_t entries;  // pairs of both
  Ref name_slots;
  std::uint32_t name_slot_count;
  Ref address_slots;
  std::uint32_t address_slot_count;
  std::uint32_t padding;
};

struct Slot {
  std::uint32_t tag;  // the low half of the hash
  Ref node;           // 0: the slot is free
};

struct NameNode {
  std::uint16_t v4, v6;  // addresses
  std::uint32_t name_size;
};

struct AddressNode {
  std::uint32_t names;
  std::uint32_t size;  // bytes of the address: 4 or 16
};

inline constexpr std::array<char, 8> kMagic = {'s', 'w', 'a', 'g', 'h', 's', 't', '1'};

// More than these of one name, or of one address, are left out: what an answer holds is bounded.
inline constexpr std::size_t kMostRecords = 256;

[[nodiscard]] constexpr std::size_t padded(std::size_t size) { return (size + kUnit - 1) / kUnit * kUnit; }

// Of a name in wire format and lower case.
[[nodiscard]] std::uint64_t hash_name(dns::NameView name);
[[nodiscard]] std::uint64_t hash_address(const IpAddress& address);

// Costs nothing to make; the image must outlive it and what it gives. No image at all has no entries.
class HostsImage {
 public:
  // REQUIRES: `image` is empty, or check() succeeded once and it is aligned to 8.
  explicit HostsImage(Bytes image) : image_(image) {}

  [[nodiscard]] static Result<> check(Bytes image);

  // The addresses of `name` (in lower case), one behind the other, 4 or 16 bytes each: of the name itself or, where it
  // has none of that family, of the wildcard in place of its first label.
  [[nodiscard]] Bytes addresses(dns::NameView name, bool v6) const;

  // The names of an address, in the order of the file; `use(dns::NameView)` for each.
  template <typename Use>
  void names(const IpAddress& address, Use use) const {
    const AddressNode* const node = find(address);
    for (std::uint32_t i = 0; node != nullptr && i < node->names; ++i) use(name_of(*node, i));
  }

  [[nodiscard]] std::uint32_t names() const { return image_.empty() ? 0 : header().names; }
  [[nodiscard]] std::uint32_t entries() const { return image_.empty() ? 0 : header().entries; }

 private:
  [[nodiscard]] const Header& header() const { return *reinterpret_cast<const Header*>(image_.data()); }
  template <typename T>
  [[nodiscard]] const T* at(Ref ref) const {
    return reinterpret_cast<const T*>(image_.data() + std::size_t{ref} * kUnit);
  }
  [[nodiscard]] Bytes addresses_of(dns::NameView name, bool v6) const;
  [[nodiscard]] const AddressNode* find(const IpAddress& address) const;
  [[nodiscard]] dns::NameView name_of(const AddressNode& node, std::uint32_t index) const;

  Bytes image_;
};

}  // namespace swage::plugins::hosts
