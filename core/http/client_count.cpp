#include "core/http/client_count.h"

#include <algorithm>
#include <array>

#include "core/http/forwarded.h"

namespace swage::http {

IpAddress network_of(const IpAddress& client) {
  const IpAddress address = unmapped(client);
  std::array<std::uint8_t, 16> network{};
  std::ranges::copy(address.bytes().first(address.is_v6() ? 6 : 3), network.begin());
  return address.is_v6() ? IpAddress::v6(network) : IpAddress::v4(Bytes(network).first(4));
}

bool ClientCount::add(const IpAddress& client) {
  if (most_ == 0) return false;
  std::size_t& count = networks_[network_of(client)];
  if (count == most_) return false;
  ++count;
  return true;
}

void ClientCount::remove(const IpAddress& client) {
  const auto entry = networks_.find(network_of(client));
  CHECK(entry != networks_.end());
  if (--entry->second == 0) networks_.erase(entry);
}

}  // namespace swage::http
