#include "plugins/bind/bind.h"

#include <ifaddrs.h>
#include <net/if.h>

#include <algorithm>
#include <cerrno>
#include <cstring>

namespace swage::plugins::bind {
namespace {

using Addresses = std::vector<IpAddress>;

bool is_link_local(const IpAddress& address) {
  return address.is_v6() && address.bytes()[0] == 0xFE && (address.bytes()[1] & 0xC0) == 0x80;
}

bool contains(const Addresses& addresses, const IpAddress& address) {
  return std::find(addresses.begin(), addresses.end(), address) != addresses.end();
}

// The addresses that `interface` has now. Link-local IPv6 ones are left out: to bind them takes a scope too.
Result<Addresses> addresses_of(const std::string& interface) {
  ifaddrs* list = nullptr;
  if (getifaddrs(&list) != 0) return fail("cannot list the interfaces: {}", std::strerror(errno));
  Addresses found;
  for (const ifaddrs* entry = list; entry != nullptr; entry = entry->ifa_next) {
    if (entry->ifa_addr == nullptr || interface != entry->ifa_name) continue;
    if (entry->ifa_addr->sa_family != AF_INET && entry->ifa_addr->sa_family != AF_INET6) continue;
    const IpAddress address = Endpoint::from_sockaddr(entry->ifa_addr).address;
    if (!is_link_local(address)) found.push_back(address);
  }
  freeifaddrs(list);
  if (found.empty()) return fail("interface '{}' has no address", interface);
  return found;
}

// What an ADDRESS or IFACE stands for.
Result<Addresses> resolve(const std::string& word) {
  if (if_nametoindex(word.c_str()) != 0) return addresses_of(word);
  const Result<IpAddress> address = IpAddress::parse(word);
  if (!address) return fail("'{}' is neither an IP address nor an interface of this host", word);
  return Addresses{*address};
}

// All arguments that are left on this line; at least one.
Result<Addresses> remaining_addresses(Controller& controller) {
  Addresses all;
  TRY(controller.expect_arg("an address or an interface"));
  do {
    Result<Addresses> some = resolve(controller.val());
    if (!some) return std::unexpected(controller.error("directive 'bind': {}", some.error().text()));
    all.insert(all.end(), some->begin(), some->end());
  } while (controller.next_arg());
  return all;
}

Result<Addresses> excepted(Controller& controller) {
  Addresses all;
  while (controller.next_block()) {
    if (controller.val() != "except") return std::unexpected(controller.unknown_property({"except"}));
    TRY(const Addresses some, remaining_addresses(controller));
    all.insert(all.end(), some.begin(), some.end());
  }
  return all;
}

}  // namespace

Result<> setup(Controller& controller) {
  Addresses all;
  while (controller.next()) {
    const config::Token directive = controller.token();
    TRY(Addresses some, remaining_addresses(controller));
    TRY(const Addresses except, excepted(controller));
    std::erase_if(some, [&except](const IpAddress& address) { return contains(except, address); });
    if (some.empty()) return std::unexpected(directive.error("directive 'bind': 'except' leaves no address"));
    for (const IpAddress& address : some) {
      if (is_link_local(address)) {
        return std::unexpected(directive.error(
            fmt::format("directive 'bind': the link-local address {} cannot be bound", address.to_string())));
      }
      if (!contains(all, address)) all.push_back(address);
    }
  }
  controller.listen_on(std::move(all));
  return {};
}

}  // namespace swage::plugins::bind
