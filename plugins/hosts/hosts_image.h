// The entries of hosts files in a FlatMap (core/shm/flat_map.h): HostsBuilder writes it, HostsImage looks things up in
// it.
//
//     name in wire format, lower case   →  number of IPv4 addresses:16 | 4 bytes each | 16 bytes of each IPv6 address
//     0xFF, 4 or 16, address            →  its names in wire format, one after the other
#pragma once

#include <cstdint>

#include "core/bytes.h"
#include "core/dns/name.h"
#include "core/net.h"
#include "core/shm/flat_map.h"

namespace swage::plugins::hosts {

// More than these of one name, or of one address, are left out: what an answer holds is bounded.
inline constexpr std::size_t kMaxRecords = 256;

inline constexpr std::uint8_t kAddressKey = 0xFF;  // no name begins so

// Costs nothing to make; the image must outlive it and what it gives. An empty image has no entries.
class HostsImage {
 public:
  explicit HostsImage(Bytes image) : map_(image) {}

  // The addresses of `name` (in lower case), one after the other, 4 or 16 bytes each: of the name itself or, where it
  // has none of that family, of the wildcard in place of its first label.
  [[nodiscard]] Bytes addresses(dns::NameView name, bool v6) const;

  // The names of an address, in the order of the file; `use(dns::NameView)` for each.
  template <typename Use>
  void names(const IpAddress& address, Use use) const {
    Bytes names = names_of(address);
    while (!names.empty()) {
      const dns::NameView name = first_name(names.data());
      use(name);
      names = names.subspan(name.size());
    }
  }

  // The name in wire format that begins there.
  [[nodiscard]] static dns::NameView first_name(const std::uint8_t* at);

 private:
  [[nodiscard]] Bytes addresses_of(dns::NameView name, bool v6) const;
  [[nodiscard]] Bytes names_of(const IpAddress& address) const;

  shm::FlatMap map_;
};

}  // namespace swage::plugins::hosts
