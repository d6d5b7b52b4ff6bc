#include "plugins/bind/bind.h"

#include <algorithm>

namespace swage::plugins::bind {
namespace {

using Addresses = std::vector<IpAddress>;

bool is_link_local(const IpAddress& address) {
  return address.is_v6() && address.bytes()[0] == 0xFE && (address.bytes()[1] & 0xC0) == 0x80;
}

bool contains(const Addresses& addresses, const IpAddress& address) {
  return std::find(addresses.begin(), addresses.end(), address) != addresses.end();
}

// What an ADDRESS or IFACE stands for. Link-local IPv6 addresses of an interface are left out: to bind them takes a
// scope.
Result<Addresses> resolve(const ServerBlock& block, const std::string& word) {
  const auto interface = block.interfaces->find(word);
  if (interface == block.interfaces->end()) {
    const Result<IpAddress> address = IpAddress::parse(word);
    if (!address) return fail("'{}' is neither an IP address nor an interface of this host", word);
    return Addresses{*address};
  }
  Addresses found;
  for (const std::string& text : interface->second) {
    TRY(const IpAddress address, IpAddress::parse(text));
    if (!is_link_local(address)) found.push_back(address);
  }
  if (found.empty()) return fail("interface '{}' has no address", word);
  return found;
}

// All arguments that are left on this line; at least one.
Result<Addresses> remaining_addresses(Controller& controller) {
  Addresses all;
  TRY(controller.expect_arg("an address or an interface"));
  do {
    const Result<Addresses> some = resolve(controller.block(), controller.val());
    if (!some) return controller.fail("{}", some.error().text());
    all.insert(all.end(), some->begin(), some->end());
  } while (controller.next_arg());
  return all;
}

Result<Addresses> excepted(Controller& controller) {
  Addresses all;
  const auto read_except = [&]() -> Result<> {
    TRY(const Addresses some, remaining_addresses(controller));
    all.insert(all.end(), some.begin(), some.end());
    return {};
  };
  TRY(controller.read_block({{"except", read_except}}));
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
    if (some.empty()) return controller.fail_at(directive, "'except' leaves no address");
    for (const IpAddress& address : some) {
      if (is_link_local(address)) {
        return controller.fail_at(directive, "the link-local address {} cannot be bound", address.to_string());
      }
      if (!contains(all, address)) all.push_back(address);
    }
  }
  controller.block().addresses = std::move(all);
  return {};
}

}  // namespace swage::plugins::bind
