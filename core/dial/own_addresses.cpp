#include "core/dial/own_addresses.h"

#include <ifaddrs.h>
#include <sys/socket.h>

#include <memory>

namespace swage::dial {

std::optional<std::vector<IpAddress>> own_addresses() {
  ifaddrs* list = nullptr;
  if (getifaddrs(&list) != 0) return std::nullopt;
  const std::unique_ptr<ifaddrs, decltype(&freeifaddrs)> owner(list, &freeifaddrs);
  std::vector<IpAddress> addresses;
  for (const ifaddrs* each = list; each != nullptr; each = each->ifa_next) {
    if (each->ifa_addr == nullptr) continue;
    if (each->ifa_addr->sa_family != AF_INET && each->ifa_addr->sa_family != AF_INET6) continue;
    addresses.push_back(Endpoint::from_sockaddr(each->ifa_addr).address);
  }
  return addresses;
}

}  // namespace swage::dial
