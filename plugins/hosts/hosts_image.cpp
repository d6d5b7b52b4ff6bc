#include "plugins/hosts/hosts_image.h"

#include <algorithm>
#include <array>
#include <cstring>

namespace swage::plugins::hosts {

dns::NameView HostsImage::first_name(const std::uint8_t* at) {
  std::size_t size = 0;
  while (at[size] != 0) size += 1U + at[size];
  return {at, size + 1};
}

Bytes HostsImage::addresses_of(dns::NameView name, bool v6) const {
  const Bytes value = map_.find(as_text(name.bytes()));
  if (value.empty()) return {};
  std::uint16_t v4_count;
  std::memcpy(&v4_count, value.data(), sizeof v4_count);
  const std::size_t v4_size = std::size_t{v4_count} * 4;
  return v6 ? value.subspan(sizeof v4_count + v4_size) : value.subspan(sizeof v4_count, v4_size);
}

Bytes HostsImage::addresses(dns::NameView name, bool v6) const {
  const Bytes own = addresses_of(name, v6);
  if (!own.empty() || name.is_root()) return own;
  std::array<std::uint8_t, dns::kMaxName> wildcard;
  const Bytes parent = name.parent().bytes();
  if (parent.size() + 2 > wildcard.size()) return {};
  wildcard[0] = 1;
  wildcard[1] = '*';
  std::ranges::copy(parent, wildcard.begin() + 2);
  return addresses_of({wildcard.data(), parent.size() + 2}, v6);
}

Bytes HostsImage::names_of(const IpAddress& address) const {
  std::array<std::uint8_t, 18> key;
  key[0] = kAddressKey;
  key[1] = static_cast<std::uint8_t>(address.bytes().size());
  std::ranges::copy(address.bytes(), key.begin() + 2);
  return map_.find(as_text(Bytes(key).first(2 + address.bytes().size())));
}

}  // namespace swage::plugins::hosts
